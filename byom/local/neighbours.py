"""SageMaker's neighbours, played by moto: S3, IAM, STS and CloudWatch Logs, as one WSGI application."""

import json
import shutil
import tempfile
from collections.abc import Iterable
from typing import Any, Literal, get_args
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from moto.core.request import (
    PRESERVED_HEADER_NAMES_ENVIRON_KEY,
    environ_key_for_header,
    should_preserve_original_header_name,
)
from moto.iam.models import iam_backends
from moto.moto_server.werkzeug_app import create_backend_app

from .account import ACCOUNT_ID, DEFAULT_BUCKET, ROLE_NAME
from .logs import with_stream_names
from .objects import Objects
from .wire import AwsError, unsupported

Service = Literal["s3", "iam", "sts", "logs"]
SERVICES: tuple[Service, ...] = get_args(Service)
_SAGEMAKER_MAY_ASSUME = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
_IN_MEMORY = 2**20  # bytes of a request body kept in memory; the rest goes to a temporary file


class Neighbours:
    """moto's services. One request at a time, since moto's state has no locks; bodies are read before the lock."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._apps = {service: create_backend_app(service) for service in SERVICES}
        objects.create_bucket(DEFAULT_BUCKET)
        iam_backends[ACCOUNT_ID]["aws"].create_role(
            role_name=ROLE_NAME,
            assume_role_policy_document=json.dumps(_SAGEMAKER_MAY_ASSUME),
            path="/",
            permissions_boundary=None,
            description="The role that local SageMaker's jobs and endpoints take",
            tags=[],
            max_session_duration="3600",
        )

    def __call__(self, environ: Any, start_response: Any) -> Iterable[bytes]:
        """Answer one request; a changed object is on disk before the answer begins."""
        scope = environ["asgi.scope"]
        service = scope["state"]["aws_service"]
        # moto matches S3 keys in their encoded form, and tells metadata keys with "_" from those with "-"
        environ["RAW_URI"] = scope["raw_path"].decode("latin1")
        names = [name.decode("latin1") for name, _ in scope["headers"]]
        environ[PRESERVED_HEADER_NAMES_ENVIRON_KEY] = {
            environ_key_for_header(name): name for name in names if should_preserve_original_header_name(name)
        }
        started: list[Any] = []

        def begin(*args: Any) -> Any:
            started[:] = args

        with tempfile.SpooledTemporaryFile(_IN_MEMORY) as body:
            if environ.get("HTTP_X_AMZ_TARGET", "").endswith(".FilterLogEvents"):
                body.write(with_stream_names(environ["wsgi.input"].read()))
            else:
                shutil.copyfileobj(environ["wsgi.input"], body)
            environ["CONTENT_LENGTH"] = str(body.tell())
            environ.pop("HTTP_TRANSFER_ENCODING", None)
            body.seek(0)
            environ["wsgi.input"] = body
            if service == "iam" and (answer := _everything_allowed(body.read())):
                start_response("200 OK", [("Content-Type", "text/xml")])
                return [answer]
            body.seek(0)
            with self._objects.lock:
                try:
                    chunks = self._apps[service](environ, begin)
                except NotImplementedError as error:  # its text is "The some_call action has not been implemented"
                    call = "".join(word.capitalize() for word in str(error).split()[1].split("_"))
                    raise unsupported(f"{service}'s {call}") from None
                except KeyError as error:  # so moto looks for what a method without a query does
                    if error.args != ("DEFAULT",):
                        raise
                    text = "The specified method is not allowed against this resource."
                    raise AwsError("MethodNotAllowed", text, 405) from None
                if service == "s3" and environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
                    self._objects.save()
        start_response(*started)
        return chunks


def _everything_allowed(form: bytes) -> bytes | None:
    """The answer to SimulatePrincipalPolicy, which moto lacks; None for another call.

    Permissions are not enforced here, so that every action is allowed.
    """
    asked = dict(parse_qsl(form.decode("utf-8", "replace")))
    if asked.get("Action") != "SimulatePrincipalPolicy":
        return None
    results = "".join(
        f"<member><EvalActionName>{escape(value)}</EvalActionName><EvalDecision>allowed</EvalDecision></member>"
        for name, value in asked.items()
        if name.startswith("ActionNames.member.")
    )
    answer = f"<IsTruncated>false</IsTruncated><EvaluationResults>{results}</EvaluationResults>"
    call = "SimulatePrincipalPolicy"
    return f"<{call}Response><{call}Result>{answer}</{call}Result></{call}Response>".encode()
