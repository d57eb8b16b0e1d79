"""The local API gateway as a server: who may ask, static files, HTTPS, starting and ending."""

import hashlib
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
from pathlib import Path

import httpx
import psutil
import pytest

from byom.gateway import Gateway, GatewayError, function, http_api, rest_api
from byom.gateway.certificate import self_signed
from byom.gateway.routes import BadRoute, Routes

from . import gateway
from .gateway import answered, commands_below, raw
from .local.clients import free_port, wait

folder, http_gateway, rest_gateway = gateway.folder, gateway.http_gateway, gateway.rest_gateway


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 403),  # a name that leads here by DNS rebinding
        ({"Host": "localhost:1234"}, 200),  # a phone's own port, through adb reverse
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://localhost:5000"}, 200),  # another page of this computer: CORS is for the handler to say
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
    ],
)
def test_pages_of_other_sites_are_refused(http_gateway, headers, status):
    assert raw(http_gateway.url, "GET", "/x", list(headers.items()))[0] == status


def test_a_preflight_is_a_request_like_any_other(http_gateway, rest_gateway):
    preflight = {"Origin": "http://localhost:5000", "Access-Control-Request-Method": "POST"}
    event = httpx.options(f"{http_gateway.url}/classify", headers=preflight).json()
    assert event["requestContext"]["http"]["method"] == "OPTIONS"
    assert event["headers"]["access-control-request-method"] == "POST"
    refused = httpx.options(f"{rest_gateway.url}/answer", headers=preflight)  # there is only POST
    assert (refused.status_code, refused.json()) == (403, {"message": "Missing Authentication Token"})
    assert "access-control-allow-origin" not in refused.headers
    cors = {"statusCode": 204, "headers": {"Access-Control-Allow-Origin": "*"}}
    assert answered(rest_gateway, cors).headers["access-control-allow-origin"] == "*"


@pytest.fixture(scope="module")
def site(folder, tmp_path_factory):
    """A gateway with static files, and some that it must not serve."""
    root = tmp_path_factory.mktemp("site")
    page = root / "page"
    (page / "icons").mkdir(parents=True)
    (page / "index.html").write_text("<!doctype html><title>Phone</title>")
    (page / "worker.js").write_text("self.addEventListener('fetch', () => {})")
    (page / "phone.webmanifest").write_text("{}")
    (page / "icons" / "192.png").write_bytes(b"\x89PNG")
    (page / ".hidden").write_text("secret")
    (root / "secret.txt").write_text("secret")
    (page / "out.txt").symlink_to(root / "secret.txt")
    with Gateway(folder / "handler.py:lambda_handler", static=page, routes=["POST /classify"]) as site:
        yield site


