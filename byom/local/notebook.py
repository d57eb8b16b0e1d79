"""What a notebook calls: make the SageMaker SDK of this process talk to the local server."""

from __future__ import annotations

import logging
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from . import lifecycle
from .account import ROLE_ARN, client_environment

if TYPE_CHECKING:
    from .session import LocalSession


def activate(root: str | Path | None = None, port: int | None = None) -> tuple[LocalSession, str]:
    """Use local SageMaker from here on, and return `(session, role)`.

    On AWS the same cell reads `session, role = sagemaker.Session(), sagemaker.get_execution_role()`. The server is
    started, or a running one is used; one that a notebook started ends with the notebooks that use it.

    Args:
        root: the folder with all state; by default `BYOM_LOCAL_ROOT` or `~/.byom/local`.
        port: the server's port on 127.0.0.1; by default 8321, or any free one.

    Raises:
        LocalSageMakerError: the server can't start, for example because the port is in use.
    """
    folder = (Path(root) if root else lifecycle.default_root()).expanduser().resolve()
    with ThreadPoolExecutor(1) as pool:  # the server starts while the SDK is imported, which takes longer
        starting = pool.submit(lifecycle.ensure, folder, port)
        _import_sdk()
        server, _ = starting.result()
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ.update(client_environment(server.url), SAGEMAKER_USER_CONFIG_OVERRIDE=str(server.sdk_config))

    import boto3

    boto3.setup_default_session()  # an earlier one keeps the credentials it found

    from .session import LocalSession

    return LocalSession(), ROLE_ARN


def _import_sdk() -> None:
    """Import the SageMaker SDK without the changes it makes to its surroundings.

    It installs rich's tracebacks, which turn a cell's error into a display: a notebook under test then passes although
    it failed. And its configuration logs a line for each place where it found none.
    """
    # the second names our endpoint at each client; the third announces telemetry, which is switched off below
    for chatty in ("sagemaker.config", "botocore.configprovider", "sagemaker.telemetry.telemetry_logging"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    import rich.traceback

    install = rich.traceback.install
    rich.traceback.install = lambda **_: sys.excepthook
    # jsonschema, which reads the SDK's configuration, would build a grammar of internationalised URIs for a third of
    # the whole import's time, to check a format that the configuration's schema doesn't have
    unneeded = "rfc3987_syntax" not in sys.modules
    if unneeded:
        sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]
    try:
        import sagemaker  # noqa: F401
        import sagemaker_core.main.utils  # noqa: F401 - both bind `install` when imported
    finally:
        rich.traceback.install = install
        if unneeded:
            del sys.modules["rfc3987_syntax"]
    _restore_tracebacks()


def _restore_tracebacks() -> None:
    """Take rich's tracebacks out again, where the SDK was imported before."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    for name in ("showtraceback", "_showtraceback", "showsyntaxerror"):
        replaced = vars(shell).get(name) if shell else None
        if getattr(replaced, "__module__", "") == "rich.traceback":
            delattr(shell, name)
    if sys.excepthook.__module__ == "rich.traceback":
        sys.excepthook = sys.__excepthook__
