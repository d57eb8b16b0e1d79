"""Prints what local SageMaker costs, from one run on this machine."""

import os
import sys
import tempfile
from pathlib import Path
from statistics import median

from . import model, ours, torchserve
from .journey import Journey, travel
from .load import Load, WrongAnswer, first_answer, load

WAYS = 3  # the fastest counts: what another program took from this one is not ours
ROUNDS = 5
SECONDS = 3  # wrk knows whole ones only
WARM_UP = 2


def main() -> int:
    """Time the whole way, then compare with TorchServe; 1 when something answered wrongly."""
    print(f"{os.cpu_count()} cores, load before: {os.getloadavg()[0]:.2f}")
    with tempfile.TemporaryDirectory(prefix="byom-bench-") as folder:
        scratch = Path(folder)
        show(min((travel(Path(tempfile.mkdtemp(dir=scratch))) for _ in range(WAYS)), key=lambda way: way.overhead))
        try:
            compare(scratch)
        except torchserve.Missing as error:
            print(error)
        except WrongAnswer as error:
            print(error, file=sys.stderr)
            return 1
    return 0


def show(way: Journey) -> None:
    """Print the seconds of one way, and how our own part of them is computed."""
    for step, seconds in way.steps.items():
        print(f"{step:16} {seconds:6.2f} s")
    print(f"{'total':16} {way.total:6.2f} s, a running server and an imported SDK before it")
    print(
        f"our overhead: {way.total:.2f} s less {way.training:.2f} s in which the training script's process "
        f"ran, less {way.serving:.2f} s in which the endpoint imported its framework and loaded the model "
        f"= {way.overhead:.2f} s"
    )


def compare(scratch: Path) -> None:
    """Throughput from 8 connections and p50 from one: both servers at once, asked in turns."""
    data, trained = scratch / "data", scratch / "model"
    data.mkdir()
    model.write_data(data)
    model.train(data, trained)
    expected = model.scores(trained)
    places = {name: scratch / name for name in ("TorchServe", "byom.local")}
    for place in places.values():
        place.mkdir()
    source = model.scripts()
    seen: dict[tuple[str, int], list[Load]] = {}
    with (
        torchserve.serving(source, trained, places["TorchServe"]) as theirs,
        ours.serving(source, trained, places["byom.local"]) as our,
    ):
        servers = {"TorchServe": theirs, "byom.local": our}
        answers = {name: first_answer(url, model.POINTS, expected) for name, url in servers.items()}
        for name, url in servers.items():
            load(url, model.POINTS, answers[name], 8, WARM_UP, scratch)
        for _ in range(ROUNDS):
            for connections in (8, 1):
                for name, url in servers.items():
                    one = load(url, model.POINTS, answers[name], connections, SECONDS, scratch)
                    seen.setdefault((name, connections), []).append(one)
    rates = {name: median(one.rate for one in seen[name, 8]) for name in servers}
    waits = {name: median(one.p50 for one in seen[name, 1]) for name in servers}
    print(f"{'':12} {'8 connections':>22} {'1 connection':>14}")
    for name in servers:
        p50 = median(one.p50 for one in seen[name, 8])
        print(f"{name:12} {rates[name]:8.0f}/s p50 {p50:5.2f} ms p50 {waits[name]:6.2f} ms")
    first, second = servers
    print(
        f"byom.local answers {rates[second] / rates[first]:.2f} times as many requests from 8 connections, "
        f"and one connection waits {waits[second] / waits[first]:.2f} times as long (p50)"
    )


if __name__ == "__main__":
    sys.exit(main())
