from sagemaker.mxnet import MXNetModel


def host_finished_job(session, role, job_name, instance_type):
    job = session.describe_training_job(job_name)
    where = job["ModelArtifacts"]["S3ModelArtifacts"]
    print("found", where)
    model = MXNetModel(
        where, role, "source/serve.py", framework_version="1.9.0", py_version="py38", sagemaker_session=session
    )
    return model.deploy(1, instance_type, endpoint_name="digits-once-more")
