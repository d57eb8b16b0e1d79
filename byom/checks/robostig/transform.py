"""`transform`: views and steering in the form that the network is trained with."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from byom.checks.criteria import Challenge, Check, Exhibits, Outcome, criterion, expect
from byom.checks.evidence import Record, few


class Transform(Check):
    """`transform`: views and steering in the form that the network is trained with."""

    name = "transform"
    answer = "notebook"
    needs_reference = False

    def challenge(self, rng: np.random.Generator) -> Challenge:
        """Views in which no two pixels can be taken for each other, and steering of three digits."""
        count = int(rng.integers(3, 5))
        return Challenge(
            {
                "views": rng.integers(0, 256, size=(count, 66, 200, 3), dtype="uint8"),
                "steering": (rng.permutation(np.arange(-999, 1000))[:count] / 1000).astype("float32"),
            }
        )

    def probe(self, learner: Any, given: Mapping[str, Any]) -> Record:
        """What becomes of many views, and of one."""
        views, steering, record = given["views"].astype("float32"), given["steering"], Record()

        def brought(count: int) -> tuple[Any, Any]:
            x, y = learner(views[:count].copy(), steering[:count].copy())
            return x, y

        many = record.whole(lambda: brought(len(views)))
        if many is not None:
            for key, array in zip("xy", many, strict=True):
                record.attempt(key, lambda array=array: numbers(array))  # type: ignore[misc]
                record.attempt(f"type of {key}", lambda array=array: np.dtype(array.dtype).name)  # type: ignore[misc]
            record.attempt("one", lambda: numbers(brought(1)[0]))
        return record

    @criterion(
        2,
        "Each channel of a view becomes a picture of its own, and no pixel moves",
        "Show one channel of what you made as a picture. Is it a road? Changing a shape and changing the order of axes"
        " are two things.",
    )
    def views(self, seen: Exhibits) -> Outcome:
        """The values, at their places."""
        wanted = channels_first(seen.challenge.given["views"])
        got = seen.evidence.array("x", wanted.shape)
        same = np.array_equal(got, wanted)
        return expect(same, f"a row that begins {few(wanted[0, 0, 0])}", few(got[0, 0, 0]))

    @criterion(
        1,
        "The steering becomes a column",
        "The network answers with shape (n, 1). What does numpy make of (n, 1) minus (n,)?",
    )
    def column(self, seen: Exhibits) -> Outcome:
        """The same numbers in the same order, shape (n, 1)."""
        wanted = seen.challenge.given["steering"].reshape(-1, 1)
        got = seen.evidence.array("y", wanted.shape)
        same = np.allclose(got, wanted, rtol=1e-6, atol=0)
        return expect(same, few(wanted[:, 0]), few(got[:, 0]))

    @criterion(
        1,
        "One view stays a batch of one",
        "Send a single view through it. What do reshape and squeeze do to an axis of length 1?",
        rests_on="views",
    )
    def one_view(self, seen: Exhibits) -> Outcome:
        """A batch of one, as the first of many."""
        wanted = channels_first(seen.challenge.given["views"][:1])
        got = seen.evidence.array("one", wanted.shape)
        return expect(np.array_equal(got, wanted), "the first of many views", few(got[0, 0, 0]))

    @criterion(
        1,
        "All numbers stay float32",
        "float64 takes twice the memory, and MXNet refuses to multiply it with float32. What made it?",
        rests_on="views",
    )
    def float32(self, seen: Exhibits) -> Outcome:
        """Both types."""
        types = [seen.evidence.text(f"type of {key}", "an array") for key in "xy"]
        return expect(types == ["float32"] * 2, "float32 and float32", " and ".join(types))


def channels_first(views: np.ndarray) -> np.ndarray:
    """Views (n, rows, columns, 3) as (n, 3, rows, columns)."""
    return np.stack([views[..., channel] for channel in range(3)], axis=1)


def numbers(array: Any) -> np.ndarray:
    """An array, of MXNet too, as float32 evidence."""
    return np.array(array.asnumpy() if hasattr(array, "asnumpy") else array, dtype="float32")
