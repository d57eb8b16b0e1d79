"""What a person does with the phone page, and sees."""

import io
import time

from PIL import Image

from .server import COLOURS


def picture(name, size=(60, 40), kind="PNG", **options):
    """A file of one class's colour, as the browser's file chooser gives it."""
    data = io.BytesIO()
    Image.new("RGB", size, COLOURS.get(name, name)).save(data, kind, **options)
    return {"name": f"{name}.{kind.lower()}", "mimeType": f"image/{kind.lower()}", "buffer": data.getvalue()}


def choose(page, file):
    page.get_by_label("Choose", exact=True).set_input_files(file)


def verdict(page):
    return page.locator("#verdict")


def until(page, condition):
    """Wait for something on the page. Playwright's own way needs `eval`, and the page's policy forbids it."""
    give_up = time.monotonic() + 30
    while not page.evaluate(condition):
        assert time.monotonic() < give_up, condition
        page.wait_for_timeout(20)
