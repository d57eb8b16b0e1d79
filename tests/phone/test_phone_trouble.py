"""The phone page when the server is gone or wrong, and when a file is not what it should be."""

import io
import json
import threading

from PIL import Image
from playwright.sync_api import expect

from .hands import choose, picture, verdict
from .server import COLOURS


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


def test_an_answer_that_does_not_come_is_given_up(page, server):
    page.evaluate("{ const real = AbortSignal.timeout; AbortSignal.timeout = () => real.call(AbortSignal, 200); }")
    late = threading.Event()
    server.answers += [late]
    choose(page, picture("cat"))
    expect(page.get_by_role("alert")).to_have_text("The server has not answered for 35 seconds.")
    late.set()
    page.get_by_role("button", name="Try again").click()
    expect(verdict(page)).to_contain_text("cat")
