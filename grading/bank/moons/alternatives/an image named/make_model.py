from sagemaker import image_uris


def make_model(session, role, model_data):
    image = image_uris.retrieve(
        framework="pytorch",
        region=session.boto_region_name,
        version="2.6.0",
        py_version="py312",
        instance_type="ml.m5.large",
        image_scope="inference",
    )
    return PyTorchModel(
        model_data,
        role,
        "predict.py",
        image_uri=image,
        framework_version="2.6.0",
        source_dir="source",
        sagemaker_session=session,
    )
