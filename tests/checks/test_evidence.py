"""Evidence travels as strict JSON, and what comes back is either what was sent or refused with a reason."""

import base64
import json
import math
import pickle
from typing import Any

import numpy as np
import pytest

from byom.checks.evidence import LIMIT, BadEvidence, Evidence, Record, decode, encode, few, shown

ARRAYS = [
    np.arange(6, dtype="int64").reshape(2, 3),
    np.array([[1.5, math.nan], [math.inf, -0.0]]),
    np.array([], dtype="float32"),
    np.array(3, dtype="uint8"),
    np.array([True, False]),
    np.arange(24, dtype="float64").reshape(2, 3, 4).transpose(2, 0, 1),
]


@pytest.mark.parametrize("array", ARRAYS, ids=lambda a: f"{a.dtype}{a.shape}")
def test_an_array_comes_back_as_it_went(array: np.ndarray) -> None:
    back = decode(encode({"a": array}))["a"]
    assert back.dtype == array.dtype
    np.testing.assert_array_equal(back, array)


def test_json_comes_back_as_it_went() -> None:
    sent = {"text": "größe\n", "n": 3, "x": 0.1, "yes": True, "none": None, "list": [1, [2]], "map": {"a": [3]}}
    assert decode(encode(sent)) == sent
    assert decode(encode({"scalar": np.float32(0.5)})) == {"scalar": 0.5}


@pytest.mark.parametrize("value", [np.array(["a"]), np.array([None]), np.array([1j]), object(), {1, 2}, b"bytes"])
def test_what_is_no_evidence_is_not_sent(value: Any) -> None:
    with pytest.raises(TypeError):
        encode({"a": value})


def test_a_bare_nan_is_not_sent() -> None:
    with pytest.raises(ValueError):
        encode({"a": math.nan})


def packed(data: Any = b"\0" * 8, dtype: Any = "float64", shape: Any = (1,)) -> str:
    text = base64.b64encode(data).decode() if isinstance(data, bytes) else data
    return json.dumps({"a": {"array": text, "dtype": dtype, "shape": shape}})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nothing",
        "[]",
        "3",
        "null",
        '{"a": NaN}',
        '{"a": -Infinity}',
        '{"a": 1',
        "{'a': 1}",
        "[" * 100_000,
        '{"a":' * 100_000,
        '{"a": 1, "a": 2}',
        '{"a": {"array": "AAAAAAAAAAA=", "dtype": "float64", "shape": [1], "shape": [2]}}',
        '{"a": ' + "9" * 100_000 + "}",
        '{"a": 1e400}',
        packed(shape=[2]),
        packed(shape=[-1]),
        packed(shape=[1.0]),
        packed(shape=[True]),
        packed(shape=["1"]),
        packed(shape="1"),
        packed(shape=[1] * 9),
        packed(shape=[2**40, 2**40]),
        packed(shape=None),
        packed(shape=[10**30, 0], data=b""),
        packed(dtype="object"),
        packed(dtype="O"),
        packed(dtype="float64, float64"),
        packed(dtype=">f8"),
        packed(dtype="datetime64[s]"),
        packed(dtype=["float64"]),
        packed(dtype={"names": ["a"]}),
        packed(dtype=None),
        packed(dtype="bool", data=b"\2"),
        packed(data="not base64!"),
        packed(data="größe==="),
        packed(data="AAAA\nAAAAAAA="),
        packed(data=[0]),
        packed(data=None),
    ],
    ids=lambda text: text[:40],
)
def test_what_is_not_strict_is_refused(text: str) -> None:
    with pytest.raises(BadEvidence):
        decode(text)


def test_evidence_that_is_too_long_is_refused_unread() -> None:
    with pytest.raises(BadEvidence, match="at most 4,000,000 characters"):
        decode('{"a": "' + "x" * LIMIT + '"}')


