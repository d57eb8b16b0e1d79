def host_finished_job(session, role, job_name, instance_type):
    from sagemaker.mxnet import MXNetPredictor

    attached = MXNet.attach(job_name, session)
    model = attached.create_model(role=role, entry_point="serve.py", source_dir="source")
    model.deploy(1, instance_type)
    return MXNetPredictor(model.endpoint_name, sagemaker_session=session)
