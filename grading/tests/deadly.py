"""An assignment that takes its worker process with it. In a module of its own: workers import it by name."""

import os

from grading.examiners import Assignment


class Deadly(Assignment):
    """Ends the worker that examines it, as the system does when memory runs out."""

    def examine(self) -> None:
        os._exit(1)


class Quick(Assignment):
    """Examined at once, without a kernel."""

    def examine(self) -> None:
        self.give_up("examined")


class Raising(Assignment):
    """The grader itself fails on it."""

    def examine(self) -> None:
        raise OSError("disk full")
