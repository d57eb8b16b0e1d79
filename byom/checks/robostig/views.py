"""Views of roads that nobody has driven, drawn in a moment: what a check of training trains on.

They are made like those of the course's driving data, by a camera that looks down on flat ground, but smaller, and of
invented roads. What the car should do follows from the road alone.
"""

import math
from typing import Any

import numpy as np

ROWS, COLUMNS = 20, 60
"""Of a view: a third of those that the car's camera gives."""

HEIGHT, PITCH, FIELD_OF_VIEW = 4.5, math.radians(22), math.radians(78)
"""Of the camera: above the ground, in units of which the road is about twelve wide; down; from left to right."""

AIM = 12.0
"""Units ahead, where the car wants to be on the centre line."""

GRASS, ROAD, EDGE = (140.0, 85.0, 95.0), (105.0, 128.0, 128.0), (225.0, 128.0, 128.0)
"""YUV, on an average day."""


def draw(rng: np.random.Generator, tracks: int, frames: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw views along invented roads, one road after the other, the frames of each in their order.

    Roads differ in their bends, width, colours and light. Within a road, frames that follow each other are much alike.

    Args:
        rng: decides about everything.
        tracks: how many roads.
        frames: views of each.

    Returns:
        views, YUV, uint8, shape (n, 20, 60, 3), and the steering that brings the car to the centre line, in [-1, 1],
        negative to the left, float32, shape (n,).
    """
    parts = [_track(rng, frames) for _ in range(tracks)]
    return np.concatenate([views for views, _ in parts]), np.concatenate([steering for _, steering in parts])


def planes(views: np.ndarray) -> np.ndarray:
    """Views as a network takes them: float32, shape (n, 3, 20, 60)."""
    return np.ascontiguousarray(views.transpose(0, 3, 1, 2), dtype="float32")


def network() -> Any:
    """A small network that can learn to steer by them; it has no values, and doesn't know the views' size yet."""
    import mxnet as mx

    nn = mx.gluon.nn

    class Small(mx.gluon.HybridBlock):
        def __init__(self) -> None:
            super().__init__()
            with self.name_scope():
                self.layers = nn.HybridSequential()
                for channels, size in ((8, 5), (12, 3)):
                    self.layers.add(nn.Conv2D(channels, size, strides=2, activation="relu"))
                self.layers.add(nn.Dense(24, activation="relu"), nn.Dense(1))

        def hybrid_forward(self, F: Any, views: Any) -> Any:
            return self.layers((views - 120) * 0.01)

    net = Small()
    net.hybridize()
    return net


def _track(rng: np.random.Generator, frames: int) -> tuple[np.ndarray, np.ndarray]:
    ahead, right = _ground()
    # the centre line in the car's frame is y(d) = offset + heading d + bend d² / 2, for small angles
    offset = 2.5 * _wandering(rng, frames)
    heading = 0.12 * _wandering(rng, frames)
    bend = 0.012 * _wandering(rng, frames)

    def centre(distance: np.ndarray) -> np.ndarray:
        return offset[:, None] + heading[:, None] * distance + bend[:, None] * distance**2 / 2

    aside = np.abs(right - centre(ahead)[:, :, None])  # frames, rows, columns
    half = rng.uniform(5.0, 7.0)
    grass, road, edge = (np.array(colour) + rng.normal(scale=(15, 8, 8)) for colour in (GRASS, ROAD, EDGE))
    far = np.cumsum(rng.uniform(1.5, 2.5, size=frames))[:, None, None] + ahead[None, :, None]
    stripes = 12 * (np.sin(far * rng.uniform(0.4, 0.8)) > 0)  # mown grass
    views = np.where((aside < half)[..., None], road, grass + stripes[..., None] * (1, 0, 0))
    views = np.where((np.abs(aside - half) < 0.45)[..., None], edge, views)
    views[..., 0] *= rng.uniform(0.75, 1.2)
    views += rng.normal(scale=4, size=views.shape)
    steering = np.clip(2 * centre(np.array([AIM]))[:, 0] / AIM, -1, 1)
    return np.clip(np.rint(views), 0, 255).astype("uint8"), steering.astype("float32")


def _wandering(rng: np.random.Generator, frames: int) -> np.ndarray:
    """Numbers about 0 with a standard deviation of 1, of which neighbours are alike."""
    steps, keep = rng.normal(size=frames), 0.9
    values = np.empty(frames)
    values[0] = steps[0]
    for i in range(1, frames):
        values[i] = keep * values[i - 1] + math.sqrt(1 - keep**2) * steps[i]
    return values


def _ground() -> tuple[np.ndarray, np.ndarray]:
    """Where on the ground the pixels look: units ahead, shape (rows, 1) without its 1; units right, (rows, columns)."""
    focal = COLUMNS / 2 / math.tan(FIELD_OF_VIEW / 2)
    across = (np.arange(COLUMNS) + 0.5 - COLUMNS / 2) / focal
    down = (np.arange(ROWS) + 0.5 - ROWS / 2) / focal
    reach = HEIGHT / (math.sin(PITCH) + down * math.cos(PITCH))
    return reach * (math.cos(PITCH) - down * math.sin(PITCH)), reach[:, None] * across
