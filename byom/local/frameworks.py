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


@dataclass(frozen=True)
class Image:
    """What an image's URI asks for: a framework and its version, such as (1, 2, 1)."""

    framework: Framework
    numbers: tuple[int, ...]

    @property
    def version(self) -> str:
        """The version as text; empty when the tag names none."""
        return ".".join(map(str, self.numbers))

    @property
    def has_train_function(self) -> bool:
        """Whether its scripts are not programs, but have a function `train`: MXNet before 1.3."""
        return self.framework.package == "mxnet" and () < self.numbers < (1, 3)

    @property
    def training(self) -> str:
        """What the training toolkit runs, as `module:attribute`."""
        return "byom_train_function:main" if self.has_train_function else self.framework.training


FRAMEWORKS = {
    "pytorch": Framework(
        package="torch",
        training="sagemaker_pytorch_container.training:main",
        serving="sagemaker_pytorch_serving_container.handler_service:HandlerService",
    ),
    "mxnet": Framework(
        package="mxnet",
        training="sagemaker_mxnet_container.training:main",
        serving="byom_mxnet_serving:HandlerService",
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


def image_of(image: str) -> Image:
    """Framework and version that an image URI of AWS's names. Raises AwsError as `framework_of` does."""
    version = re.match(r"\d+(\.\d+)*", image.rpartition(":")[2])
    return Image(framework_of(image), tuple(map(int, version[0].split("."))) if version else ())


def versions_used(framework: Framework, image: str) -> str:
    """One line that says what a script really runs on, and what the image asked for."""
    return (
        f"byom.local: Python {platform.python_version()}, {framework.package} {version(framework.package)} "
        f"(the image named {image.rpartition('/')[2]})"
    )
