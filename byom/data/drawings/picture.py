"""One picture: a place, clutter, the thing in its pose, something in front of it, and a poor camera."""

import math
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from byom.data.batches import SIDE
from byom.data.drawings import animals, vehicles
from byom.data.drawings.pen import Ink, Pen, ink

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
"""CIFAR-10's names of its classes; a label is a place in this list."""

_FINE = 3  # drawn so many times larger, then made smaller: that smooths the edges
_SIZE = SIDE * _FINE

_THINGS: tuple[Callable[[Pen, np.random.Generator], None], ...] = (
    vehicles.airplane,
    vehicles.automobile,
    animals.bird,
    animals.cat,
    animals.deer,
    animals.dog,
    animals.frog,
    animals.horse,
    vehicles.ship,
    vehicles.truck,
)
_USUAL = {
    "airplane": ("sky", "sky", "street"),
    "automobile": ("street", "street", "meadow"),
    "bird": ("sky", "leaves", "meadow"),
    "cat": ("room", "room", "meadow"),
    "deer": ("meadow", "leaves", "leaves"),
    "dog": ("meadow", "room", "street"),
    "frog": ("leaves", "water", "meadow"),
    "horse": ("meadow", "meadow", "street"),
    "ship": ("water", "water", "water"),
    "truck": ("street", "street", "meadow"),
}
_PLACES = ("sky", "street", "meadow", "leaves", "room", "water")
_ELSEWHERE = 0.35  # share of the pictures where the thing is not where one expects it
_TURN = {"airplane": 40.0, "bird": 20.0, "ship": 8.0}  # degrees, either way
_USUAL_TURN = 13.0


def draw(label: int, rng: np.random.Generator) -> np.ndarray:
    """Draw a picture of what ``label`` stands for.

    Everything is drawn by lot: the thing's kind, view, colours and parts, its size, place and tilt, the background
    (sometimes an unusual one), clutter, something that covers a part, light, blur and noise.

    Args:
        label: 0 to 9, see ``CLASSES``.
        rng: decides about everything; the same generator draws the same picture.

    Returns:
        the picture, RGB, uint8, shape (32, 32, 3).
    """
    name = CLASSES[label]
    image = Image.new("RGB", (_SIZE, _SIZE))
    place = rng.choice(_PLACES) if rng.random() < _ELSEWHERE else rng.choice(_USUAL[name])
    _background(image, rng, str(place))
    _clutter(image, rng)
    _THINGS[label](Pen(image, _pose(rng, _TURN.get(name, _USUAL_TURN))), rng)
    if rng.random() < 0.2:
        _cover(image, rng)
    return _photograph(image, rng)


def _pose(rng: np.random.Generator, turn: float) -> np.ndarray:
    """From a thing's coordinates to pixels: size, place, tilt, facing left or right, and a little shear."""
    angle = math.radians(rng.uniform(-turn, turn))
    size = _SIZE / 2 * rng.uniform(0.62, 0.98)
    stretch = rng.uniform(0.87, 1.15)
    turned = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    sheared = np.array([[stretch, rng.uniform(-0.15, 0.15)], [0, 1 / stretch]])
    facing = np.diag([1.0 if rng.random() < 0.5 else -1.0, 1.0])
    room = _SIZE / 2 - size  # the smaller, the farther from the middle
    centre = _SIZE / 2 + rng.uniform(-1, 1, 2) * (room * 0.8 + _SIZE * 0.04)
    return np.column_stack([size * turned @ facing @ sheared, centre])


def _gradient(image: Image.Image, top: int, bottom: int, above: Ink, below: Ink) -> None:
    """Fill rows from ``top`` to ``bottom`` with a colour that changes from one to the other."""
    rows = np.linspace(above, below, max(1, bottom - top)).round().astype("uint8")
    image.paste(Image.fromarray(rows[:, None]).resize((_SIZE, len(rows)), Image.Resampling.NEAREST), (0, top))


