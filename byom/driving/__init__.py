"""A car, a track, and who steers it: Gymnasium's CarRacing-v3 with a front camera.

`driving_data` makes the four arrays that a network learns from, `drive` lets anything that answers a view with a
steering drive a track, `compare` does so on many tracks beside the controller that made the data and beside driving
straight on, and `Film` shows a drive in a notebook.
"""

from byom.driving.comparison import Comparison, compare
from byom.driving.dataset import CLOSED_LOOP, CannotMake, Recipe, driving_data
from byom.driving.drive import Drive, drive, drive_by_controller, drive_straight_on
from byom.driving.film import Film
from byom.driving.view import to_rgb

__all__ = [
    "CLOSED_LOOP",
    "CannotMake",
    "Comparison",
    "Drive",
    "Film",
    "Recipe",
    "compare",
    "drive",
    "drive_by_controller",
    "drive_straight_on",
    "driving_data",
    "to_rgb",
]