@pytest.mark.parametrize(
    ("path", "media_type"),
    [
        ("/", "text/html; charset=utf-8"),
        ("/worker.js", "text/javascript; charset=utf-8"),
        ("/phone.webmanifest", "application/manifest+json"),
        ("/icons/192.png", "image/png"),
    ],
)
def test_static_files(site, path, media_type):
    first = httpx.get(site.url + path)
    assert (first.status_code, first.headers["content-type"]) == (200, media_type)
    assert first.headers["cache-control"] == "no-cache"  # a service worker hears of a new version at once
    assert first.headers["x-content-type-options"] == "nosniff"
    again = httpx.get(site.url + path, headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert httpx.head(site.url + path).headers["content-length"] == str(len(first.content))


@pytest.mark.parametrize(
    "path",
    [
        *(
            "/../secret.txt",
            "/%2e%2e/secret.txt",
            "/icons/../../secret.txt",
            "/icons/..%2f..%2fsecret.txt",
            "//etc/passwd",
        ),
        *("/out.txt", "/.hidden", "/icons", "/icons/", "/index.html%00", "/%5c..%5csecret.txt", "/" + "x" * 5000),
    ],
)
def test_nothing_else_is_served(site, path):
    status, body = raw(site.url, "GET", path)
    assert (status, body) == (404, b'{"message":"Not Found"}')


def test_a_page_and_its_api_have_one_origin(site):
    assert httpx.post(f"{site.url}/classify", content=b"x").status_code == 200
    assert httpx.post(f"{site.url}/index.html", content=b"x").status_code == 404
    followed = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert httpx.get(site.url, headers=followed).status_code == 200  # a link leads to the page, and to nothing more
    assert httpx.get(site.url, headers={**followed, "Sec-Fetch-Mode": "no-cors"}).status_code == 403


def test_the_most_specific_route_is_taken():
    keys = ["ANY /{proxy+}", "GET /pets/{id}", "ANY /pets/dog", "GET /pets/dog", "ANY /pets/{kind}/{name+}"]
    routes = Routes(keys)
    found = {
        (method, path): (match[0].key, match[1]) if (match := routes.match(method, path)) else None
        for method, path in [
            ("GET", "/pets/dog"),
            ("POST", "/pets/dog"),
            ("GET", "/pets/a%2Fb"),
            ("POST", "/pets/cat"),
            ("GET", "/pets/cat/tom/young"),
            ("GET", "/"),
        ]
    }
    assert list(found.values()) == [
        ("GET /pets/dog", {}),
        ("ANY /pets/dog", {}),
        ("GET /pets/{id}", {"id": "a/b"}),
        ("ANY /{proxy+}", {"proxy": "pets/cat"}),
        ("ANY /pets/{kind}/{name+}", {"kind": "cat", "name": "tom/young"}),
        None,
    ]
    for wrong in ("/pets", "FETCH /pets", "GET pets", "GET /{a+}/b", "GET /x{a}", "GET /{a}/{a}"):
        with pytest.raises(BadRoute, match="is no route"):
            Routes([wrong])


# -- HTTPS -------------------------------------------------------------------------------------------------------------


def own_address():
    """An address of this computer that others could reach it by."""
    for addresses in psutil.net_if_addrs().values():
        for address in addresses:
            if address.family == socket.AF_INET and not address.address.startswith("127."):
                return address.address
    pytest.skip("this computer has no address but its loopback")


def test_a_named_certificate_is_used_on_loopback_too(folder, tmp_path):
    public, private, _ = self_signed("127.0.0.1")
    (tmp_path / "certificate.pem").write_bytes(public)
    (tmp_path / "key.pem").write_bytes(private)
    files = {"certificate": tmp_path / "certificate.pem", "key": tmp_path / "key.pem"}
    with Gateway(folder / "handler.py:lambda_handler", **files) as secure:
        trusting = ssl.create_default_context(cadata=public.decode())
        assert secure.url.startswith("https://127.0.0.1:")
        event = httpx.get(secure.url, verify=trusting).json()
        assert event["headers"]["x-forwarded-proto"] == "https"
    files["key"].write_text("no key")
    with pytest.raises(GatewayError, match=r"can't be used for HTTPS"):
        Gateway(folder / "handler.py:lambda_handler", **files)


def test_another_host_is_served_with_https_only(folder):
    host = own_address()
    with Gateway(folder / "handler.py:lambda_handler", host=host) as secure:
        assert secure.url.startswith(f"https://{host}:")
        port = int(secure.url.rpartition(":")[2])
        der = ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate((host, port)))
        assert httpx.get(secure.url, verify=False).status_code == 200
        with pytest.raises(httpx.HTTPError):
            httpx.get(f"http://{host}:{port}/")
        with pytest.raises(httpx.HTTPError):  # it is not on loopback as well
            httpx.get(f"https://127.0.0.1:{port}/", verify=False)
    fingerprint = re.search(r"SHA-256 fingerprint: ([0-9A-F:]+)", secure.log)[1]
    assert fingerprint.replace(":", "").lower() == hashlib.sha256(der).hexdigest()


# -- starting and ending -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"handler": "handler.lambda_handler"}, "names no handler"),
        ({"handler": "{folder}/absent.py:lambda_handler"}, "There is no file"),
        ({"handler": "{folder}/handler.py:absent"}, "handler.py has no function absent"),
        ({"handler": "{folder}/broken.py:lambda_handler"}, "ZeroDivisionError: division by zero"),
        ({"static": "{folder}/absent"}, "There is no folder"),
        ({"routes": ["classify"]}, "'classify' is no route"),
        ({"environment": {"NO NAME": "x"}}, "is no name of a variable"),
        ({"timeout": 0}, "A function has from 0 to 900 seconds"),
        ({"port": 70000}, "70000 is no port"),
        ({"host": "0.0.0.0"}, "not all of its addresses at once"),
        ({"host": "192.0.2.1"}, "192.0.2.1 is no address of this computer"),
        ({"key": "{folder}/key.pem"}, "A key needs its certificate"),
    ],
)
def test_what_cannot_start_says_why_in_one_sentence(folder, changes, why):
    (folder / "broken.py").write_text("1 / 0\n")
    given = {"handler": "{folder}/handler.py:lambda_handler", **changes}
    given = {k: v.format(folder=folder) if isinstance(v, str) else v for k, v in given.items()}
    with pytest.raises(GatewayError, match=re.escape(why)) as caught:
        Gateway(**given)
    assert "site-packages" not in str(caught.value)
    assert "byom/gateway" not in str(caught.value)


