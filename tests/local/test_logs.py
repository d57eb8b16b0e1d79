"""Log streams on disk."""

import time

import pytest

from byom.local import logs
from byom.local.logs import Logs


@pytest.fixture
def stream(tmp_path, request):
    return Logs(tmp_path).stream(f"/group/{request.node.name}", "a/b")


def test_a_flood_ends_at_the_limit_and_says_so(stream, monkeypatch):
    monkeypatch.setattr(logs, "STREAM_LIMIT", 1000)
    for i in range(100):
        stream.append([f"{i} " + "x" * 98])
    assert stream.tail(100)[-1].startswith("byom.local: the log reached")
    assert stream.path.stat().st_size < 1500
    assert len(stream.tail(100)) < 12


def test_odd_lines_come_back_as_they_were(stream, tmp_path):
    from moto.logs.models import logs_backends

    lines = ["", "plain", "a\x0cform feed", "\u2028 separator", "ü" * 3]
    stream.append(lines)
    logs_backends.reset()
    again = Logs(tmp_path)
    group = next(iter(logs_backends["123456789012"]["us-east-1"].groups.values()))
    assert [event.message for event in group.streams["a/b"].events] == lines
    assert again.stream(group.name, "another").tail(5) == []


def test_streams_can_be_asked_for_by_a_prefix(aws):
    aws.logs.create_log_group(logGroupName="/by/prefix")
    for name in ("one/algo-1", "one/algo-2", "two/algo-1"):
        aws.logs.create_log_stream(logGroupName="/by/prefix", logStreamName=name)
        events = [{"timestamp": int(time.time() * 1000), "message": name}]
        aws.logs.put_log_events(logGroupName="/by/prefix", logStreamName=name, logEvents=events)

    def messages(**which):
        return sorted(e["message"] for e in aws.logs.filter_log_events(logGroupName="/by/prefix", **which)["events"])

    assert messages(logStreamNamePrefix="one/") == ["one/algo-1", "one/algo-2"]
    assert messages(logStreamNamePrefix="three/") == []
    assert messages(logStreamNames=["two/algo-1"]) == ["two/algo-1"]
    assert len(messages()) == 3
    # as `aws logs tail` of the AWS CLI's version 2 asks
    recent = {"interleaved": True, "startTime": int((time.time() - 600) * 1000)}
    assert len(messages(**recent)) == 3
    assert messages(**{**recent, "startTime": int((time.time() + 600) * 1000)}) == []
