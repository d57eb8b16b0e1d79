"""The training script ``source/train.py``: the old one, moved to what containers ask for today."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from byom.checks.artifacts import PARAMS, SYMBOL, computed, served_by_default
from byom.checks.contract.parse_args import command_line
from byom.checks.criteria import Challenge, Check, Exhibits, Outcome, criterion, expect
from byom.checks.evidence import Record, few
from byom.checks.process import Ended, gather, run_script, scratch
from byom.require import no_mxnet

NEAR = 1e-4
"""How far a loss may be from the old script's, and a probability from another program's. Largest difference of 20
reference runs without MKL-DNN: none in five digits. Smallest of 20 runs of the nearest wrong answer, a hyperparameter
left at its default: 0.00035."""

LEARNT = 0.6
"""Least share of fresh pictures for a network that learnt anything. Worst of 20 reference runs: 0.915. Best of 20 runs
of the nearest wrong answer, the first weights: 0.155."""

SECONDS = 20


class Train(Check):
    """The training script ``source/train.py``, run as a training container runs it."""

    name = "train"
    answer = "source/train.py"

    def challenge(self, rng: np.random.Generator) -> Challenge:
        """Pictures of ten invented kinds, and hyperparameters other than the defaults."""
        kinds, labels = rng.integers(0, 17, size=(10, 64)), rng.integers(0, 10, size=1200)
        pixels = np.clip(kinds[labels] + rng.normal(scale=5, size=(1200, 64)), 0, 16).round()
        table = np.column_stack([labels, pixels]).astype("uint8")
        return Challenge(
            {
                "train": table[:800],
                "test": table[800:1000],
                "fresh": (table[1000:, 1:] / 16).astype("float32"),
                "hyperparameters": {
                    "batch_size": int(rng.integers(20, 50)),
                    "epochs": int(rng.integers(2, 5)),
                    "hidden": [int(n) for n in rng.integers(12, 40, size=2)],
                    "learning_rate": float(rng.integers(110, 200)) / 1000,
                    "shuffle": False,
                },
            },
            withheld={"labels": labels[1000:]},
        )

    def probe(self, learner: Any, given: Mapping[str, Any]) -> Record:
        """Three jobs: with the folders of a container, with hyperparameters as well, and with neither."""
        script, record = Path(learner).resolve(), Record()
        if reason := no_mxnet() if script.is_file() else f"there is no file {learner}":
            record.fail(reason)
            return record
        with scratch() as root:
            home = root / "home"
            for channel in ("train", "test"):
                for folder in (root / channel, home / "data" / channel):
                    folder.mkdir(parents=True)
                    np.savetxt(folder / "digits.csv", given[channel], fmt="%d", delimiter=",")
            for model in ("model", "tuned"):
                (root / model).mkdir()  # as a container does
            job = run_script(script, [], _variables(root, "model"), root, SECONDS)
            record["ended"], record["job"] = _ended(job), _loss(job)
            saved = {"folder": str(root / "model"), "fresh": given["fresh"]}
            record.update(gather(probe_saved, script, saved, SECONDS))
            # a script that never ends would not end here either
            settings, variables = command_line(given["hyperparameters"]), _variables(root, "tuned")
            tuned = job if job.stopped else run_script(script, settings, variables, root, SECONDS)
            record["tuned"] = _loss(tuned)
            local = tuned if tuned.stopped else run_script(script, [], {}, home, SECONDS)
            record["local"] = _ended(local)
            record["local_files"] = sorted(p.name for p in (home / "model").glob("*"))
            for channel in ("train", "test"):
                (root / channel / "digits.csv").unlink()
            away = {"variables": _variables(root, "imported")}
            record["imported"] = gather(probe_import, script, away, SECONDS).get("left", {"raised": "nothing"})
        return record

    @criterion(
        1,
        "The trained network is in the model's folder",
        "The container of old saved what train returned. Who saves it now, and where to?",
    )
    def learnt(self, seen: Exhibits) -> Outcome:
        """Graph and parameters, under any name, tell kinds of pictures apart that nobody has seen."""
        seen.evidence.text("ended", "a job that ends well")
        labels = seen.challenge.withheld["labels"]
        answers = seen.evidence.array("computed", (len(labels), 10), "probabilities of ten digits")
        share = float((answers.argmax(axis=1) == labels).mean())
        return expect(share >= LEARNT, f"at least {LEARNT:.0%} of fresh pictures right", f"{share:.0%}")

    @criterion(
        1,
        "The container's default handler serves it",
        "The container loads three files and knows them by name. What are they called, and what is in the third?",
        rests_on="learnt",
    )
    def served(self, seen: Exhibits) -> Outcome:
        """The network's answers from the three default files."""
        wanted = seen.evidence.array("computed")
        got = seen.evidence.array("served", wanted.shape, f"probabilities {few(wanted[0])}")
        return expect(np.allclose(got, wanted, atol=NEAR), f"probabilities {few(wanted[0])}", few(got[0]))

    @criterion(
        1,
        "It trains as the old script does",
        "Run both on the same data and compare their last lines. Are the seeds set first, and all settings the same?",
    )
    def same(self, seen: Exhibits) -> Outcome:
        """The loss that the log tells of a job without hyperparameters."""
        return _same_loss(seen, "job")

    @criterion(
        1,
        "Hyperparameters come from the command line",
        "Is each of the five read, of the type it needs, and used?",
    )
    def arguments(self, seen: Exhibits) -> Outcome:
        """The loss that the log tells of a job with hyperparameters."""
        return _same_loss(seen, "tuned")

    @criterion(
        1,
        "The script runs on your own machine too",
        "Outside a container nobody sets SM_ variables. Which folders take their place, and do they exist?",
        rests_on="learnt",
    )
    def local(self, seen: Exhibits) -> Outcome:
        """A job without SM_ variables ends well, with files in the folder model."""
        seen.evidence.text("local", "a run without SM_ variables that ends well")
        files = seen.evidence.items("local_files")
        return expect(bool(files), "files in the folder model", files or "nothing there")

    @criterion(
        1,
        "It can be imported without training",
        "A serving container imports your script too. What runs when somebody only says import train?",
        rests_on="learnt",
    )
    def importable(self, seen: Exhibits) -> Outcome:
        """Nothing raised where there is no data, and nothing written."""
        left = seen.evidence.items("imported", "an import that does nothing")
        return expect(not left, "nothing read, nothing written", left or "nothing read, nothing written")