def test_a_port_in_use(folder, http_gateway):
    port = int(http_gateway.url.rpartition(":")[2])
    with pytest.raises(GatewayError, match=f"^Port {port} is in use: choose another one"):
        Gateway(folder / "handler.py:lambda_handler", port=port)


@pytest.fixture
def own_folder(tmp_path):
    (tmp_path / "handler.py").write_text(gateway.HANDLER)
    return tmp_path


def test_ctrl_c_ends_the_command_cleanly(own_folder):
    command = [sys.executable, "-m", "byom.gateway", f"{own_folder / 'handler.py'}:lambda_handler", "--port"]
    port = free_port()
    process = subprocess.Popen([*command, str(port)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout.readline() == f"handler.lambda_handler answers at http://127.0.0.1:{port}. Ctrl+C ends it.\n"
    assert httpx.get(f"http://127.0.0.1:{port}/decimal").json() == {"share": 0.25}
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "Traceback" not in said and "GET /decimal 200" in said
    assert commands_below(own_folder) == {}


PROGRAM = """
import sys, time, urllib.request
from byom.gateway import Gateway

gateway = Gateway(sys.argv[1], timeout=600)
print(gateway.url, flush=True)
urllib.request.urlopen(gateway.url + "/loop")
"""


@pytest.mark.parametrize("killed", ["whoever started it", "the gateway"])
def test_nothing_is_left_after_kill_9(own_folder, killed):
    command = [sys.executable, "-c", PROGRAM, f"{own_folder / 'handler.py'}:lambda_handler"]
    program = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert program.stdout.readline().startswith(b"http://")

    # the handler loops, and has started a process of its own
    wait(lambda: any("987.654" in line for line in commands_below(own_folder).values()), "the handler to run")
    if killed == "the gateway":
        running = commands_below(own_folder).items()
        os.kill(next(pid for pid, line in running if "byom.gateway" in line), signal.SIGKILL)
    else:
        program.kill()
    wait(lambda: commands_below(own_folder).keys() <= {program.pid}, "everything to end")
    program.kill()
    program.communicate()


def test_a_closed_gateway_leaves_nothing_but_its_log(own_folder):
    with Gateway(own_folder / "handler.py:lambda_handler") as closed:
        assert httpx.get(f"{closed.url}/context").status_code == 200
    assert commands_below(own_folder) == {}
    assert "printed by the handler" in closed.log
    closed.close()
    assert repr(closed) == f"<Gateway {closed.url}, ended>"


def test_a_gateway_that_nobody_holds_ends(own_folder):
    held = Gateway(own_folder / "handler.py:lambda_handler")
    assert commands_below(own_folder) != {}
    del held
    assert commands_below(own_folder) == {}


# -- documentation -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("api", [http_api, rest_api])
def test_the_documentation_has_the_answers_and_limits_of_the_code(api):
    text = (Path(__file__).parents[1] / "docs" / "gateway.md").read_text()
    column = {http_api: 2, rest_api: 3}[api]
    rows = {row.split("|")[1].strip(): row.split("|") for row in text.splitlines() if row.startswith("|")}
    for what, (status, message) in {
        "no such route": api.NO_ROUTE,
        "request too large": api.TOO_LARGE,
        "the handler failed, or its answer is malformed": api.FAILED,
        "no answer in time": api.TIMED_OUT,
    }.items():
        assert rows[what][column].strip() == f"{status} `{message}`"
    assert rows["the gateway waits"][column].strip() == f"{api.TIMEOUT:g} s"
    assert rows["stage"][column].strip() == f"`{api.STAGE}`"
    for kind in rest_api.BINARY_MEDIA_TYPES:
        assert f"`{kind}`" in text
    assert f"{function.ENVIRONMENTS} at a time" in text
