"""The frameworks that local SageMaker runs: which image asks for one, and which AWS toolkits train and serve it."""

import platform
import re
from dataclasses import dataclass
from importlib.metadata import version

from .wire import invalid


@dataclass(frozen=True)
class Framework:
    """A framework and its toolkits, each named as `module:attribute`."""

    package: str
    training: str
    serving: str


FRAMEWORKS = {
    "pytorch": Framework(
        package="torch",
        training="sagemaker_pytorch_container.training:main",
        serving="sagemaker_pytorch_serving_container.handler_service:HandlerService",
    ),
    "mxnet": Framework(
        package="mxnet",
        training="sagemaker_mxnet_container.training:main",
        serving="sagemaker_mxnet_serving_container.handler_service:HandlerService",
    ),
}


def framework_of(image: str) -> Framework:
    """The framework that an image URI of AWS's names. Raises AwsError for any other image."""
    match = re.search(r"/(?:sagemaker-)?(\w+?)(?:-(?:training|inference))?:", image)
    if match is None or match[1] not in FRAMEWORKS:
        raise invalid(
            f"byom.local does not run the image {image}: it starts no containers, and runs the scripts of "
            f"{' and '.join(FRAMEWORKS)} images only."
        )
    return FRAMEWORKS[match[1]]


def versions_used(framework: Framework, image: str) -> str:
    """One line that says what a script really runs on, and what the image asked for."""
    return (
        f"byom.local: Python {platform.python_version()}, {framework.package} {version(framework.package)} "
        f"(the image named {image.rpartition('/')[2]})"
    )
