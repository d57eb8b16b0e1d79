"""Gateways under test: a handler that does what it is asked, an API of each kind in front of it, and clients.

A test module takes the fixtures over by their names: ``http_gateway = gateway.http_gateway``.
"""

import contextlib
import http.client
import json
from urllib.parse import urlsplit

import httpx
import psutil
import pytest

from byom.gateway import Gateway

from .local.clients import processes_below

HANDLER = """
import json, os, subprocess, sys, time
import logging
from decimal import Decimal

imported = os.getpid()
running = 0

def lambda_handler(event, context):
    global running
    what = (event.get("rawPath") or event["path"]).split("/")[1]
    if what == "answer":  # the test says what the handler answers
        return json.loads(event["body"])
    if what == "raise":
        raise ValueError("a secret reason")
    if what == "exit":
        sys.exit(3)
    if what == "loop":
        subprocess.Popen(["sleep", "987.654"])
        while True:
            pass
    if what == "set":
        return {1, 2}
    if what == "nan":
        return {"statusCode": 200, "body": "x", "number": float("nan")}
    if what == "large":
        return {"statusCode": 200, "body": "x" * (6 * 2**20)}
    if what == "decimal":
        return {"share": Decimal("0.25")}
    if what == "alone":
        running += 1
        time.sleep(0.002)
        seen, running = running, running - 1
        return {"statusCode": 200, "body": json.dumps([seen, event["body"]])}
    if what == "context":
        print("printed by the handler")
        logging.getLogger().warning("logged by the handler")
        left = context.get_remaining_time_in_millis()
        named = {name: value for name, value in vars(context).items() if isinstance(value, str)}
        return {"left": left, "named": named, "environment": dict(os.environ), "folder": os.getcwd(), "pid": imported}
    return {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": json.dumps(event)}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("function")
    (folder / "handler.py").write_text(HANDLER)
    return folder


@pytest.fixture(scope="module")
def http_gateway(folder):
    """An HTTP API that passes everything on."""
    routes = ["ANY /", "ANY /{proxy+}", "POST /my/{name}"]
    environment = {"ENDPOINT_NAME": "cifar10"}
    with Gateway(folder / "handler.py:lambda_handler", routes=routes, environment=environment, timeout=2) as gateway:
        yield gateway


@pytest.fixture(scope="module")
def rest_gateway(folder):
    """A REST API with a few routes."""
    routes = ["GET /my/path", "POST /answer", "ANY /echo/{proxy+}", "POST /raise", "POST /loop"]
    with Gateway(folder / "handler.py:lambda_handler", api="rest", routes=routes, timeout=2) as gateway:
        yield gateway


def raw(url, method, path, headers=(), body=b""):
    """A request exactly as it is written: its status, and its body."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
    connection.putrequest(method, path, skip_host=any(name == "Host" for name, _ in headers))
    for name, value in [*headers, ("Content-Length", str(len(body)))]:
        connection.putheader(name, value)
    connection.endheaders(body)
    answer = connection.getresponse()
    read = answer.read()
    connection.close()
    return answer.status, read


def answered(gateway, answer, accept="*/*"):
    headers = {"content-type": "application/json", "accept": accept}
    return httpx.post(f"{gateway.url}/answer", content=json.dumps(answer), headers=headers)


def commands_below(folder):
    """The command line of each process that runs in or with this folder, by process id."""
    found = {}
    for process in processes_below(folder):
        with contextlib.suppress(psutil.Error):  # it has ended meanwhile
            if process.status() != psutil.STATUS_ZOMBIE:
                found[process.pid] = process.cmdline()
    return found
