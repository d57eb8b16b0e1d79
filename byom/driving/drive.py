"""The closed loop: a track driven by whoever steers, and how well that went."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from byom.driving.controller import Controller
from byom.driving.road import STEP, Road
from byom.driving.view import front_view

Steer = Callable[[np.ndarray], float]
"""Gets a view, YUV, uint8, shape (66, 200, 3); answers steering from -1, full lock left, to 1, full lock right."""

EVERY = 2
"""Steps from one look at the road to the next: 25 looks a second."""
TIME_LIMIT = 20.0
"""Simulated seconds after which a drive ends, as in CarRacing-v3: 1,000 steps."""
PATIENCE = 0.5
"""Seconds with all wheels off the road after which somebody intervenes."""
COST = 6.0
"""Seconds that NVIDIA counts for an intervention (arXiv 1604.07316, section 7)."""
SNAPSHOTS = 5
"""Looks from one snapshot to the next: five snapshots a second."""


@dataclass(frozen=True)
class Snapshot:
    """A moment of a drive that was watched.

    Attributes:
        seconds: simulated time.
        top: the world from above, RGB, uint8, shape (96, 96, 3).
        view: what the front camera saw, YUV, uint8, shape (66, 200, 3).
        steering: what was answered.
        interventions: how many there were so far.
    """

    seconds: float
    top: np.ndarray
    view: np.ndarray
    steering: float
    interventions: int


@dataclass(frozen=True)
class Drive:
    """A drive, or what there was of it before it broke off.

    Attributes:
        track: the track's seed.
        score: CarRacing's: 1,000 for the whole road, less 0.1 for each step of 0.02 s.
        seconds: simulated time.
        interventions: simulated times at which the car was put back on the centre line.
        share: how much of the road was driven on, 0 to 1.
        completed: whether the lap was.
        failure: why the drive broke off, in one sentence; None when it came to its end.
        snapshots: five a second, if the drive was watched.
    """

    track: int
    score: float
    seconds: float
    interventions: tuple[float, ...]
    share: float
    completed: bool
    failure: str | None = None
    snapshots: tuple[Snapshot, ...] = field(default=(), repr=False)

    @property
    def autonomy(self) -> float:
        """NVIDIA's measure, 0 to 1: the share of time without human help, at 6 s an intervention.

        Where interventions cost more than the time there was, it is 0. Of a drive that broke off before its first
        step nothing is known: NaN.
        """
        return autonomy(len(self.interventions), self.seconds)


def autonomy(interventions: int, seconds: float) -> float:
    """1 - 6 s × interventions / elapsed time, not below 0; NaN where no time has passed."""
    return max(0.0, 1 - COST * interventions / seconds) if seconds > 0 else math.nan


def drive(track: int, steer: Steer, *, watch: bool = False) -> Drive:
    """Drive a track, steered by what the front camera sees.

    The controller works the pedals. The drive ends when the lap is complete or after 20 simulated seconds; the world
    waits for each answer. When all wheels have been off the road for 0.5 s, the car is put back on the centre line,
    standing. An answer that is no number from -1 to 1, or a ``steer`` that raises an error, breaks the drive off: what
    was measured until then is kept, and ``failure`` says why.

    Args:
        track: the track's seed. Those below 10,000 (`byom.driving.CLOSED_LOOP`) are in no data set.
        steer: answers each view with the steering. What holds a single number will do, shape (1, 1) too. A network's
            answer may lie a little outside [-1, 1]: clip it.
        watch: keep snapshots for `byom.driving.film`.
    """
    return _drive(track, lambda _, view: _answer(steer, view()), watch)


def drive_by_controller(track: int, *, watch: bool = False) -> Drive:
    """The same drive by the controller that knows the track."""
    return _drive(track, lambda controller, view: controller.steering(), watch)


def drive_straight_on(track: int, *, watch: bool = False) -> Drive:
    """The same drive by one who never turns the wheel: what the road forgives by itself."""
    return _drive(track, lambda _, view: 0.0, watch)


class _BrokenOff(Exception):
    """The drive can't go on, with the reason."""


def _answer(steer: Steer, view: np.ndarray) -> float:
    try:
        answer = steer(view)
    except Exception as error:
        reason = " ".join(str(error).split())  # errors of services run over many lines
        raise _BrokenOff(f"steering raised {type(error).__name__}: {reason[:200]}") from None
    try:
        values = np.asarray(answer, dtype="float64")
    except (TypeError, ValueError):
        raise _BrokenOff(f"the answer was {type(answer).__name__}, not a number") from None
    if values.size != 1:
        raise _BrokenOff(f"the answer had shape {values.shape}, not one number")
    value = float(values.reshape(()))
    if not -1 <= value <= 1:  # NaN, too
        raise _BrokenOff(f"the steering was {value:g}, not a number from -1 to 1")
    return value


def _drive(track: int, decide: Callable[[Controller, Callable[[], np.ndarray]], float], watch: bool) -> Drive:
    road = Road(track)
    controller = Controller(road)
    steering, grass = 0.0, 0  # grass: steps since all wheels left the road
    interventions: list[float] = []
    snapshots: list[Snapshot] = []
    failure = None
    try:
        while not road.finished and road.seconds < TIME_LIMIT:
            look, rest = divmod(road.steps, EVERY)
            if rest == 0:
                # drawing is dear: only for who looks
                steering = decide(controller, lambda: front_view(road.top_view()))
                if watch and look % SNAPSHOTS == 0:
                    top = road.top_view()
                    snapshots.append(Snapshot(road.seconds, top, front_view(top), steering, len(interventions)))
            road.advance(steering, *controller.pedals())
            grass = grass + 1 if road.on_grass else 0
            if grass * STEP >= PATIENCE:
                interventions.append(road.seconds)
                road.put_back()
                grass = 0
    except _BrokenOff as error:
        reason = str(error).rstrip(".")  # many errors are whole sentences
        failure = f"The drive on track {track} broke off after {road.seconds:.1f} s: {reason}."
    return Drive(
        track,
        road.score,
        road.seconds,
        tuple(interventions),
        road.share,
        road.finished,
        failure,
        tuple(snapshots),
    )
