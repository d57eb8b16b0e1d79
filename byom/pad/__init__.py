"""A pad to draw a digit on, in a notebook, with a mouse, a finger or the keyboard.

>>> pad = DrawingPad()
>>> pad  # draw on it, then run the next cell
>>> pad.pixels()
"""

import base64
import io
from pathlib import Path
from typing import Any

import anywidget
import numpy as np
import traitlets

from byom.pad.ink import MOST_POINTS, PEN, SIDE, Stroke, checked, drawn, enlarged


class _Drawing(traitlets.TraitType[tuple[Stroke, ...], Any]):
    def validate(self, obj: Any, value: Any) -> tuple[Stroke, ...]:
        try:
            return checked(value)
        except ValueError as wrong:
            raise traitlets.TraitError(str(wrong)) from None


class DrawingPad(anywidget.AnyWidget):
    """A pad of 280 × 280 pixels, shown by the cell it is the last line of.

    Args:
        sample: a picture that stands in for a drawing, and says so on the page, as long as nothing is drawn: numbers
            from 0 (empty) to 255 (ink), shape (n, n).

    Raises:
        ValueError: ``sample`` is no such picture.
    """

    _esm = Path(__file__).with_name("pad.js")
    _css = Path(__file__).with_name("pad.css")

    strokes = _Drawing(()).tag(sync=True, echo_update=False)
    """The drawing, stroke by stroke: each a tuple of points (x, y). Setting it shows it on the page."""

    _paper = traitlets.Dict({"side": SIDE, "pen": PEN, "points": MOST_POINTS}).tag(sync=True)
    _sample_url = traitlets.Unicode(None, allow_none=True).tag(sync=True)

    def __init__(self, sample: Any = None) -> None:
        self._sample = None if sample is None else enlarged(sample)
        super().__init__(_sample_url=None if self._sample is None else _picture(self._sample))
        self.on_msg(self._take)

    def pixels(self) -> np.ndarray:
        """The picture on the pad, as it is on the page: the drawing, or else the stored sample.

        Returns:
            uint8, shape (280, 280): 0 is empty, 255 is ink.

        Raises:
            ValueError: nothing is drawn, and there is no sample.
        """
        if not self.empty:
            return drawn(self.strokes)
        if self._sample is None:
            raise ValueError("nothing is drawn on the pad: draw a digit, then run this cell again")
        return self._sample.copy()

    @property
    def empty(self) -> bool:
        """Whether nothing is drawn."""
        return not self.strokes

    @property
    def is_sample(self) -> bool:
        """Whether `pixels` are those of the stored sample."""
        return self.empty and self._sample is not None

    def __repr__(self) -> str:
        # without an address: the same in every run
        if not self.empty:
            return f"<DrawingPad: strokes drawn: {len(self.strokes)}>"
        return f"<DrawingPad: {'a stored sample, nothing drawn' if self.is_sample else 'nothing drawn'}>"

    def set_state(self, sync_data: dict[str, Any]) -> None:
        """Take nothing from the page this way.

        ipywidgets holds a change back in the page while the kernel is busy. The cell that was started next would then
        run before the change arrives. So the page sends its strokes as a message, which waits for nothing.
        """

    def _take(self, _: Any, content: Any, buffers: Any) -> None:
        """Take the drawing that the page sends, or say why not and have the page show the old one.

        Nothing is sent back for a drawing that is taken. It would come late, over strokes drawn since; and ipykernel
        would then handle what follows beside the cells, no more in order with them.
        """
        try:
            super().set_state({"strokes": content.get("strokes") if isinstance(content, dict) else None})
        except traitlets.TraitError as refused:
            self.send_state("strokes")
            self.send({"refused": str(refused)})


def _picture(pixels: np.ndarray) -> str:
    """A PNG, as a data URL, whose opacity is the ink: the page gives it the colour of its theme."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(np.dstack([np.zeros_like(pixels), pixels]), "LA").save(file, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
