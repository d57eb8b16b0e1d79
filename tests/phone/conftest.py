"""A browser with a camera, and the phone page in it."""

import shutil

import pytest
from PIL import Image
from playwright.sync_api import expect, sync_playwright

from .server import COLOURS, Server

expect.set_options(timeout=30_000)  # milliseconds; a busy computer may need them
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture(scope="package")
def server():
    server = Server()
    yield server
    server.stop()


@pytest.fixture(scope="package")
def playwright():
    if CHROMIUM is None:
        pytest.skip("there is no Chromium: apt-get install chromium")
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="package")
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


@pytest.fixture(scope="package")
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
