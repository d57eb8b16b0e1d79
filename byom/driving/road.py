"""The world: Gymnasium's CarRacing-v3 on one track, its centre line known, drawn only when somebody looks."""

import functools
import math
from typing import Any

import numpy as np
import pygame
from gymnasium.envs.box2d.car_dynamics import Car
from gymnasium.envs.box2d.car_racing import FPS, TRACK_DETAIL_STEP, CarRacing

STEP = 1 / FPS
"""Simulated seconds of one step."""
FULL_LOCK = 0.4
"""Angle of the front wheels in radians at which they stop; steering 1 means this angle."""

_MIDDLE = 12.4  # units ahead of the car: the middle of the picture
_SEEN = 64.0  # units from there: the picture's corners are 40 away, and no tile or patch of grass is wider than 24
_font = functools.cache(pygame.font.Font)  # the game loads its font anew for each picture, a tenth of all the work
_AHEAD, _BEHIND = 15, 8  # how far from its last place along the road, in tiles, the car is looked for


class Road(CarRacing):
    """CarRacing-v3 on the track of one seed.

    Lengths are the world's own units: the road is 13.3 wide, the car 5 long. Steering runs from -1, full lock to the
    left, to 1, full lock to the right. The same seed and the same controls give the same drive. A road is driven
    once: make another for another drive, since the world keeps traces of what happened in it.

    Attributes:
        seed: of the track.
        centre: points of the centre line in driving direction, float64, shape (n, 2); the last is followed by the
            first.
        curvature: of the centre line at each point, in radians a unit, left turns positive, float64, shape (n,).
        score: CarRacing's reward so far: 1,000 for all tiles of the road, less 0.1 a step.
        finished: whether the lap is complete.
        steps: how many steps have been driven.
    """

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.seed = seed
        self._looking_at: tuple[float, float] | None = None  # the middle of the picture that is being drawn
        self.reset(seed=seed)
        self.t = 1.0  # the game begins by zooming in for a second, which would change the camera
        line = np.array(self.track)
        self._corners = np.array([corners[0] for corners, _ in self.road_poly])
        self.centre: np.ndarray = line[:, 2:4]
        self._tangent: np.ndarray = line[:, 1]
        turns = np.diff(line[:, 1], append=line[0, 1])
        turns = (turns + np.pi) % (2 * np.pi) - np.pi
        self.curvature: np.ndarray = (turns + np.roll(turns, 1)) / 2 / TRACK_DETAIL_STEP
        self.score = 0.0
        self.finished = False
        self.steps = 0
        self._place = 0

    def advance(self, steering: float, gas: float, brake: float) -> None:
        """Drive one step of 0.02 s.

        Args:
            steering: from -1, left, to 1, right.
            gas: from 0 to 1.
            brake: from 0 to 1.
        """
        _, reward, _, _, info = self.step(np.array([steering * FULL_LOCK, gas, brake]))
        self.score += float(reward)
        self.finished = self.finished or info.get("lap_finished", False)
        self.steps += 1
        self._place = self._nearest()

    @property
    def seconds(self) -> float:
        """Simulated time that has passed."""
        return self.steps * STEP

    @property
    def share(self) -> float:
        """The share of the road's tiles that were driven on, 0 to 1."""
        return self.tile_visited_count / len(self.track)

    @property
    def position(self) -> np.ndarray:
        """The car's middle, shape (2,)."""
        assert self.car is not None
        return np.array(self.car.hull.position)

    @property
    def speed(self) -> float:
        """Of the car, in units a second."""
        assert self.car is not None
        return float(np.hypot(*self.car.hull.linearVelocity))

    @property
    def slip(self) -> float:
        """The angle between where the car points and where it goes, in radians; 0 when it stands."""
        assert self.car is not None
        side, ahead = self.car.hull.GetLocalVector(self.car.hull.linearVelocity)
        return math.atan2(side, ahead) if self.speed > 1 else 0.0

    @property
    def place(self) -> int:
        """The index of the point of the centre line that the car is at."""
        return self._place

    @property
    def on_grass(self) -> bool:
        """Whether all four wheels are off the road."""
        assert self.car is not None
        return not any(wheel.tiles for wheel in self.car.wheels)

    def as_seen_from_car(self, point: np.ndarray) -> tuple[float, float]:
        """How far a point is ahead of the car's middle, and how far to the right of it."""
        assert self.car is not None
        right, ahead = self.car.hull.GetLocalPoint((float(point[0]), float(point[1])))
        return float(ahead), float(right)

    def ahead_on_centre(self, distance: float) -> np.ndarray:
        """The point of the centre line this far along the road from the car, shape (2,)."""
        whole, part = divmod(distance / TRACK_DETAIL_STEP, 1)
        first = (self._place + int(whole)) % len(self.centre)
        second = (first + 1) % len(self.centre)
        return (1 - part) * self.centre[first] + part * self.centre[second]

    def put_back(self) -> None:
        """Put the car on the centre line where it left the road, standing still and facing along it."""
        assert self.car is not None
        self.car.destroy()
        x, y = self.centre[self._place]
        self.car = Car(self.world, self._tangent[self._place], x, y)

    def top_view(self) -> np.ndarray:
        """What the game shows of the world: the car from above, driving upwards; uint8 RGB, shape (96, 96, 3)."""
        assert self.car is not None
        self._looking_at = tuple(self.car.hull.GetWorldPoint((0.0, _MIDDLE)))
        away = np.linalg.norm(self._corners - self._looking_at, axis=1)
        whole, font = self.road_poly, pygame.font.Font
        self.road_poly = [whole[i] for i in np.flatnonzero(away < _SEEN)]
        pygame.font.Font = _font  # type: ignore[misc, assignment]
        try:
            return self._render("state_pixels")
        finally:
            self.road_poly = whole
            pygame.font.Font = font  # type: ignore[misc]
            self._looking_at = None

    def _nearest(self) -> int:
        """The nearest point of the centre line, not far from the last: where roads meet, the car stays on its own."""
        near = np.arange(self._place - _BEHIND, self._place + _AHEAD + 1) % len(self.centre)
        away = self.centre[near] - self.position
        return int(near[np.argmin(np.einsum("ij,ij->i", away, away))])

    # the game draws itself at every step, and all of it; most of a step's time went there

    def _render(self, mode: str) -> Any:
        return super()._render(mode) if self._looking_at else None

    def _draw_colored_polygon(
        self, surface: Any, poly: Any, color: Any, zoom: float, translation: Any, angle: float, clip: bool = True
    ) -> None:
        assert self._looking_at is not None
        x, y = self._looking_at
        if not clip or math.hypot(poly[0][0] - x, poly[0][1] - y) < _SEEN:
            super()._draw_colored_polygon(surface, poly, color, zoom, translation, angle, clip)
