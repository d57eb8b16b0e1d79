"""`python -m byom.gateway source/handler.py:lambda_handler`: serve an API in front of a Lambda handler.

Another host than this computer's loopback is served only when it is named, and then only with HTTPS: a browser gives
no camera and no service worker to a page that came without.
"""

import argparse
import asyncio
import contextlib
import errno
import ipaddress
import json
import logging
import os
import re
import signal
import socket
import ssl
import sys
import tempfile
from pathlib import Path
from types import ModuleType

import uvicorn
import uvloop

from byom.local.leases import Leases

from . import http_api, rest_api
from .function import Function, Handler, HandlerError
from .routes import EVERYTHING, BadRoute, Routes
from .server import LOOPBACK, Server
from .static import StaticFolder

APIS: dict[str, ModuleType] = {"http": http_api, "rest": rest_api}
TIMEOUT = 10.0  # seconds of the function, unless told otherwise; Lambda's own default is 3
LONGEST = 900.0  # seconds, Lambda's own
CHECK = 0.5  # seconds between two looks at who needs the gateway
BAD = 2  # exit code: it can't start


class CannotServe(Exception):
    """The gateway can't start; the text says why in one sentence."""


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(prog="python -m byom.gateway", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("handler", help="its file and function, as in source/handler.py:lambda_handler")
    parser.add_argument("--static", type=Path, metavar="FOLDER", help="static files to serve, a page at / for example")
    parser.add_argument("--api", choices=APIS, default="http", help="http: payload format 2.0 (default); rest: 1.0")
    parser.add_argument(
        "--route", action="append", help='a route, as in "POST /classify"; again for more. Default: every request'
    )
    parser.add_argument(
        "--env", action="append", default=[], metavar="NAME[=VALUE]", help="a variable that the handler finds"
    )
    parser.add_argument(
        "--timeout", type=float, default=TIMEOUT, help=f"seconds of the function (default: {TIMEOUT:g})"
    )
    parser.add_argument("--port", type=int, default=0, help="default: any free one")
    parser.add_argument("--host", default=LOOPBACK, help=f"default: {LOOPBACK}; any other one is served with HTTPS")
    parser.add_argument(
        "--certificate", type=Path, help="PEM file for HTTPS; with another host, one is made without it"
    )
    parser.add_argument("--key", type=Path, help="PEM file of the certificate's key")
    parser.add_argument("--owner", type=int, help="end when this process has ended; the first line is then JSON")
    return parser.parse_args()


def environment(pairs: list[str]) -> dict[str, str]:
    """The handler's variables; a name without a value has that of this process. Raises CannotServe."""
    given = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII) or "\0" in value:
            raise CannotServe(f"{name!r} is no name of a variable: write NAME=VALUE, or NAME.")
        if not equals and name not in os.environ:
            raise CannotServe(f"{name} has no value here: write {name}=VALUE.")
        given[name] = value if equals else os.environ[name]
    return given