def _background(image: Image.Image, rng: np.random.Generator, place: str) -> None:
    horizon = round(_SIZE * rng.uniform(0.3, 0.75))
    light = rng.uniform(0.6, 1.0)
    hue = rng.uniform(0.52, 0.64) if rng.random() < 0.75 else rng.uniform(0.0, 0.12)
    high = ink(hue, rng.uniform(0.1, 0.7), light)
    low = ink(hue, rng.uniform(0, 0.35), min(1, light * 1.15))
    draw_ = ImageDraw.Draw(image)
    if place in ("sky", "street", "meadow", "water"):
        _gradient(image, 0, _SIZE, high, low)
        for _ in range(int(rng.integers(0, 4)) if place == "sky" else int(rng.integers(0, 2))):
            x, y, w, h = rng.uniform(0, _SIZE), rng.uniform(0, horizon), rng.uniform(10, 30), rng.uniform(4, 10)
            draw_.ellipse((x - w, y - h, x + w, y + h), fill=ink(0.6, 0.05, min(1, light * 1.1)))
    if place == "street":
        for x in range(0, _SIZE, 24):
            if rng.random() < 0.5:
                height = rng.uniform(5, 40)
                draw_.rectangle((x, horizon - height, x + 22, horizon), fill=_dull(rng))
        grey = rng.uniform(0.25, 0.6)
        _gradient(image, horizon, _SIZE, ink(0.6, 0.05, grey), ink(0.1, 0.05, grey * 0.85))
    elif place == "meadow":
        green, value = rng.uniform(0.13, 0.36), rng.uniform(0.35, 0.75)
        if rng.random() < 0.5:
            draw_.rectangle((0, horizon - rng.uniform(4, 20), _SIZE, horizon), fill=ink(green, 0.5, value * 0.5))
        _gradient(image, horizon, _SIZE, ink(green, 0.55, value), ink(green, 0.65, value * 0.75))
    elif place == "water":
        sea = rng.uniform(0.45, 0.65)
        _gradient(image, horizon, _SIZE, ink(sea, 0.35, light * 0.85), ink(sea, 0.65, light * 0.6))
        for _ in range(6):
            x, y = rng.uniform(0, _SIZE), rng.uniform(horizon, _SIZE)
            draw_.line((x, y, x + rng.uniform(6, 20), y), fill=ink(sea, 0.2, light), width=2)
    elif place == "leaves":
        green = rng.uniform(0.1, 0.42)
        _gradient(image, 0, _SIZE, ink(green, 0.5, light * 0.6), ink(green, 0.6, light * 0.4))
        for _ in range(14):
            x, y, r = rng.uniform(0, _SIZE), rng.uniform(0, _SIZE), rng.uniform(5, 14)
            colour = ink(green + rng.uniform(-0.05, 0.05), rng.uniform(0.3, 0.8), rng.uniform(0.15, 0.7))
            draw_.ellipse((x - r, y - r * 0.6, x + r, y + r * 0.6), fill=colour)
    elif place == "room":
        wall = _dull(rng)
        _gradient(image, 0, _SIZE, wall, _dull(rng) if rng.random() < 0.3 else wall)
        draw_.rectangle((0, horizon, _SIZE, _SIZE), fill=_dull(rng))
        if rng.random() < 0.5:
            x, y = rng.uniform(0, _SIZE), rng.uniform(0, horizon)
            draw_.rectangle((x, y, x + rng.uniform(15, 40), y + rng.uniform(15, 40)), fill=_dull(rng))


def _dull(rng: np.random.Generator) -> Ink:
    return ink(rng.random(), rng.uniform(0, 0.45), rng.uniform(0.2, 0.9))


def _clutter(image: Image.Image, rng: np.random.Generator) -> None:
    """Up to four shapes that mean nothing."""
    draw_ = ImageDraw.Draw(image)
    for _ in range(int(rng.integers(0, 5))):
        x, y = rng.uniform(0, _SIZE, 2)
        w, h = rng.uniform(4, 22, 2)
        kind, colour = rng.random(), _dull(rng)
        if kind < 0.4:
            draw_.ellipse((x, y, x + w, y + h), fill=colour)
        elif kind < 0.7:
            draw_.rectangle((x, y, x + w, y + h), fill=colour)
        else:
            draw_.line((x, y, x + rng.uniform(-50, 50), y + rng.uniform(-50, 50)), fill=colour, width=3)


def _cover(image: Image.Image, rng: np.random.Generator) -> None:
    """Something in front: a post, a tuft of grass or a blob."""
    draw_ = ImageDraw.Draw(image)
    kind, colour = rng.random(), _dull(rng)
    if kind < 0.35:
        x, w = rng.uniform(0, _SIZE), rng.uniform(4, 10)
        draw_.rectangle((x, 0, x + w, _SIZE), fill=colour)
    elif kind < 0.7:
        green = rng.uniform(0.15, 0.36)
        for x in range(0, _SIZE, 7):
            height, lean = rng.uniform(4, 26), rng.uniform(-6, 6)
            blade = [(x - 3, _SIZE), (x + lean, _SIZE - height), (x + 3, _SIZE)]
            draw_.polygon(blade, fill=ink(green, 0.6, rng.uniform(0.3, 0.7)))
    else:
        x, y, r = rng.uniform(0, _SIZE), rng.uniform(0, _SIZE), rng.uniform(8, 15)
        draw_.ellipse((x - r, y - r, x + r, y + r), fill=colour)


def _photograph(image: Image.Image, rng: np.random.Generator) -> np.ndarray:
    """Make it small, and add what cameras add: blur, light and its colour, noise."""
    if rng.random() < 0.5:
        image = image.filter(ImageFilter.GaussianBlur(_FINE * rng.uniform(0.3, 0.9)))
    small = np.asarray(image.reduce(_FINE), dtype="float32")
    light = rng.uniform(0.7, 1.2) * rng.uniform(0.92, 1.08, 3)
    contrast = rng.uniform(0.72, 1.1)
    noise = rng.standard_normal((SIDE, SIDE, 3), dtype="float32") * rng.uniform(0, 9)
    return np.clip(((small - 128) * contrast + 128) * light + noise, 0, 255).astype("uint8")
