"""A recorded drive: what the front camera saw on one track, and what the controller did."""

import io
from pathlib import Path

import numpy as np

from byom.driving.controller import Controller
from byom.driving.road import STEP, Road
from byom.driving.view import COLUMNS, ROWS, front_view, in_view

EVERY = 8
"""Steps from one frame to the next: 0.16 s, in which the picture changes enough to teach something new."""

_CALM = 1.5  # seconds between disturbances, on average
_SHOVE = (0.2, 0.6)  # seconds a disturbance lasts
_STRENGTH = (0.3, 0.8)  # what it adds to the steering, either way


def record(track: int, frames: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Drive a track and take a frame every 0.16 s.

    Now and then something pulls at the steering for a moment, so that the car leaves the middle of the road and turns
    aside, and the frames show how to recover. The label is always what the controller wants, never the disturbance.
    While the point that the controller steers for is outside the picture, no frame is taken: nobody could tell from
    such a picture, nothing but grass at times, what to do.

    Args:
        track: the track's seed.
        frames: how many; a lap has about 100.
        seed: of the disturbances.

    Returns:
        views, YUV, uint8, shape (frames, 66, 200, 3), and steering in [-1, 1], float32, shape (frames,).
    """
    road, chance = Road(track), np.random.default_rng((seed, track))
    controller = Controller(road)
    views = np.empty((frames, ROWS, COLUMNS, 3), "uint8")
    labels = np.empty(frames, "float32")
    pull, until, grass = 0.0, 0.0, 0.0
    next_pull = chance.exponential(_CALM)
    frame = 0
    while frame < frames:
        wanted = controller.steering()
        if road.steps % EVERY == 0 and in_view(*controller.aim()):
            views[frame], labels[frame] = front_view(road.top_view()), wanted
            frame += 1
        if road.seconds >= next_pull:
            pull = chance.choice((-1, 1)) * chance.uniform(*_STRENGTH)
            until = road.seconds + chance.uniform(*_SHOVE)
            next_pull = until + chance.exponential(_CALM)
        steering = wanted + (pull if road.seconds < until else 0)
        road.advance(float(np.clip(steering, -1, 1)), *controller.pedals())
        grass = grass + STEP if road.on_grass else 0.0
        if grass >= 0.5:
            road.put_back()
            grass = 0.0
    return views, labels


def save(folder: Path, track: int, views: np.ndarray, steering: np.ndarray) -> None:
    """Keep a drive in the folder; the file is there whole or not at all."""
    archive = io.BytesIO()  # a full disk shows itself as one only when a plain file is written
    np.savez(archive, views=views, steering=steering)
    path = recording_of(folder, track)
    part = path.with_suffix(".part")
    try:
        part.write_bytes(archive.getvalue())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def recording_of(folder: Path, track: int) -> Path:
    """The file of one track's drive."""
    return folder / f"{track}.npz"
