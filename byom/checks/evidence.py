"""Evidence: what a probe gathered beside a learner's code, and how it travels to the judge.

Evidence is a flat mapping from a key to JSON (text, number, bool, null, list, object) or to a numpy array. It
is written as strict JSON and read back without trusting a byte of it: no pickle, bounded size, known dtypes,
shapes that match the bytes.
"""

import base64
import json
import math
import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

MIME = "application/x-byom-evidence+json"
"""The MIME type under which a graded cell displays its evidence."""

LIMIT = 4_000_000
"""The longest encoded evidence, in characters."""

_COLOURS = re.compile(r"\x1b\[[0-9;]*m")  # torch colours its messages
_DTYPES = {"bool", "uint8", "int32", "int64", "float32", "float64"}


class BadEvidence(Exception):
    """Evidence that is missing, malformed or not of the kind asked for; says what was expected and got."""

    def __init__(self, expected: str, got: str) -> None:
        super().__init__(f"expected {expected}, got {got}")
        self.expected = expected
        self.got = got


def encode(evidence: Mapping[str, Any]) -> str:
    """Return ``evidence`` as JSON text. NaN is allowed inside arrays only.

    Raises:
        TypeError: a value is neither JSON nor an array of a known dtype.
        ValueError: a bare float is not finite.
    """
    return json.dumps({key: _pack(value) for key, value in evidence.items()}, allow_nan=False)


def _pack(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        if value.dtype.name not in _DTYPES:
            raise TypeError(f"an array of {value.dtype} is not evidence")
        data = base64.b64encode(np.ascontiguousarray(value).tobytes()).decode()
        return {"array": data, "dtype": value.dtype.name, "shape": list(value.shape)}
    if isinstance(value, np.generic):
        return value.item()
    return value


def decode(text: str, limit: int = LIMIT) -> dict[str, Any]:
    """Read evidence back from untrusted text.

    Raises:
        BadEvidence: the text is too long, is not strict JSON, or holds an array that is not what it says.
    """
    if not isinstance(text, str) or len(text) > limit:
        raise BadEvidence(f"evidence of at most {limit:,} characters", "more, or no text at all")
    try:
        packed = json.loads(text, parse_constant=_no_constant, parse_float=_finite, object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise BadEvidence("evidence in JSON", f"text that is not ({type(error).__name__})") from None
    if not isinstance(packed, dict):
        raise BadEvidence("evidence as an object", type(packed).__name__)
    return {key: _unpack(value) for key, value in packed.items()}


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _finite(digits: str) -> float:
    if not math.isfinite(number := float(digits)):
        raise ValueError(f"{digits} is too large")
    return number


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(found := dict(pairs)) < len(pairs):
        raise ValueError("a key is there twice")
    return found


def _unpack(value: Any) -> Any:
    if not (isinstance(value, dict) and "array" in value):
        return value
    dtype, data = value.get("dtype"), value["array"]
    shape: Any = value.get("shape")
    whole = isinstance(shape, list) and all(type(n) is int and 0 <= n <= LIMIT for n in shape) and len(shape) <= 8
    if not isinstance(dtype, str) or dtype not in _DTYPES or not whole or not isinstance(data, str):
        raise BadEvidence("an array with dtype, shape and data", "something else")
    try:
        raw = base64.b64decode(data, validate=True)
    except ValueError:
        raise BadEvidence("an array in base64", "text that is not") from None
    if len(raw) != math.prod(shape) * np.dtype(dtype).itemsize:
        raise BadEvidence(f"the bytes of a {dtype} array of shape {tuple(shape)}", f"{len(raw)} bytes")
    if dtype == "bool" and raw.strip(b"\0\1"):
        raise BadEvidence("a bool array of zeros and ones", "other bytes")
    return np.frombuffer(raw, dtype=dtype).reshape(shape)


class Record(dict[str, Any]):
    """Evidence being gathered. A step that raises leaves its error as evidence and the next step still runs."""

    def attempt(self, key: str, step: Callable[[], Any]) -> Any:
        """Store what ``step()`` returns under ``key`` and return it; None when it raised."""
        try:
            self[key] = step()
        except (Exception, SystemExit) as error:
            self.fail(_told(error), key)
            return None
        return self[key]

    def whole(self, step: Callable[[], Any]) -> Any:
        """Return what ``step()`` returns, keeping nothing; when it raises, its error stands for all evidence."""
        try:
            return step()
        except (Exception, SystemExit) as error:
            self.fail(_told(error))
            return None

    def fail(self, reason: str, key: str = "*") -> None:
        """Store why there is no evidence under ``key``, or under any key that is missing."""
        self[key] = {"raised": " ".join(_COLOURS.sub("", reason).split())[:500]}


def _told(error: BaseException) -> str:
    try:
        said = str(error)
    except Exception:  # a learner's own kind of error may have faults too
        said = ""
    return f"{type(error).__name__}: {said}".removesuffix(": ")


class Evidence:
    """Decoded evidence as a judge reads it: every getter checks what it hands out."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values

    def _get(self, key: str, expected: str) -> Any:
        value = self._values.get(key, self._values.get("*"))
        if value is None:
            raise BadEvidence(expected, "nothing")
        if isinstance(value, dict) and isinstance(value.get("raised"), str):
            raise BadEvidence(expected, value["raised"][:500])
        return value

    def text(self, key: str, expected: str = "text") -> str:
        """The text under ``key``."""
        return self._typed(key, str, expected)

    def number(self, key: str, expected: str = "a number") -> float:
        """The finite number under ``key``; a bool is none."""
        value = self._get(key, expected)
        if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < math.inf:
            raise BadEvidence(expected, shown(value))
        try:
            return float(value)
        except OverflowError:
            raise BadEvidence(expected, "a number with hundreds of digits") from None

    def flag(self, key: str, expected: str = "true or false") -> bool:
        """The bool under ``key``."""
        return self._typed(key, bool, expected)

    def items(self, key: str, expected: str = "a list") -> list[Any]:
        """The list under ``key``."""
        return self._typed(key, list, expected)

    def mapping(self, key: str, expected: str = "an object") -> dict[str, Any]:
        """The object under ``key``."""
        return self._typed(key, dict, expected)

    def array(
        self, key: str, shape: tuple[int, ...] | None = None, expected: str = "an array of numbers"
    ) -> np.ndarray:
        """The array under ``key``: of ``shape`` where one is given, and with finite values only."""
        value = self._get(key, expected)
        if not isinstance(value, np.ndarray):
            raise BadEvidence(expected, shown(value))
        if shape is not None and value.shape != shape:
            raise BadEvidence(f"an array of shape {shape}", f"one of shape {value.shape}")
        if not np.isfinite(value).all():
            raise BadEvidence(expected, "NaN or infinity among the values")
        return value

    def _typed(self, key: str, kind: type, expected: str) -> Any:
        value = self._get(key, expected)
        if type(value) is not kind:
            raise BadEvidence(expected, shown(value))
        return value


def shown(value: Any, width: int = 200) -> str:
    """``value`` in a few words, for a table."""
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= width else text[: width - 1] + "…"


def few(values: np.ndarray) -> str:
    """The first numbers of a flat array, for a table."""
    return " ".join(f"{v:g}" for v in values[:6]) + (" …" if len(values) > 6 else "")