@pytest.mark.parametrize("text", [None, b"{}", 3, {"a": 1}, ["{}"]])
def test_what_is_no_text_is_refused(text: Any) -> None:
    with pytest.raises(BadEvidence):
        decode(text)


class Loud:
    """Tells when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return pytest.fail, ("it was unpickled",)


@pytest.mark.parametrize("dtype", ["object", "O", "float64", "uint8"])
def test_no_pickle_is_ever_read(dtype: str) -> None:
    data = pickle.dumps(Loud())
    try:
        decode(packed(data=data, dtype=dtype, shape=[len(data)]))
    except BadEvidence:
        return
    assert dtype == "uint8"  # plain bytes are evidence as any other


def test_an_array_can_not_be_written_to() -> None:
    with pytest.raises(ValueError):
        decode(encode({"a": np.zeros(3)}))["a"][0] = 1


# ------------------------------------------------------------ gathering


def test_a_step_that_raises_leaves_its_error_and_the_next_still_runs() -> None:
    record = Record()
    assert record.attempt("one", lambda: 1 / 0) is None
    assert record.attempt("two", lambda: 2) == 2
    record.attempt("three", lambda: (_ for _ in ()).throw(SystemExit(1)))
    assert record == {
        "one": {"raised": "ZeroDivisionError: division by zero"},
        "two": 2,
        "three": {"raised": "SystemExit: 1"},
    }


def test_an_endless_message_is_cut() -> None:
    record = Record()
    record.fail("x" * 10_000)
    assert len(record["*"]["raised"]) == 500


def test_an_exception_that_can_not_be_shown_stops_nothing() -> None:
    class Unspeakable(Exception):
        def __str__(self) -> str:
            raise RuntimeError("never")

    record = Record()

    def step() -> None:
        raise Unspeakable

    record.attempt("a", step)
    assert record["a"]["raised"].startswith("Unspeakable")


# ------------------------------------------------------------ reading

WHOLE = Evidence(
    {
        "text": "abc",
        "number": 2,
        "flag": True,
        "items": [1],
        "mapping": {"a": 1},
        "array": np.ones((2, 1)),
        "failed": {"raised": "ValueError: no"},
    }
)
GETTERS = ("text", "number", "flag", "items", "mapping", "array")


@pytest.mark.parametrize("getter", GETTERS)
@pytest.mark.parametrize("key", [*GETTERS, "failed", "missing"])
def test_a_getter_hands_out_its_kind_only(getter: str, key: str) -> None:
    if getter == key:
        getattr(WHOLE, getter)(key)
        return
    with pytest.raises(BadEvidence) as refused:
        getattr(WHOLE, getter)(key)
    if key == "failed":
        assert refused.value.got == "ValueError: no"
    if key == "missing":
        assert refused.value.got == "nothing"


def test_one_failure_stands_for_all_that_is_missing() -> None:
    evidence = Evidence({"*": {"raised": "there is no file"}, "there": 1})
    assert evidence.number("there") == 1
    with pytest.raises(BadEvidence, match="there is no file"):
        evidence.array("elsewhere")


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 10**400])
def test_a_number_is_finite(value: float) -> None:
    with pytest.raises(BadEvidence):
        Evidence({"n": value}).number("n")


def test_an_array_is_finite_and_of_its_shape() -> None:
    with pytest.raises(BadEvidence, match=r"shape \(3, 1\), got one of shape \(2, 1\)"):
        WHOLE.array("array", (3, 1))
    with pytest.raises(BadEvidence, match="NaN or infinity"):
        Evidence({"a": np.array([1.0, math.nan])}).array("a")


@pytest.mark.parametrize("value", ["x" * 10_000, ["x"] * 10_000, np.zeros(10**6), {"a": object()}, None])
def test_anything_is_shown_in_few_words(value: Any) -> None:
    assert len(shown(value)) <= 200


def test_the_first_numbers_of_an_array() -> None:
    assert few(np.arange(3.0)) == "0 1 2"
    assert few(np.arange(9.0)) == "0 1 2 3 4 5 …"
