"""The phone page's camera: what it takes, and what is said where there is none."""

from playwright.sync_api import expect

from .hands import choose, picture, verdict
from .server import COLOURS

TRACK = "window.track = document.querySelector('video').srcObject.getTracks()[0]"


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
