"""Evidence travels as strict JSON, and is read back without trusting a byte of it."""

import base64
import json

import numpy as np
import pytest

from byom.checks.evidence import BadEvidence, Evidence, Record, decode, encode, few, shown


def array(data: bytes = b"", **fields: object) -> str:
    return json.dumps({"a": {"array": base64.b64encode(data).decode(), "dtype": "float64", "shape": [1], **fields}})


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int32", "int64", "float32", "float64"])
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 3)])
def test_arrays_survive_the_round_trip(dtype: str, shape: tuple[int, ...]) -> None:
    value = np.ones(shape, dtype)
    back = decode(encode({"a": value}))["a"]
    assert back.dtype == value.dtype and back.shape == shape and np.array_equal(back, value)


def test_a_slice_and_nan_survive() -> None:
    value = np.arange(12.0).reshape(3, 4)[:, ::2]
    value[0, 0] = np.nan
    np.testing.assert_array_equal(decode(encode({"a": value}))["a"], value)


def test_plain_json_survives() -> None:
    plain = {"text": "é\n", "n": 3, "x": 0.5, "no": None, "yes": True, "list": [1, [2]], "object": {"k": "v"}}
    assert decode(encode(plain)) == plain


@pytest.mark.parametrize("value", [np.array([object()]), np.array(["text"]), np.array([1j]), {1, 2}, b"bytes"])
def test_what_is_neither_json_nor_numbers_is_refused_at_once(value: object) -> None:
    with pytest.raises(TypeError):
        encode({"a": value})


def test_a_bare_nan_is_refused() -> None:
    with pytest.raises(ValueError):
        encode({"a": float("nan")})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no json",
        "[1]",
        "7",
        '{"a": NaN}',
        '{"a": Infinity}',
        "[" * 100_000,
        '{"a":' * 50_000,
        array(b"\0" * 8, shape=[2]),
        array(b"\0" * 8, shape=[-1]),
        array(b"\0" * 8, shape=[True]),
        array(b"\0" * 8, shape=[1.0]),
        array(b"\0" * 8, shape="1"),
        array(b"\0" * 8, shape=[1] * 9),
        array(shape=[10**18, 10**18]),
        array(b"\0" * 8, dtype="object"),
        array(b"\0" * 8, dtype="<U2"),
        array(b"\0" * 8, dtype=["float64"]),
        array(b"\0" * 8, array="not base64!"),
        array(b"\0" * 8, array=7),
        array(b"\2", dtype="bool"),
    ],
)
def test_what_is_not_evidence_is_refused_with_a_reason(text: str) -> None:
    with pytest.raises(BadEvidence, match=r"expected .*, got "):
        decode(text)


def test_too_much_is_refused() -> None:
    with pytest.raises(BadEvidence, match="at most 100"):
        decode(json.dumps({"a": "x" * 100}), limit=100)


def test_what_is_no_text_is_refused() -> None:
    with pytest.raises(BadEvidence):
        decode(b"{}")  # type: ignore[arg-type]


def test_a_step_that_raises_leaves_its_error_and_the_next_one_runs() -> None:
    record = Record()
    assert record.attempt("bad", lambda: 1 / 0) is None
    assert record.attempt("good", lambda: 3) == 3
    assert record.attempt("left", lambda: exit(3)) is None
    evidence = Evidence(decode(encode(record)))
    assert evidence.number("good") == 3
    with pytest.raises(BadEvidence, match="got ZeroDivisionError: division by zero"):
        evidence.number("bad")
    with pytest.raises(BadEvidence, match="SystemExit: 3"):
        evidence.number("left")


def test_an_interrupt_is_no_evidence() -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Record().attempt("a", interrupted)


def test_an_error_is_told_in_one_line_without_colours() -> None:
    record = Record()
    record.fail("\x1b[1mFirst\x1b[0m\n  second", "a")
    assert record["a"] == {"raised": "First second"}


def test_an_error_without_a_message_is_told_by_its_name() -> None:
    def stub() -> None:
        raise NotImplementedError

    record = Record()
    record.attempt("a", stub)
    assert record["a"] == {"raised": "NotImplementedError"}


def test_one_error_can_stand_for_all_that_is_missing() -> None:
    record = Record(there=1)
    assert record.whole(lambda: 1 / 0) is None
    evidence = Evidence(record)
    assert evidence.number("there") == 1
    with pytest.raises(BadEvidence, match="ZeroDivisionError"):
        evidence.array("anything")


@pytest.mark.parametrize(
    ("getter", "value"),
    [
        ("number", True),
        ("number", "3"),
        ("number", None),
        ("text", 3),
        ("flag", 1),
        ("flag", "true"),
        ("items", "abc"),
        ("items", {}),
        ("mapping", []),
        ("array", [1.0]),
        ("array", "array"),
        ("array", np.array([np.inf])),
        ("array", np.array([np.nan, 1])),
    ],
)
def test_getters_hand_out_only_what_was_asked_for(getter: str, value: object) -> None:
    with pytest.raises(BadEvidence):
        getattr(Evidence({"a": value}), getter)("a")


def test_an_array_of_another_shape_is_refused_with_both_shapes() -> None:
    with pytest.raises(BadEvidence, match=r"shape \(2, 1\), got one of shape \(2,\)"):
        Evidence({"a": np.zeros(2)}).array("a", (2, 1))


def test_values_are_shown_in_few_words() -> None:
    assert shown("x" * 500).endswith("…") and len(shown("x" * 500)) == 200
    assert shown(np.zeros((3, 2))) == "an array of shape (3, 2)"
    assert few(np.arange(9.0)) == "0 1 2 3 4 5 …"
