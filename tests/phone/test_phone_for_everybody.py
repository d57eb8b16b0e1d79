"""The phone page by keyboard, on small screens, in both colour schemes, and as screen readers hear it."""

import pytest
from playwright.sync_api import expect

from .hands import choose, picture, verdict

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
