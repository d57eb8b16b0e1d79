"""A drive as a moving picture in a notebook, with words for those who don't see it."""

import base64
import io
import math
from html import escape

import numpy as np
from PIL import Image, ImageDraw

from byom.driving.drive import EVERY, SNAPSHOTS, Drive, Snapshot
from byom.driving.road import STEP
from byom.driving.view import COLUMNS, ROWS, to_rgb

_FRAME = 1000 * SNAPSHOTS * EVERY * STEP  # milliseconds of a snapshot: the film runs in real time
_TOP = 200  # side of the picture from above, in pixels
_BAR = 14  # height of the steering's bar
_STILLS = 6
_BLUE, _INK, _PAPER = (0, 114, 178), (0, 0, 0), (255, 255, 255)


class Film:
    """A watched drive that shows itself: the road from above, the front camera's view, and the steering.

    In a notebook: a strip of stills, and below it the moving picture, which can be folded away and stops after one
    round. Elsewhere: a line of text, one sign for each second.
    """

    def __init__(self, drive: Drive, who: str = "The car") -> None:
        """Make a film.

        Args:
            drive: one that was watched.
            who: the driver, for the words that go with the pictures.

        Raises:
            ValueError: the drive was not watched.
        """
        if not drive.snapshots:
            raise ValueError("nobody watched this drive: drive with watch=True")
        self.drive = drive
        self.words = _words(drive, who)

    def moving(self) -> bytes:
        """The drive in real time as an animated WebP, 200 by 255 pixels."""
        first, *rest = [_picture(snapshot) for snapshot in self.drive.snapshots]
        out = io.BytesIO()
        first.save(out, "WEBP", save_all=True, append_images=rest, duration=round(_FRAME), loop=1, quality=40, method=4)
        return out.getvalue()

    def stills(self) -> bytes:
        """Six moments of the drive side by side as a PNG, views above the road from above."""
        count = min(_STILLS, len(self.drive.snapshots))
        chosen = np.linspace(0, len(self.drive.snapshots) - 1, count).round().astype(int)
        pictures = [_picture(self.drive.snapshots[i]) for i in chosen]
        strip = Image.new("RGB", (sum(p.width + 8 for p in pictures) - 8, pictures[0].height), _PAPER)
        for i, picture in enumerate(pictures):
            strip.paste(picture, (i * (picture.width + 8), 0))
        out = io.BytesIO()
        strip.quantize(128).save(out, "PNG", optimize=True)
        return out.getvalue()

    def __str__(self) -> str:
        """One sign for each second: = driven, x with an intervention in it."""
        stops = {int(at) for at in self.drive.interventions}
        road = "".join("x" if second in stops else "=" for second in range(math.ceil(self.drive.seconds)))
        return f"|{road}|\n{self.words}"

    __repr__ = __str__

    def _repr_html_(self) -> str:
        words = escape(self.words)
        stills, moving = (base64.b64encode(b).decode() for b in (self.stills(), self.moving()))
        return (
            f'<img alt="Moments of the drive, left to right. {words}" style="max-width:100%" '
            f'src="data:image/png;base64,{stills}">'
            "<details open><summary>The drive as a moving picture</summary>"
            f'<img alt="{words}" src="data:image/webp;base64,{moving}"></details><p>{words}</p>'
        )


def _words(drive: Drive, who: str) -> str:
    count = len(drive.interventions)
    helped = {0: "needed no help", 1: "was put back once"}.get(count, f"was put back {count} times")
    words = f"{who} drives {drive.share:.0%} of track {drive.track} in {drive.seconds:.1f} s and {helped}; "
    words += f"score {drive.score:.0f}."
    return f"{words} {drive.failure}" if drive.failure else words


def _picture(snapshot: Snapshot) -> Image.Image:
    """The view on top, the steering as a bar below it, then the road from above without the game's instruments."""
    road = Image.fromarray(snapshot.top[:84]).resize((COLUMNS, _TOP * 84 // 96), Image.Resampling.BILINEAR)
    picture = Image.new("RGB", (COLUMNS, ROWS + _BAR + road.height), _PAPER)
    picture.paste(Image.fromarray(to_rgb(snapshot.view)), (0, 0))
    picture.paste(road, (0, ROWS + _BAR))
    draw, middle = ImageDraw.Draw(picture), COLUMNS // 2
    end = middle + round(snapshot.steering * (middle - 1))
    draw.rectangle((min(middle, end), ROWS + 3, max(middle, end), ROWS + _BAR - 4), fill=_BLUE)
    draw.line((middle, ROWS, middle, ROWS + _BAR - 1), fill=_INK)
    if snapshot.interventions:
        draw.text((4, ROWS + _BAR + 2), f"put back: {snapshot.interventions}", fill=_INK)
    return picture
