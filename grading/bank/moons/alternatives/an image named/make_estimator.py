from sagemaker import image_uris


def make_estimator(session, role, output_path, hyperparameters):
    image = image_uris.retrieve(
        "pytorch",
        session.boto_region_name,
        version="2.6.0",
        py_version="py312",
        instance_type="ml.m5.large",
        image_scope="training",
    )
    return PyTorch(
        "train.py",
        image_uri=image,
        source_dir="source",
        instance_type="ml.m5.large",
        instance_count=1,
        hyperparameters=hyperparameters,
        role=role,
        output_path=output_path + "/",
        sagemaker_session=session,
    )
