"""The phone page as an app: installed, without the server, renewed; what it is made of."""

import contextlib
import hashlib
import json
import re
import shutil

import numpy as np
from PIL import Image
from playwright.sync_api import expect

from byom.phone import PAGE

from .hands import choose, picture, until, verdict


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
