"""One server for all tests of local SageMaker."""

import os

import pytest

import byom.local
from byom.local import lifecycle

from .clients import Clients, free_port


@pytest.fixture(scope="package")
def root(tmp_path_factory):
    return tmp_path_factory.mktemp("local-sagemaker")


@pytest.fixture(scope="package")
def server(root):
    """A server on a free port; it would also end with this process."""
    with_port = lifecycle.ensure(root, free_port())[0]
    yield with_port
    lifecycle.stop(root)


@pytest.fixture(scope="package")
def sdk(server):
    """The SageMaker SDK's session and role, as a notebook has them."""
    before = dict(os.environ)
    yield byom.local.activate(server.root)
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(scope="package")
def aws(server):
    """boto3 clients of the server, by service."""
    return Clients(server.url)
