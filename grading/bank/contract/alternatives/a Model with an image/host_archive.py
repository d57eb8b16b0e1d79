from sagemaker import Predictor, image_uris
from sagemaker.model import Model


def host_archive(session, role, model_data, instance_type):
    image = image_uris.retrieve(
        "pytorch", session.boto_region_name, version="2.6.0", py_version="py312", instance_type=instance_type, image_scope="inference"
    )
    described = Model(
        image_uri=image,
        model_data=model_data,
        role=role,
        env={"SAGEMAKER_PROGRAM": "transform.py", "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code"},
        predictor_cls=Predictor,
        sagemaker_session=session,
    )
    return described.deploy(1, instance_type)