def probe_saved(given: Mapping[str, Any]) -> Record:
    """Evidence about saved files, from a process that has not seen the script."""
    record, folder, fresh = Record(), Path(given["folder"]), given["fresh"]

    def somehow() -> np.ndarray:
        """From the default files, or else from whatever there is."""
        symbols, params = sorted(folder.rglob("*symbol*.json")), sorted(folder.rglob("*.params"))
        if not symbols or not params:
            there = ", ".join(sorted(p.name for p in folder.rglob("*"))) or "nothing"
            raise FileNotFoundError(f"a graph and parameters are needed; in the model's folder: {there}")
        symbol = folder / SYMBOL if (folder / SYMBOL).is_file() else symbols[0]
        return computed(symbol, folder / PARAMS if (folder / PARAMS).is_file() else params[-1], fresh)

    record.attempt("computed", somehow)
    record.attempt("served", lambda: served_by_default(folder, fresh))
    return record


def probe_import(given: Mapping[str, Any]) -> Record:
    """What an import of the script leaves behind; runs in an empty folder, with a container's variables but no data."""
    import importlib
    import os
    import sys

    os.environ.update(given["variables"])
    sys.argv = ["serve"]
    record, folder = Record(), Path(given["variables"]["SM_MODEL_DIR"])

    def left() -> list[str]:
        importlib.import_module("train")
        return sorted({p.name for place in (folder, Path.cwd()) if place.is_dir() for p in place.iterdir()})

    record.attempt("left", left)
    return record


def _variables(root: Path, model: str) -> dict[str, str]:
    """A container's variables."""
    return {
        "SM_CHANNEL_TRAIN": str(root / "train"),
        "SM_CHANNEL_TEST": str(root / "test"),
        "SM_MODEL_DIR": str(root / model),
        "SM_OUTPUT_DATA_DIR": str(root / "output"),
        "SM_NUM_GPUS": "0",
        "SM_HOSTS": '["algo-1"]',
        "SM_CURRENT_HOST": "algo-1",
    }


def _ended(job: Ended) -> Any:
    return {"raised": job.trouble} if job.trouble else "ended well"


def _loss(job: Ended) -> Any:
    """The last cross entropy that a job's log tells of, or why there is none."""
    told = re.findall(r"cross-entropy\s*[=:]?\s*(\d+\.\d+)", job.output)
    if job.trouble or not told:
        return {"raised": job.trouble or "no line 'test accuracy=… cross-entropy=…' in the log"}
    return float(told[-1])


def _same_loss(seen: Exhibits, key: str) -> Outcome:
    wanted = seen.reference.number(key)
    got = seen.evidence.number(key, f"cross-entropy={wanted:.5f} in the log")
    return expect(abs(got - wanted) < NEAR, f"cross-entropy={wanted:.5f}", f"cross-entropy={got:.5f}")
