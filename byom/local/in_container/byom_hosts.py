"""Makes the names of a job's hosts mean the job's own addresses. `sitecustomize` imports it in a job's processes.

BYOM_HOSTS holds name → address as JSON, BYOM_HOST the name of this one. Resolving is what `/etc/hosts` does on AWS.
PyTorch's TCPStore needs a hand beyond that: it resolves names in C++, and its server would listen on every address of
the computer, where the same port of another job is in its way.
"""

import importlib.abc
import importlib.machinery
import importlib.util
import json
import os
import socket
import sys

HOSTS = json.loads(os.environ["BYOM_HOSTS"])
STORES = HOSTS | dict.fromkeys(("localhost", "127.0.0.1"), HOSTS[os.environ["BYOM_HOST"]])


def _resolving(function):
    def resolved(host, *arguments, **options):
        return function(HOSTS.get(host, host) if isinstance(host, str) else host, *arguments, **options)

    return resolved


def _addressing(method):
    def addressed(self, address):
        if isinstance(address, tuple) and address and address[0] in HOSTS:
            address = (HOSTS[address[0]], *address[1:])
        return method(self, address)

    return addressed


for _name in ("getaddrinfo", "gethostbyname", "gethostbyname_ex"):
    setattr(socket, _name, _resolving(getattr(socket, _name)))
for _name in ("bind", "connect", "connect_ex"):
    setattr(socket.socket, _name, _addressing(getattr(socket.socket, _name)))


class _TorchDistributed(importlib.abc.MetaPathFinder):
    """Adapts `torch.distributed` once it is imported, if ever."""

    def find_spec(self, name, path=None, target=None):
        if name != "torch.distributed":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is not None and isinstance(spec.loader, importlib.machinery.SourceFileLoader):
            execute = spec.loader.exec_module

            def execute_and_adapt(module):
                execute(module)
                if hasattr(module, "TCPStore"):
                    _adapt(module.TCPStore)

            spec.loader.exec_module = execute_and_adapt
        return spec


def _adapt(store):
    original = store.__init__

    def __init__(self, host_name, port=29500, world_size=None, is_master=False, *arguments, **options):
        address = STORES.get(host_name) if port else None  # at a free port of its choice nothing is in its way
        if address and is_master and "master_listen_fd" not in options:
            try:
                options["master_listen_fd"] = socket.create_server((address, port)).detach()
            except OSError:  # this process has that server already, or the store itself says what is wrong
                pass
        original(self, address or host_name, port, world_size, is_master, *arguments, **options)

    store.__init__ = __init__


sys.meta_path.insert(0, _TorchDistributed())
