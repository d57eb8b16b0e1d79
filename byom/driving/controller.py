"""The controller that knows the track: it makes the data, and sets the pace for whoever steers."""

import math

import numpy as np
from gymnasium.envs.box2d.car_dynamics import SIZE, WHEELPOS
from gymnasium.envs.box2d.car_racing import TRACK_DETAIL_STEP

from byom.driving.road import FULL_LOCK, Road

# Tuned by hand on tracks 0 to 9, where it scores 900 to 930 and never leaves the road. Units are the world's own.
_LOOK_AHEAD = 16.0  # along the centre line; well inside what the front camera sees, so that a network can copy it
_GAIN = 1.2  # the tyres slip: plain pursuit turns too little
_WHEELBASE = (WHEELPOS[0][1] - WHEELPOS[2][1]) * SIZE
_TOP_SPEED = 75.0
_SLIP = 0.1  # radians; in a slide this wide there is no gas
_CORNERING = 90.0  # sideways acceleration in bends, units/s²
_BRAKING = 60.0  # units/s²
_HORIZON = 40.0  # bends farther ahead don't slow it down yet


class Controller:
    """Drives one road, of which it knows the whole centre line."""

    def __init__(self, road: Road) -> None:
        """Look at the road, and find for each place on it how fast one may be there."""
        self._road = road
        tiles = np.arange(round(_HORIZON / TRACK_DETAIL_STEP))
        ahead = (np.arange(len(road.curvature))[:, None] + tiles) % len(road.curvature)
        # a mean of three tiles; the first, which the car is leaving, and the last count less
        bends = np.pad(np.abs(road.curvature)[ahead], ((0, 0), (1, 1)))
        bends = (bends[:, :-2] + bends[:, 1:-1] + bends[:, 2:]) / 3
        allowed = np.sqrt(_CORNERING / np.maximum(bends, 1e-3) + 2 * _BRAKING * TRACK_DETAIL_STEP * tiles)
        self._limits: list[float] = np.minimum(allowed.min(axis=1), _TOP_SPEED).tolist()

    def aim(self) -> tuple[float, float]:
        """The point of the centre line that it steers for: how far ahead of the car, and how far to the right."""
        return self._road.as_seen_from_car(self._road.ahead_on_centre(_LOOK_AHEAD))

    def steering(self) -> float:
        """Pure pursuit: steer along the circle through a point of the centre line ahead (Coulter, CMU-RI-TR-92-01).

        It depends only on where the road lies before the car, which the front camera sees, not on speed or spin.

        Returns:
            -1, full lock to the left, to 1, full lock to the right.
        """
        ahead, right = self.aim()
        curvature = 2 * right / (ahead * ahead + right * right)
        return max(-1.0, min(1.0, _GAIN * math.atan(_WHEELBASE * curvature) / FULL_LOCK))

    def pedals(self) -> tuple[float, float]:
        """Gas and brake, each 0 to 1, for the speed at which the tightest bend ahead can still be taken."""
        spare = self._limits[self._road.place] - self._road.speed
        if spare > 0:
            # the engine drives the rear wheels: gas in a slide is a spin
            grip = max(0.0, 1 - abs(self._road.slip) / _SLIP)
            return grip * min(1.0, 0.05 + 0.1 * spare), 0.0
        return 0.0, max(0.0, min(0.5, -0.05 * (spare + 2)))  # the game's brakes are fierce
