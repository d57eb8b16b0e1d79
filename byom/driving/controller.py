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


def steering(road: Road) -> float:
    """Pure pursuit: steer along the circle through a point of the centre line ahead (Coulter, CMU-RI-TR-92-01).

    It depends only on where the road lies before the car, which the front camera sees, not on speed or spin.

    Returns:
        -1, full lock to the left, to 1, full lock to the right.
    """
    ahead, right = road.as_seen_from_car(road.ahead_on_centre(_LOOK_AHEAD))
    curvature = 2 * right / (ahead * ahead + right * right)
    return float(np.clip(_GAIN * math.atan(_WHEELBASE * curvature) / FULL_LOCK, -1, 1))


def pedals(road: Road) -> tuple[float, float]:
    """Gas and brake, each 0 to 1, for the speed at which the tightest bend ahead can still be taken."""
    tiles = np.arange(round(_HORIZON / TRACK_DETAIL_STEP))
    bends = np.abs(road.curvature[(road.place + tiles) % len(road.curvature)])
    bends = np.maximum(np.convolve(bends, np.full(3, 1 / 3), mode="same"), 1e-3)
    allowed = np.sqrt(_CORNERING / bends + 2 * _BRAKING * TRACK_DETAIL_STEP * tiles)
    spare = min(float(allowed.min()), _TOP_SPEED) - road.speed
    if spare > 0:
        grip = max(0.0, 1 - abs(road.slip) / _SLIP)  # the engine drives the rear wheels: gas in a slide is a spin
        return grip * min(1.0, 0.05 + 0.1 * spare), 0.0
    return 0.0, float(np.clip(-0.05 * (spare + 2), 0, 0.5))  # the game's brakes are fierce
