"""A job's source code: unpacking its archive before the toolkit sees it, and what its script was written for."""

import ast
import json
from pathlib import Path

from .archives import ArchiveError, unpack
from .frameworks import Image
from .objects import Objects, split_uri
from .wire import AwsError


def unpack_source(hyperparameters: dict[str, str], base: Path, objects: Objects) -> None:
    """Unpack `sagemaker_submit_directory` below `base/code`, where the toolkit takes it as it finds it.

    The toolkit bends bad names into shape and doesn't limit sizes. One that isn't there is left to the toolkit, which
    fails as on AWS. Raises ArchiveError.
    """
    submitted = _read(hyperparameters.get("sagemaker_submit_directory", ""))
    archive = base / "sourcedir.tar.gz"
    try:
        if submitted.startswith("s3://"):
            objects.copy_to(*split_uri(submitted), archive)
            unpack(archive, base / "code")
            archive.unlink()
        elif Path(submitted).is_file():  # it came as a channel
            unpack(Path(submitted), base / "code")
    except AwsError:
        return
    except ArchiveError as error:
        raise ArchiveError(f"The source archive {submitted} can't be used: {error}.") from None


def advice(hyperparameters: dict[str, str], base: Path, image: Image) -> str | None:
    """What a script of MXNet's old interface needs to be told when its image would run it as a program, or None."""
    script = base / "code" / _read(hyperparameters.get("sagemaker_program", ""))
    if image.framework.package != "mxnet" or image.has_train_function or not script.is_file():
        return None
    try:
        body = ast.parse(script.read_bytes()).body
    except (SyntaxError, ValueError):  # the script itself will say so
        return None
    idle = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef, ast.Assign, ast.AnnAssign)
    defines_train = any(isinstance(node, ast.FunctionDef) and node.name == "train" for node in body)
    if not defines_train or not all(isinstance(node, idle) or _is_docstring(node) for node in body):
        return None
    return (
        f"byom.local: {script.name} defines train(...) and never calls it. MXNet {image.version} runs the script as a "
        "program, so nothing is trained: call train and save below `if __name__ == '__main__':`. Versions before 1.3 "
        "call train themselves."
    )


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _read(value: str) -> str:
    """A hyperparameter as the toolkit reads it: JSON, or else the text itself."""
    try:
        return str(json.loads(value))
    except ValueError:
        return value
