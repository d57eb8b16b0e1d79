"""Load by `wrk`, with every answer compared with the one that was checked before."""

import http.client
import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np

_SCRIPT = """
local threads = {}
function setup(thread) table.insert(threads, thread) end
function init(arguments)
  wrong = 0
  wrk.method, wrk.body, expected = "POST", %s, %s
  wrk.headers["Content-Type"], wrk.headers["Accept"] = "application/json", "application/json"
end
function response(status, headers, body)
  if status ~= 200 or body ~= expected then wrong = wrong + 1 end
end
function done(summary, latency, requests)
  local wrong = 0
  for _, thread in ipairs(threads) do wrong = wrong + thread:get("wrong") end
  local errors = summary.errors
  local lost = errors.connect + errors.read + errors.write + errors.timeout
  io.write(string.format('\\n{"requests": %%d, "seconds": %%f, "wrong": %%d, "lost": %%d, "p50": %%f, "p99": %%f}\\n',
    summary.requests, summary.duration / 1e6, wrong, lost, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end
"""


@dataclass(frozen=True)
class Load:
    """What one run of wrk saw."""

    rate: float  # requests each second
    p50: float  # milliseconds
    p99: float  # milliseconds


class WrongAnswer(Exception):
    """A server answered something else than the model does."""


def first_answer(url: str, points: list[list[float]], expected: list[list[float]]) -> str:
    """The server's answer, as text. Raises WrongAnswer when it isn't the model's."""
    at = urlsplit(url)
    connection = http.client.HTTPConnection(at.netloc, timeout=60)
    try:
        kind = "application/json"
        connection.request("POST", at.path, json.dumps(points), {"Content-Type": kind, "Accept": kind})
        answer = connection.getresponse()
        text = answer.read().decode()
    finally:
        connection.close()
    if answer.status != 200 or not np.allclose(json.loads(text), expected, atol=1e-6):
        raise WrongAnswer(f"{url} answered {answer.status} {text!r}, and the model says {expected}.")
    return text


def load(url: str, points: list[list[float]], answer: str, connections: int, seconds: int, scratch: Path) -> Load:
    """Ask as fast as the server answers. Raises WrongAnswer when one answer of all differs or is lost."""
    script = scratch / "load.lua"
    script.write_text(_SCRIPT % (_lua(json.dumps(points)), _lua(answer)))
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", str(script), url]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    seen = json.loads(said.strip().splitlines()[-1])
    if seen["wrong"] or seen["lost"] or not seen["requests"]:
        raise WrongAnswer(f"{url}: of {seen['requests']} answers {seen['wrong']} were wrong, {seen['lost']} were lost.")
    return Load(seen["requests"] / seen["seconds"], seen["p50"], seen["p99"])


def _lua(text: str) -> str:
    return '"' + "".join(f"\\{byte:03d}" for byte in text.encode()) + '"'
