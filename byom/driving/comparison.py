"""Several drivers on the same tracks, in one table."""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from html import escape

from byom.driving.drive import Drive, Steer, autonomy, drive, drive_by_controller, drive_straight_on

CONTROLLER, STRAIGHT_ON = "controller", "straight on"


@dataclass(frozen=True)
class Comparison:
    """Drives by driver: those that steer by the camera, the controller, and one who drives straight on.

    Shows itself as a table in a notebook, and as text elsewhere.

    Attributes:
        drives: by driver, one drive for each track.
    """

    drives: Mapping[str, tuple[Drive, ...]]

    def autonomy(self, driver: str) -> float:
        """NVIDIA's measure over all tracks together, 0 to 1: all interventions, all seconds."""
        drives = self.drives[driver]
        return autonomy(sum(len(d.interventions) for d in drives), sum(d.seconds for d in drives))

    def score(self, driver: str) -> float:
        """CarRacing's score, the mean over the tracks."""
        drives = self.drives[driver]
        return sum(d.score for d in drives) / len(drives)

    def share_of_controller(self, driver: str) -> float:
        """The driver's score as a share of the controller's on the same tracks."""
        driven = {d.track for d in self.drives[driver]}
        return sum(d.score for d in self.drives[driver]) / sum(
            d.score for d in self.drives[CONTROLLER] if d.track in driven
        )

    def _rows(self) -> list[tuple[str, ...]]:
        rows: list[tuple[str, ...]] = [
            ("driver", "autonomy", "interventions", "score", "of the controller's", "laps completed")
        ]
        for driver, drives in self.drives.items():
            share, mean = self.autonomy(driver), self.score(driver)
            rows.append(
                (
                    driver,
                    "–" if math.isnan(share) else f"{share:.1%}",
                    str(sum(len(d.interventions) for d in drives)),
                    f"{mean:.0f}",
                    f"{self.share_of_controller(driver):.1%}",
                    f"{sum(d.completed for d in drives)} of {len(drives)}",
                )
            )
        return rows

    def _failures(self) -> list[str]:
        return [f"{name}: {d.failure}" for name, drives in self.drives.items() for d in drives if d.failure]

    def __str__(self) -> str:
        """The table as text."""
        rows = self._rows()
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = [
            "  ".join([row[0].ljust(widths[0]), *(f"{c:>{w}}" for c, w in zip(row[1:], widths[1:], strict=True))])
            for row in rows
        ]
        return "\n".join([*lines, *self._failures()])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        head, *body = self._rows()
        cells = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in head)
        lines = ""
        for driver, *values in body:
            columns = "".join(f"<td>{escape(value)}</td>" for value in values)
            lines += f'<tr><th scope="row">{escape(driver)}</th>{columns}</tr>'
        failures = "".join(f"<p>{escape(failure)}</p>" for failure in self._failures())
        return f"<table><thead><tr>{cells}</tr></thead><tbody>{lines}</tbody></table>{failures}"


def compare(tracks: Iterable[int], drivers: Mapping[str, Steer]) -> Comparison:
    """Drive every track with each driver, with the controller, and straight on. Shows progress.

    A driver whose drive broke off keeps what was measured, and drives no further track: an endpoint that is gone
    would only fail again.

    Args:
        tracks: their seeds.
        drivers: by name, what steers.

    Raises:
        ValueError: there is no track, or a driver has a name that the table needs for its own rows.
    """
    from tqdm import tqdm

    tracks = list(tracks)
    if not tracks:
        raise ValueError("there is no track to drive")
    if taken := {CONTROLLER, STRAIGHT_ON} & set(drivers):
        raise ValueError(f"{' and '.join(sorted(taken))} drive anyway: call yours something else")
    drives: dict[str, tuple[Drive, ...]] = {}
    with tqdm(total=len(tracks) * (len(drivers) + 2), unit="drive", desc="driving") as bar:

        def all_tracks(driving: Callable[[int], Drive]) -> tuple[Drive, ...]:
            done = []
            for track in tracks:
                done.append(driving(track))
                bar.update()
                if done[-1].failure:
                    break
            return tuple(done)

        for name, steer in drivers.items():
            drives[name] = all_tracks(partial(drive, steer=steer))
        drives[CONTROLLER] = all_tracks(drive_by_controller)
        drives[STRAIGHT_ON] = all_tracks(drive_straight_on)
    return Comparison(drives)
