"""A pen that draws in a thing's own coordinates, whatever its pose in the picture."""

import colorsys
import math

import numpy as np
from PIL import Image, ImageDraw

Ink = tuple[int, int, int]
Point = tuple[float, float]

BLACK: Ink = (22, 22, 26)
WHITE: Ink = (240, 240, 236)

_CIRCLE = [(math.cos(math.tau * i / 20), math.sin(math.tau * i / 20)) for i in range(20)]


def ink(hue: float, saturation: float, value: float) -> Ink:
    """A colour by hue (0 to 1, round the circle), saturation and value (0 to 1; what is beyond is cut)."""
    red, green, blue = colorsys.hsv_to_rgb(hue % 1, min(1, max(0, saturation)), min(1, max(0, value)))
    return round(255 * red), round(255 * green), round(255 * blue)


def shaded(colour: Ink, factor: float) -> Ink:
    """A colour made darker, or with a factor above 1 lighter."""
    red, green, blue = (min(255, round(channel * factor)) for channel in colour)
    return red, green, blue


class Pen:
    """Draws on a picture in coordinates where a thing reaches from about -1 to 1; x to the right, y down."""

    def __init__(self, image: Image.Image, pose: np.ndarray) -> None:
        """Take the picture, and the pose: an affine map to its pixels, shape (2, 3)."""
        self._draw = ImageDraw.Draw(image)
        self._pose = tuple(float(number) for number in pose.ravel())
        self._scale = math.sqrt(abs(np.linalg.det(pose[:, :2])))

    def _pixels(self, points: tuple[Point, ...] | list[Point]) -> list[Point]:
        a, b, c, d, e, f = self._pose
        return [(a * x + b * y + c, d * x + e * y + f) for x, y in points]

    def polygon(self, colour: Ink, *points: Point) -> None:
        """Fill the polygon through the points."""
        self._draw.polygon(self._pixels(points), fill=colour)

    def ellipse(self, colour: Ink, centre: Point, rx: float, ry: float, turn: float = 0.0) -> None:
        """Fill an ellipse, turned by so many degrees, clockwise."""
        c, s = math.cos(math.radians(turn)), math.sin(math.radians(turn))
        x, y = centre
        self.polygon(colour, *[(x + rx * u * c - ry * v * s, y + rx * u * s + ry * v * c) for u, v in _CIRCLE])

    def stroke(self, colour: Ink, width: float, *points: Point) -> None:
        """Draw a line through the points."""
        pixels = max(1, round(width * self._scale))
        self._draw.line(self._pixels(points), fill=colour, width=pixels, joint="curve")
