"""The front camera: the game's picture from above, seen from the car by one homography.

The road is flat, so its picture from above and its picture through a camera on the car differ by a projective map of
the plane. The camera stands 4.5 units above the middle of the car, which is about the car's length, and looks 22° down
with a horizontal field of view of 78°. Its 66 rows show the ground from 36.4 units ahead (top row) to 6.0 units
(bottom row); the car itself, its front wheels and the game's instruments are below the picture, so that nobody can
read the steering from it. There is no sky in it, as in NVIDIA's cropped pictures.
"""

import math

import numpy as np
from gymnasium.envs.box2d.car_racing import SCALE, STATE_H, STATE_W, WINDOW_H, WINDOW_W, ZOOM
from PIL import Image

ROWS, COLUMNS = 66, 200
"""Of a view, as in NVIDIA's paper (arXiv 1604.07316)."""

HEIGHT = 4.5
"""Of the camera above the ground, in the world's units."""
PITCH = math.radians(22)
"""How far down the camera looks."""
FIELD_OF_VIEW = math.radians(78)
"""Between the left and the right edge of a view."""

_FOCAL = COLUMNS / 2 / math.tan(FIELD_OF_VIEW / 2)  # in pixels
_FINER = 2  # rows drawn for each row: far away one row of the view covers four of the top view


def ground_to_top() -> np.ndarray:
    """The map from (ahead, right, 1), in units from the car's middle, to (column, row, 1) in a top view; shape (3, 3).

    Columns and rows count from the picture's edge: the middle of the first pixel is at 0.5.
    """
    across, down = ZOOM * SCALE * STATE_W / WINDOW_W, ZOOM * SCALE * STATE_H / WINDOW_H
    return np.array([[0, across, STATE_W / 2], [-down, 0, STATE_H * 3 / 4], [0, 0, 1]])


def ground_to_view() -> np.ndarray:
    """The map from (ahead, right, 1) to (column, row, 1) in a view, up to scale; shape (3, 3)."""
    cos, sin = math.cos(PITCH), math.sin(PITCH)
    # right, down and forward of the camera, for a point on the ground
    camera = np.array([[0, 1, 0], [-sin, 0, HEIGHT * cos], [cos, 0, HEIGHT * sin]])
    lens = np.array([[_FOCAL, 0, COLUMNS / 2], [0, _FOCAL, ROWS / 2], [0, 0, 1]])
    return lens @ camera


_TO_VIEW = ground_to_view()


def in_view(ahead: float, right: float) -> bool:
    """Whether the front camera sees a point of the ground.

    Args:
        ahead: how far it is ahead of the car's middle, in the world's units.
        right: how far it is to the right of that.
    """
    column, row, depth = _TO_VIEW @ (ahead, right, 1)
    return bool(depth > 0 and 0 <= column <= COLUMNS * depth and 0 <= row <= ROWS * depth)


def _coefficients() -> list[float]:
    finer = np.diag([1, _FINER, 1])
    to_top = ground_to_top() @ np.linalg.inv(finer @ _TO_VIEW)
    return list((to_top / to_top[2, 2]).ravel()[:8])


_TO_TOP = _coefficients()


def front_view(top: np.ndarray) -> np.ndarray:
    """What the front camera sees.

    Args:
        top: RGB from above, as `Road.top_view` gives it; uint8, shape (96, 96, 3).

    Returns:
        YUV (its digital form, Y′CbCr of ITU-R BT.601 in full range, as JPEG has it); uint8, shape (66, 200, 3).

    Raises:
        ValueError: ``top`` has another shape or type.
    """
    if top.shape != (STATE_H, STATE_W, 3) or top.dtype != np.uint8:
        raise ValueError(f"a top view is uint8 of shape ({STATE_H}, {STATE_W}, 3), not {top.dtype} of {top.shape}")
    seen = Image.fromarray(top).transform(
        (COLUMNS, ROWS * _FINER), Image.Transform.PERSPECTIVE, _TO_TOP, Image.Resampling.BILINEAR
    )
    return np.array(seen.reduce((1, _FINER)).convert("YCbCr"))


def to_rgb(view: np.ndarray) -> np.ndarray:
    """A view in colours that a screen can show; uint8, shape (66, 200, 3).

    Args:
        view: YUV, values 0 to 255, uint8 or float, shape (66, 200, 3).
    """
    yuv = np.clip(np.rint(view), 0, 255).astype("uint8")
    return np.array(Image.fromarray(yuv, "YCbCr").convert("RGB"))
