"""The phone page: a picture goes in, the right class comes out; the last ones are kept."""

import base64
import io
import re
import threading

import numpy as np
import pytest
from PIL import Image, ImageOps
from playwright.sync_api import expect

from .hands import choose, picture, until, verdict
from .server import COLOURS

COUNT = len(COLOURS)


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