def is_loopback(host: str) -> bool:
    """Whether a host is an address that this computer alone reaches."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def bind(host: str, port: int) -> socket.socket:
    """A listening socket. Raises CannotServe."""
    if host in ("", "0.0.0.0", "::"):
        raise CannotServe("Name the address that others know this computer by, not all of its addresses at once.")
    if not 0 <= port <= 65535:
        raise CannotServe(f"{port} is no port: choose one up to 65535, or none and any free one is taken.")
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        # 200 requests at once wait here, not at the client
        listener = socket.create_server(address, family=family, backlog=256)
    except (socket.gaierror, UnicodeError):
        raise CannotServe(f"There is no host {host}.") from None
    except OSError as error:
        why = {
            errno.EADDRINUSE: f"Port {port} is in use: choose another one, or none and any free one is taken.",
            errno.EADDRNOTAVAIL: f"{host} is no address of this computer.",
            errno.EACCES: f"Port {port} is not yours to use: choose one above 1023.",
        }
        text = why.get(error.errno or 0, f"Port {port} of {host} can't be used: {error.strerror}.")
        raise CannotServe(text) from None
    # inherited by each connection; without it answers may wait 40 ms for the client's acknowledgement
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def secure(config: uvicorn.Config, certificate: Path | None, key: Path | None, host: str) -> None:
    """Load the named certificate into a configuration, or one made for the host. Raises CannotServe."""
    with tempfile.TemporaryDirectory() as folder:
        if certificate is None:
            from .certificate import self_signed

            public, private, fingerprint = self_signed(host)
            certificate, key = Path(folder, "certificate.pem"), Path(folder, "key.pem")
            certificate.write_bytes(public)
            key.touch(0o600)
            key.write_bytes(private)
            print(
                f"{host} has a certificate made just now, which no browser trusts by itself: it asks whether to go "
                "on, and has no service worker until you trust the certificate, or name one of your own with "
                f"--certificate. Its SHA-256 fingerprint: {fingerprint}",
                file=sys.stderr,
            )
        config.ssl_certfile, config.ssl_keyfile = certificate, key
        try:
            config.load()
        except (OSError, ssl.SSLError) as error:
            raise CannotServe(
                f"{certificate} and {key or 'its key'} can't be used for HTTPS: {error.strerror or error}."
            ) from None


async def serve(given: argparse.Namespace) -> None:
    """Serve until told to end, or until the owner has ended. Raises CannotServe and HandlerError."""
    if not 0 < given.timeout <= LONGEST:
        raise CannotServe(f"A function has from 0 to {LONGEST:g} seconds, not {given.timeout:g}.")
    if given.static is not None and not given.static.is_dir():
        raise CannotServe(f"There is no folder {given.static}.")
    if given.key and not given.certificate:
        raise CannotServe("A key needs its certificate: name both.")
    handler, variables = Handler.named(given.handler), environment(given.env)
    try:
        routes = Routes(given.route or EVERYTHING)
    except BadRoute as error:
        raise CannotServe(str(error)) from None
    host = LOOPBACK if given.host == "localhost" else given.host
    listener = bind(host, given.port)
    function = Function(handler, variables, given.timeout)
    static = StaticFolder(given.static) if given.static else None
    config = uvicorn.Config(
        Server(APIS[given.api], routes, function, static, host),
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        ws="none",
        lifespan="off",
        timeout_graceful_shutdown=1,
    )
    is_secure = bool(given.certificate) or not is_loopback(host)
    if is_secure:
        secure(config, given.certificate, given.key, host)
    name = f"[{host}]" if ":" in host else host
    url = f"{'https' if is_secure else 'http'}://{name}:{listener.getsockname()[1]}"
    server = uvicorn.Server(config)
    try:
        await function.start()
        if given.owner is None:
            print(f"{handler} answers at {url}. Ctrl+C ends it.", flush=True)
            watching = None
        else:
            print(json.dumps({"url": url}), flush=True)
            os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # whoever started us reads no further line
            watching = asyncio.create_task(watch(given.owner, server))
        await server.serve(sockets=[listener])
        if watching:
            watching.cancel()
    finally:
        await function.close()


async def watch(owner: int, server: uvicorn.Server) -> None:
    """End the server once its owner has ended."""
    leases = Leases(lasting=False)
    with contextlib.suppress(ProcessLookupError):
        leases.add(owner)
    while not leases.expired():
        await asyncio.sleep(CHECK)
    server.should_exit = True


def main() -> int:
    """Run the command."""
    given = arguments()
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    logging.getLogger("byom.gateway").setLevel(logging.INFO)
    # uvicorn ends on a signal and raises it again, which must not skip the end of the handler's processes
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: sys.exit(0))
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve(given))
    except (CannotServe, HandlerError) as error:
        print(error, file=sys.stderr)
        return BAD
    return 0


if __name__ == "__main__":
    sys.exit(main())
