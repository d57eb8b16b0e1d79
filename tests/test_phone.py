"""The phone web app in a real browser, with a small server for the gateway that knows pictures by their colour."""

import asyncio
import base64
import contextlib
import hashlib
import io
import json
import re
import shutil
import threading
import time

import numpy as np
import pytest
import uvicorn
from PIL import Image, ImageOps
from playwright.sync_api import expect, sync_playwright
from starlette.applications import Starlette
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from byom.phone import PAGE
from tests.local.clients import free_port

expect.set_options(timeout=30_000)  # milliseconds; a busy computer may need them
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
COLOURS = {
    "airplane": (150, 200, 250),
    "automobile": (200, 20, 20),
    "bird": (250, 220, 40),
    "cat": (240, 130, 20),
    "deer": (120, 70, 30),
    "dog": (230, 190, 150),
    "frog": (40, 170, 40),
    "horse": (60, 20, 60),
    "ship": (20, 40, 180),
    "truck": (110, 110, 110),
}
COUNT = len(COLOURS)


class Server:
    """What stands for the gateway: the page's files, and the class whose colour a picture has.

    `answers` holds the answers to the next requests, in the place of the right one: each a status and a body, or an
    event that is waited for first.
    """

    def __init__(self):
        self.port, self.asked, self.answers, self._running = free_port(), [], [], None
        self.url = f"http://127.0.0.1:{self.port}"
        self.folder = PAGE
        self.start()

    async def classify(self, request):
        body = await request.body()
        picture = Image.open(io.BytesIO(body))
        told = (request.headers["content-type"], picture.format, picture.mode, picture.size)
        pixels = np.asarray(picture)
        self.asked.append(pixels)
        if told != ("image/png", "PNG", "RGB", (32, 32)):
            return JSONResponse({"message": f"not as agreed: {told}"}, 400)
        given = self.answers.pop(0) if self.answers else None
        if isinstance(given, threading.Event):
            await asyncio.to_thread(given.wait, 60)
        elif given:
            return PlainTextResponse(given[1], given[0])
        mean = pixels.reshape(-1, 3).mean(axis=0)
        likely = np.array([np.exp(-np.linalg.norm(mean - colour) / 20) for colour in COLOURS.values()])
        ranked = sorted(zip((likely / likely.sum()).tolist(), COLOURS, strict=True), reverse=True)
        return JSONResponse({"predictions": [{"label": name, "probability": share} for share, name in ranked]})

    def start(self):
        # as the gateway does: files are asked for again at each visit, and the browser's own cache hides nothing
        files = StaticFiles(directory=self.folder, html=True)
        app = Starlette(routes=[Route("/classify", self.classify, methods=["POST"]), Mount("/", files)])
        server = uvicorn.Server(uvicorn.Config(app, port=self.port, log_level="error", timeout_graceful_shutdown=1))
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.01)
        self._running = server, thread

    def stop(self):
        server, thread = self._running
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def server():
    server = Server()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def playwright():
    if CHROMIUM is None:
        pytest.skip("there is no Chromium: apt-get install chromium")
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="module")
def launched(playwright):
    """Start a browser with these flags."""
    started = []

    def launch(*flags):
        # Chromium's own sandbox can't be had by root, nor in many containers; the page here is our own
        hosts = "--host-resolver-rules=MAP phone.test 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
        started.append(playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", hosts, *flags]))
        return started[-1]

    yield launch
    for browser in started:
        browser.close()


@pytest.fixture(scope="module")
def chromium(launched, tmp_path_factory):
    """A browser with a camera that sees a ship's colour in the middle square, and an automobile's at both sides."""
    film = tmp_path_factory.mktemp("camera") / "film.mjpeg"
    frame = Image.new("RGB", (1280, 720), COLOURS["automobile"])
    frame.paste(COLOURS["ship"], (280, 0, 1000, 720))
    frame.save(film, "JPEG", quality=95)
    return launched("--use-fake-device-for-media-stream", f"--use-file-for-fake-video-capture={film}")


@pytest.fixture
def opened(server):
    """Open the page in a context of its own; a test fails when it logs an error, or loads what is not its own."""
    faults, contexts = [], []

    def open_page(browser, width=390, height=844, path="/", **options):
        viewport = {"width": width, "height": height}
        context = browser.new_context(base_url=server.url, viewport=viewport, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(30_000)
        page.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto(path)
        return page

    server.asked.clear()
    server.answers.clear()
    open_page.faults = faults
    yield open_page
    for context in contexts:
        context.close()
    # the browser itself logs each answer of 400 and above, and each that does not come
    assert [fault for fault in faults if not fault.startswith("Failed to load resource")] == []


@pytest.fixture
def page(opened, chromium):
    return opened(chromium)


def picture(name, size=(60, 40), kind="PNG", **options):
    """A file of one class's colour, as the browser's file chooser gives it."""
    data = io.BytesIO()
    Image.new("RGB", size, COLOURS.get(name, name)).save(data, kind, **options)
    return {"name": f"{name}.{kind.lower()}", "mimeType": f"image/{kind.lower()}", "buffer": data.getvalue()}


def choose(page, file):
    page.get_by_label("Choose", exact=True).set_input_files(file)


def verdict(page):
    return page.locator("#verdict")


def test_a_picture_of_each_class_goes_in_and_the_right_class_comes_out(page, server):
    for count, name in enumerate(COLOURS, 1):
        choose(page, picture(name))
        expect(verdict(page)).to_contain_text(f"{name} ")
        rows = page.get_by_role("list", name="Probabilities, most likely first").get_by_role("listitem")
        expect(rows).to_have_count(COUNT)
        shares = [float(re.search(r"([\d.]+)%$", text)[1]) for text in rows.all_inner_texts()]
        assert shares == sorted(shares, reverse=True)
        assert sum(shares) == pytest.approx(100, abs=1)
        expect(rows.first).to_contain_text(name)
        bar = page.evaluate("getComputedStyle(document.querySelector('.bar'), '::before').width")
        assert float(bar[:-2]) == pytest.approx(
            page.locator(".bar").first.bounding_box()["width"] * shares[0] / 100, rel=0.02
        )
        assert len(server.asked) == count
        assert abs(server.asked[-1].astype(int) - COLOURS[name]).max() == 0


def until(page, condition):
    """Wait for something on the page. Playwright's own way needs `eval`, and the page's policy forbids it."""
    give_up = time.monotonic() + 30
    while not page.evaluate(condition):
        assert time.monotonic() < give_up, condition
        page.wait_for_timeout(20)


def as_the_model_sees(image):
    """The same in another way: upright, the middle square, and the average of the area that each pixel covers."""
    image = ImageOps.exif_transpose(image).convert("RGB")
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    square = np.asarray(image.crop((left, top, left + side, top + side)), dtype=float)
    edges, pixels = np.linspace(0, side, 33)[:, None], np.arange(side)
    covered = np.clip(edges[1:] - pixels, 0, 1) - np.clip(edges[:-1] - pixels, 0, 1)
    shares = covered * 32 / side
    return np.einsum("iy,yxc,jx->ijc", shares, square, shares, optimize=True)


def test_what_is_sent_is_the_middle_square_upright_and_averaged(page, server):
    noise = np.random.default_rng(0).integers(0, 256, (90, 70, 3), dtype=np.uint8)
    stripes = np.zeros((2000, 2000, 3), np.uint8)
    stripes[:, ::2] = 255  # picking single pixels would make black or white of them
    note = Image.Exif()
    note[0x112] = 6  # the camera was held upright
    cases = {
        "as.png": (noise[:32, :32], {}, 0),  # one of the data set's own pictures stays as it is
        "noise.png": (noise, {}, 1),
        "small.png": (noise[:10, :20], {}, 1),
        "turned.jpeg": (np.kron(noise[:6, :9], np.ones((16, 16, 1), np.uint8)), {"exif": note, "quality": 100}, 6),
        "stripes.png": (stripes, {}, 2),
    }
    for name, (pixels, options, apart) in cases.items():
        data = io.BytesIO()
        Image.fromarray(pixels).save(data, name.split(".")[1], **options)
        choose(page, {"name": name, "mimeType": "image/png", "buffer": data.getvalue()})
        expect(page.get_by_role("listitem")).not_to_have_count(0)
        expect(verdict(page)).to_contain_text("%")
        sent = server.asked[-1].astype(int)
        assert abs(sent - as_the_model_sees(Image.open(data))).max() <= apart, name
        shown = page.get_by_alt_text("The picture as the model sees it").get_attribute("src")
        shown = np.asarray(Image.open(io.BytesIO(base64.b64decode(shown.partition(",")[2]))))
        assert (shown == sent).all(), name


def test_what_is_transparent_counts_as_white(page, server):
    data = io.BytesIO()
    Image.new("RGBA", (40, 40), (0, 0, 0, 0)).save(data, "PNG")
    choose(page, {"name": "empty.png", "mimeType": "image/png", "buffer": data.getvalue()})
    expect(verdict(page)).to_contain_text("%")
    assert (server.asked[-1] == 255).all()


def test_a_picture_may_be_pasted_or_dropped(page):
    hand_over = """([kind, data]) => {
        const given = new DataTransfer();
        if (data) given.items.add(new File([Uint8Array.from(atob(data), (c) => c.charCodeAt(0))], "x.png"));
        const event = kind === "paste"
            ? new ClipboardEvent(kind, { clipboardData: given, bubbles: true, cancelable: true })
            : new DragEvent(kind, { dataTransfer: given, bubbles: true, cancelable: true });
        document.querySelector("h1").dispatchEvent(event);
        return event.defaultPrevented;
    }"""
    data = {name: base64.b64encode(picture(name)["buffer"]).decode() for name in ("cat", "dog")}
    page.evaluate(hand_over, ["paste", data["cat"]])
    expect(verdict(page)).to_contain_text("cat")
    assert page.evaluate(hand_over, ["dragover", data["dog"]])
    expect(page.locator("body")).to_have_class("over")
    assert page.evaluate(hand_over, ["drop", data["dog"]])
    expect(verdict(page)).to_contain_text("dog")
    expect(page.locator("body")).to_have_class("")
    page.evaluate(hand_over, ["drop", ""])
    expect(page.get_by_role("alert")).to_contain_text("That is no file.")


def test_the_camera_shows_and_takes_the_middle_square(opened, chromium, server):
    page = opened(chromium, permissions=["camera"])
    page.get_by_role("button", name="Start the camera").click()
    expect(page.locator("video")).to_be_visible()
    assert server.asked == []
    page.get_by_role("button", name="Take the picture").click()
    expect(verdict(page)).to_contain_text("ship")
    assert abs(server.asked[-1].astype(int) - COLOURS["ship"]).max() < 20  # to the edges: nothing of the sides
    expect(page.locator("video")).to_be_hidden()
    assert page.evaluate("document.querySelector('video').srcObject") is None
    page.get_by_role("button", name="Start the camera").dblclick()  # impatient: the second starts it again
    expect(page.get_by_role("button", name="Take the picture")).to_be_visible()
    page.evaluate(TRACK)
    page.get_by_role("button", name="Stop").click()
    assert page.evaluate("track.readyState") == "ended"
    expect(page.locator("video")).to_be_hidden()
    expect(page.get_by_role("button", name="Start the camera")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("video")).to_be_visible()
    page.evaluate(f"({TRACK}).dispatchEvent(new Event('ended'))")  # as when somebody pulls it out
    expect(page.get_by_role("alert")).to_contain_text("The camera has stopped.")
    expect(page.locator("video")).to_be_hidden()
    assert page.evaluate("track.readyState") == "ended"
    assert len(server.asked) == 1


TRACK = "window.track = document.querySelector('video').srcObject.getTracks()[0]"


def test_no_camera_is_said_and_what_to_do(opened, chromium, launched, server):
    refused = opened(chromium)
    missing = opened(launched(), permissions=["camera"])
    insecure = opened(chromium, path=f"http://phone.test:{server.port}/")
    for page, words in (
        (refused, "The camera is not allowed."),
        (missing, "There is no camera here."),
        (insecure, f"open http://localhost:{server.port} on the phone"),
    ):
        page.get_by_role("button", name="Start the camera").click()
        expect(page.get_by_role("alert")).to_contain_text(words)
        expect(page.get_by_role("alert")).to_contain_text("You can choose a picture instead.")
        expect(page.get_by_role("button", name="Stop")).to_be_hidden()
        choose(page, picture("horse"))  # and so it is
        expect(verdict(page)).to_contain_text("horse")
        expect(page.get_by_role("alert")).to_be_empty()


def test_a_server_that_is_gone_is_waited_for(page, server):
    choose(page, picture("deer"))
    expect(verdict(page)).to_contain_text("deer")
    server.stop()
    try:
        choose(page, picture("frog"))
        expect(page.locator("#away")).to_have_text("The server does not answer. This page keeps trying.")
        expect(verdict(page)).to_have_text("This picture is classified as soon as the server answers.")
        expect(page.locator("#bars")).to_be_hidden()  # the old answer is not the new picture's
    finally:
        server.start()
    expect(verdict(page)).to_contain_text("frog")
    expect(page.locator("#away")).to_be_empty()
    page.context.set_offline(True)
    expect(page.locator("#away")).to_contain_text("This device is offline")
    page.context.set_offline(False)
    expect(page.locator("#away")).to_be_empty()
    expect(verdict(page)).to_contain_text("frog")


def test_no_network_is_no_reason_to_complain_where_the_server_answers(page):
    """As on a laptop without any network, which is its own server."""
    page.evaluate("Object.defineProperty(navigator, 'onLine', { value: false }); dispatchEvent(new Event('offline'))")
    choose(page, picture("truck"))
    expect(verdict(page)).to_contain_text("truck")
    expect(page.locator("#away")).to_be_empty()


def test_a_huge_picture_is_read_and_what_is_too_large_is_said(page, server):
    colours = Image.new("RGB", (12000, 9000), COLOURS["automobile"])
    colours.paste(COLOURS["bird"], (1500, 0, 10500, 9000))
    data = io.BytesIO()
    colours.save(data, "JPEG", quality=90)
    choose(page, {"name": "huge.jpg", "mimeType": "image/jpeg", "buffer": data.getvalue()})
    expect(verdict(page)).to_contain_text("bird", timeout=60_000)
    assert abs(server.asked[-1].astype(int) - COLOURS["bird"]).max() < 12
    data = io.BytesIO()
    Image.new("1", (20000, 10001)).save(data, "PNG")
    choose(page, {"name": "cat.png", "mimeType": "image/png", "buffer": data.getvalue()})
    expect(page.get_by_role("alert")).to_have_text("cat.png has 201 million pixels; up to 200 million can be read.")
    page.evaluate(
        """() => {
            const given = new DataTransfer();
            given.items.add(new File([new Uint8Array(64 * 2 ** 20 + 1)], "film.png"));
            document.dispatchEvent(new DragEvent("drop", { dataTransfer: given, bubbles: true, cancelable: true }));
        }"""
    )
    expect(page.get_by_role("alert")).to_have_text("film.png has 65 MB; up to 64 MB can be read.")
    assert len(server.asked) == 1


def test_a_file_that_is_no_picture_is_refused_and_loses_nothing(page, server):
    choose(page, picture("ship"))
    expect(verdict(page)).to_contain_text("ship")
    cut = picture("cat", (500, 500))["buffer"][:60]
    for name, content in {"notes.txt": b"ship", "empty.png": b"", "cut.png": cut, "page.html": b"<b>ship</b>"}.items():
        choose(page, {"name": name, "mimeType": "image/png", "buffer": content})
        expect(page.get_by_role("alert")).to_have_text(f"{name} is not a picture that this browser can read.")
        expect(page.locator("#bars")).to_be_hidden()
    assert len(server.asked) == 1
    expect(page.get_by_role("button", name="ship")).to_have_count(1)


def test_a_bad_answer_is_said_and_the_picture_can_be_sent_again(page, server):
    markup = "<img src=x onerror=alert(1)>"
    share = {"label": "ship", "probability": 1.5}
    for status, body, words in (
        (500, json.dumps({"message": f"The endpoint is gone. {markup}"}), f"(500). The endpoint is gone. {markup}"),
        (504, "<html>time is up</html>", "(504). It did not say why."),
        (400, json.dumps({"message": "m" * 100_000}), f"(400). {'m' * 300}"),
        (200, "<html>fine</html>", "The server's answer is not a list of labels"),
        (200, "null", "The server's answer is not a list of labels"),
        (200, json.dumps({"predictions": []}), "The server's answer is not a list of labels"),
        (200, json.dumps({"predictions": [share]}), "The server's answer is not a list of labels"),
    ):
        server.answers.append((status, body))
        choose(page, picture("dog"))
        expect(page.get_by_role("alert")).to_contain_text(words)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.locator("#problem *").count() == 0
    expect(page.locator("#past")).to_be_hidden()
    page.get_by_role("button", name="Try again").click()
    expect(verdict(page)).to_contain_text("dog")
    expect(page.get_by_role("button", name="Try again")).to_be_hidden()
    expect(page.get_by_role("button", name="Start the camera")).to_be_focused()


def test_a_late_answer_never_comes_onto_a_newer_picture(page, server):
    late = threading.Event()
    server.answers += [late]
    choose(page, picture("cat"))
    expect(verdict(page)).to_have_text("Looking…")
    expect(page.locator("#result")).to_have_attribute("aria-busy", "true")
    until(page, "getComputedStyle(document.getElementById('frame'), '::after').visibility === 'visible'")
    assert len(server.asked) == 1
    choose(page, picture("airplane"))
    expect(verdict(page)).to_contain_text("airplane")
    late.set()
    page.evaluate("fetch('.').then((answer) => answer.text())")
    expect(verdict(page)).to_contain_text("airplane")
    expect(page.locator("#pictures li")).to_have_count(1)
    expect(page.locator("#result")).to_have_attribute("aria-busy", "false")


def test_an_answer_that_does_not_come_is_given_up(page, server):
    page.evaluate("{ const real = AbortSignal.timeout; AbortSignal.timeout = () => real.call(AbortSignal, 200); }")
    late = threading.Event()
    server.answers += [late]
    choose(page, picture("cat"))
    expect(page.get_by_role("alert")).to_have_text("The server has not answered for 35 seconds.")
    late.set()
    page.get_by_role("button", name="Try again").click()
    expect(verdict(page)).to_contain_text("cat")


def test_the_last_pictures_are_kept_shown_again_and_cleared(page, server):
    for name in (*COLOURS, "bird", "cat", "dog"):  # one more than are kept
        choose(page, picture(name))
        expect(verdict(page)).to_contain_text(name)
    pictures = page.get_by_role("region", name="Last pictures").get_by_role("listitem")
    expect(pictures).to_have_count(12)
    expect(pictures.nth(11)).to_contain_text("automobile")  # the oldest one is gone
    page.reload()
    expect(pictures).to_have_count(12)
    page.get_by_role("button", name="truck").click()
    expect(verdict(page)).to_contain_text("truck")
    expect(page.get_by_role("button", name="truck")).to_have_attribute("aria-current", "true")
    expect(page.locator("#bars li")).to_have_count(COUNT)
    assert len(server.asked) == 13
    other = page.context.new_page()
    other.goto("/")
    other.get_by_role("button", name="Clear").click()
    expect(page.locator("#past")).to_be_hidden()
    page.evaluate("""localStorage.setItem("byom.phone.history", '[{"picture": 1}, null, 7]')""")
    page.reload()
    choose(page, picture("ship"))
    expect(pictures).to_have_count(1)


def test_the_keyboard_alone_is_enough(opened, chromium):
    page = opened(chromium, permissions=["camera"])
    press = page.keyboard.press
    # long before it opens: a listener takes effect later than this returns
    page.on("filechooser", lambda chooser: chooser.set_files(picture("frog")))
    press("Tab")
    expect(page.get_by_label("Choose", exact=True)).to_be_focused()
    shown = page.evaluate("getComputedStyle(document.querySelector('.button')).outlineStyle")
    assert shown == "solid"
    press("Space")
    expect(verdict(page)).to_contain_text("frog")
    press("Tab")
    press("Enter")
    expect(page.get_by_role("button", name="Take the picture")).to_be_focused()
    expect(page.get_by_role("button", name="Take the picture")).to_be_visible()
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    press("Tab")
    expect(page.get_by_role("button", name="Stop")).to_be_focused()
    press("Shift+Tab")
    press("Space")
    expect(verdict(page)).to_contain_text("ship")
    for name in ("Clear", "ship", "frog"):
        press("Tab")
        expect(page.get_by_role("button", name=name)).to_be_focused()
    press("Enter")
    expect(verdict(page)).to_contain_text("frog")
    expect(page.get_by_role("button", name="frog")).to_be_focused()


@contextlib.contextmanager
def replaced(server, folder):
    """The server with the page's files of another folder."""
    server.stop()
    before, server.folder = server.folder, folder
    server.start()
    yield
    server.stop()
    server.folder = before
    server.start()


def test_it_opens_without_the_server_and_is_renewed_with_it(page, server, tmp_path):
    installed = "navigator.serviceWorker.ready.then((all) => all.active.state)"
    page.evaluate(installed)
    until(page, "navigator.serviceWorker.controller?.state === 'activated'")
    choose(page, picture("deer"))
    expect(verdict(page)).to_contain_text("deer")
    server.stop()
    page.reload()
    expect(page.get_by_role("heading", name="What is it?")).to_be_visible()
    expect(page.get_by_role("button", name="deer")).to_be_visible()
    expect(page.locator("#away")).to_contain_text("does not answer")
    expect(page.get_by_role("button", name="Start the camera")).to_have_css("border-radius", "50%")  # its style too
    server.start()
    expect(page.locator("#away")).to_be_empty()
    newer = shutil.copytree(PAGE, tmp_path / "page")
    for name, old, new in (("index.html", "What is it?</h1>", "What now?</h1>"), ("worker.js", 'VERSION = "', "&new-")):
        text = (newer / name).read_text()
        (newer / name).write_text(text.replace(old, new.replace("&", old)))
    with replaced(server, newer):
        page.reload()
        page.get_by_role("button", name="Load it").click()
        expect(page.get_by_role("heading", name="What now?")).to_be_visible()
        names = page.evaluate("caches.keys()")
        assert len(names) == 1 and names[0].startswith("byom-phone-new-")


def test_the_worker_names_each_file_and_has_their_version():
    worker = (PAGE / "worker.js").read_text()
    named = {name if name != "./" else "index.html" for name in re.findall(r'"([\w./-]+)"', worker.split("FILES")[1])}
    files = {str(file.relative_to(PAGE)) for file in PAGE.rglob("*") if file.is_file()}
    on_installation = {"icons/icon-512.png", "icons/icon-maskable-512.png"}  # by the system, which keeps them itself
    assert files - {"worker.js"} - on_installation == named & files
    content = b"".join((PAGE / name).read_bytes() for name in sorted(named & files))
    version = hashlib.sha256(content).hexdigest()[:12]
    assert f'VERSION = "{version}"' in worker, "put this version into worker.js: the files have changed"


def test_it_can_be_installed(page):
    session = page.context.new_cdp_session(page)
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    manifest = session.send("Page.getAppManifest")
    assert (manifest["errors"], manifest["url"]) == ([], page.url + "manifest.webmanifest")
    told = json.loads(manifest["data"])
    sizes = {}
    for icon in told["icons"]:
        if icon["type"] == "image/png":
            with Image.open(PAGE / icon["src"]) as image:
                assert f"{image.width}x{image.height}" == icon["sizes"]
            sizes.setdefault(icon.get("purpose", "any"), set()).add(icon["sizes"])
    assert sizes == {"any": {"192x192", "512x512"}, "maskable": {"512x512"}}
    assert told["display"] == "standalone"
    errors = session.send("Page.getInstallabilityErrors")["installabilityErrors"]
    # a context of the browser that keeps nothing is the only thing in the way
    assert {error["errorId"] for error in errors} <= {"in-incognito"}


def test_the_icons_are_the_drawing(chromium, tmp_path):
    """Run this to make them after the drawing has changed; then copy them."""
    drawing = (PAGE / "icons" / "icon.svg").read_text()
    page = chromium.new_page()
    for name, side, ground in (
        ("icon-192", 192, "transparent"),
        ("icon-512", 512, "transparent"),
        ("icon-maskable-512", 512, "#0b6b8a"),  # full to the corners; the system cuts its own shape
    ):
        page.set_viewport_size({"width": side, "height": side})
        page.set_content(f"<style>body {{ margin: 0; background: {ground} }} svg {{ display: block }}</style>{drawing}")
        made = tmp_path / f"{name}.png"
        page.screenshot(path=made, omit_background=True)
        with Image.open(made) as fresh, Image.open(PAGE / "icons" / made.name) as kept:
            apart = abs(np.asarray(fresh.convert("RGBA"), int) - np.asarray(kept.convert("RGBA"), int)).mean()
        assert apart < 1, f"copy the new icons from {tmp_path} to {PAGE / 'icons'}"
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_small_screens_names_targets_and_contrast(opened, chromium, scheme):
    page = opened(chromium, 320, 568, color_scheme=scheme, permissions=["camera"], reduced_motion="reduce")
    page.get_by_role("button", name="Start the camera").click()
    expect(page.get_by_role("button", name="Take the picture")).to_be_visible()
    fits = "document.documentElement.scrollWidth <= innerWidth"
    assert page.evaluate(fits)
    shutter = page.locator("#shutter").bounding_box()
    assert shutter["y"] > 568 / 2 and shutter["y"] + shutter["height"] <= 568  # below a thumb
    page.get_by_role("button", name="Stop").click()
    choose(page, picture("automobile"))
    expect(verdict(page)).to_contain_text("automobile")
    assert page.evaluate(fits)
    page.set_viewport_size({"width": 568, "height": 320})  # on its side
    assert page.evaluate(fits)
    expect(page.locator("#shutter")).to_be_in_viewport(ratio=1)
    expect(verdict(page)).to_be_in_viewport(ratio=1)
    page.set_viewport_size({"width": 320, "height": 568})
    assert (
        page.evaluate(
            """[...document.querySelectorAll("button, .button")].filter((one) => one.checkVisibility())
            .map((one) => [one.getBoundingClientRect(), one.textContent])
            .filter(([box]) => box.width < 44 || box.height < 44).map(([, text]) => text)"""
        )
        == []
    )
    tree = page.locator("body").aria_snapshot()
    for line in ("banner", 'heading "What is it?" [level=1]', "main", 'region "Result"', 'group "Take or choose'):
        assert line in tree, tree
    assert page.locator("img:not([alt])").count() == 0
    page.evaluate(  # all that can be said, at once
        """() => {
            const at = (id) => document.getElementById(id);
            at("away").textContent = "away"; at("problem").textContent = "problem"; at("again").hidden = false;
            at("invitation").hidden = at("caption").hidden = at("stop").hidden = false;
        }"""
    )
    assert page.evaluate(CONTRASTS) == []


CONTRASTS = """() => {
    const channels = (colour) => colour.match(/[\\d.]+/g).map(Number);
    const light = (colour) => {
        const [r, g, b] = channels(colour).map((c) => c / 255)
            .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const ground = (element) => {
        for (let at = element; at; at = at.parentElement) {
            const colour = getComputedStyle(at).backgroundColor;
            if (channels(colour)[3] !== 0) return colour;
        }
    };
    const ratio = (a, b) => {
        const [low, high] = [light(a), light(b)].sort((x, y) => x - y);
        return (high + 0.05) / (low + 0.05);
    };
    const faint = [];
    let seen = 0;
    for (const element of document.body.querySelectorAll("*")) {
        const text = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
        if (!text || !element.checkVisibility()) continue;
        seen++;
        const value = ratio(getComputedStyle(element).color, ground(element));
        if (value < 4.5) faint.push(`${element.className || element.id}: ${value.toFixed(2)}`);
    }
    for (const bar of document.querySelectorAll(".bar")) { // what is no text: 3
        const value = ratio(getComputedStyle(bar, "::before").backgroundColor, getComputedStyle(bar).backgroundColor);
        if (value < 3) faint.push(`bar: ${value.toFixed(2)}`);
    }
    return seen > 30 ? faint : [`only ${seen} texts`];
}"""


def test_nothing_comes_from_elsewhere_and_nothing_written_into_the_page_runs(page, opened):
    policy = page.locator("meta[http-equiv]").get_attribute("content")
    assert "default-src 'none'" in policy and "unsafe" not in policy and "http" not in policy
    for file in PAGE.rglob("*"):
        if file.suffix in (".html", ".js", ".css", ".webmanifest"):
            assert re.findall(r"https?://(?!localhost)\S+", file.read_text()) == [], file.name
    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<b onclick=\"document.title = `run`\">here</b>')")
    page.get_by_text("here", exact=True).click()
    assert page.title() == "What is it?"
    assert len(opened.faults) == 1 and "Content Security Policy" in opened.faults.pop()
