"""`parse_args`: what a training container tells a script."""

import contextlib
import io
import json
import os
import sys
from collections.abc import Mapping
from functools import partial
from typing import Any
from unittest.mock import patch

import numpy as np

from byom.checks.criteria import Challenge, Check, Exhibits, Outcome, criterion, expect
from byom.checks.evidence import BadEvidence, Record

DEFAULTS = {
    "epochs": 5,
    "batch_size": 64,
    "learning_rate": 0.1,
    "hidden": [32],
    "shuffle": True,
    "train": "data/train",
    "test": "data/test",
    "model_dir": "model",
    "output_data_dir": "output",
    "num_gpus": 0,
    "hosts": ["localhost"],
    "current_host": "localhost",
}
TRUTHS = {"True": True, "true": True, "1": True, "False": False, "false": False, "0": False}


class ParseArgs(Check):
    """`parse_args`: what a training container tells a script."""

    name = "parse_args"
    answer = "notebook"
    needs_reference = False

    def challenge(self, rng: np.random.Generator) -> Challenge:
        """Hyperparameters, folders and hosts of this run alone."""
        tags = [f"{tag:06d}" for tag in rng.permutation(10**6)[:7].tolist()]
        return Challenge(
            {
                "numbers": {
                    "epochs": int(rng.integers(6, 99)),
                    "batch_size": int(rng.integers(65, 999)),
                    "learning_rate": float(rng.integers(1, 99)) / 1000,
                },
                "hidden": [int(n) for n in rng.integers(40, 99, size=3)],
                "env": {
                    "SM_CHANNEL_TRAIN": f"/opt/ml/{tags[0]}/train",
                    "SM_CHANNEL_TEST": f"/opt/ml/{tags[1]}/test",
                    "SM_MODEL_DIR": f"/opt/ml/{tags[2]}/model",
                    "SM_OUTPUT_DATA_DIR": f"/opt/ml/{tags[3]}/data",
                    "SM_NUM_GPUS": str(rng.integers(1, 9)),
                    "SM_HOSTS": json.dumps([f"algo-{tags[4]}", f"algo-{tags[5]}"]),
                    "SM_CURRENT_HOST": f"algo-{tags[5]}",
                },
                "unknown": {"momentum": f"0.{tags[6]}", "sagemaker_region": "us-east-1"},
            }
        )

    def probe(self, learner: Any, given: Mapping[str, Any]) -> Record:
        """What comes back, in one situation after the other."""
        env, record = given["env"], Record()
        numbers = command_line(given["numbers"])
        hidden = command_line({"hidden": given["hidden"]})
        elsewhere = numbers, dict.fromkeys(env, "9")  # a number, a text and JSON

        def told(argv: list[str], env: Mapping[str, str], around: Any = None) -> dict[str, Any]:
            """The namespace, with the same arguments and variables around the function, unless others are named."""
            line, variables = around or (argv, env)
            clean = {name: value for name, value in os.environ.items() if not name.startswith("SM_")}
            with (
                patch.dict(os.environ, {**clean, **variables}, clear=True),
                patch.object(sys, "argv", ["train.py", *line]),
                contextlib.redirect_stderr(io.StringIO()),  # argparse explains what we ask for on purpose
            ):
                args = learner(list(argv), dict(env))
            found = {name: getattr(args, name) for name in DEFAULTS if hasattr(args, name)}
            return {name: os.fspath(v) if isinstance(v, os.PathLike) else _plain(v) for name, v in found.items()}

        record.attempt("numbers", lambda: told(numbers, env))
        record.attempt("hidden", lambda: told(hidden, env))
        record.attempt("env", lambda: told([], env))
        record.attempt("elsewhere", lambda: told([], env, around=elsewhere))
        record.attempt("nothing", lambda: told([], {}))
        unknown = command_line(given["unknown"])
        record.attempt("unknown", lambda: told([*unknown[:2], *numbers, *unknown[2:]], env))
        for text in (*TRUTHS, "perhaps"):
            record.attempt(f"shuffle {text}", partial(told, ["--shuffle", text, *numbers], env))
        return record

    @criterion(
        1,
        "Numbers come from the arguments, each with its type",
        "Arguments are text. What makes a number of one, and under which name does it arrive?",
    )
    def numbers(self, seen: Exhibits) -> Outcome:
        """Two whole numbers and a fraction."""
        return _compare(seen, "numbers", seen.challenge.given["numbers"])

    @criterion(
        1,
        "The widths of the layers are a list of numbers",
        "The list arrives as the text [40, 50]. Try list() on it. Which format is it written in?",
    )
    def hidden(self, seen: Exhibits) -> Outcome:
        """Three whole numbers."""
        return _compare(seen, "hidden", {"hidden": seen.challenge.given["hidden"]})

    @criterion(1, "False is false", 'What does bool("False") give, and why?', rests_on="numbers")
    def truth(self, seen: Exhibits) -> Outcome:
        """Six ways to write a truth value, each beside this run's numbers."""
        for text, value in TRUTHS.items():
            outcome = _compare(seen, f"shuffle {text}", {"shuffle": value})
            if not outcome.met:
                return expect(False, f"--shuffle {text}: {outcome.expected}", outcome.got)
        return outcome

    @criterion(
        1,
        "A truth value that is neither is an error",
        "Somebody mistypes. Should the job train for an hour with a guess?",
        rests_on="truth",
    )
    def neither(self, seen: Exhibits) -> Outcome:
        """An error of any kind for ``--shuffle perhaps``."""
        try:
            args = seen.evidence.mapping("shuffle perhaps")
        except BadEvidence as bad:
            return expect(bad.got != "nothing", "an error", bad.got)
        return expect(False, "an error for --shuffle perhaps", f"shuffle={args.get('shuffle')!r}")

    @criterion(
        1,
        "Folders, hosts and GPUs come from the variables of the container",
        "Print env. Which variable is for which, and what is a number or a list among these texts?",
    )
    def variables(self, seen: Exhibits) -> Outcome:
        """Four folders, the number of GPUs, all hosts, and this one."""
        env = seen.challenge.given["env"]
        wanted = {
            "train": env["SM_CHANNEL_TRAIN"],
            "test": env["SM_CHANNEL_TEST"],
            "model_dir": env["SM_MODEL_DIR"],
            "output_data_dir": env["SM_OUTPUT_DATA_DIR"],
            "num_gpus": int(env["SM_NUM_GPUS"]),
            "hosts": json.loads(env["SM_HOSTS"]),
            "current_host": env["SM_CURRENT_HOST"],
        }
        return _compare(seen, "env", wanted)

    @criterion(
        1,
        "Without arguments and variables, defaults take their place",
        "Call it with nothing, parse_args([], {}), and compare with the docstring.",
        rests_on="numbers",
    )
    def defaults(self, seen: Exhibits) -> Outcome:
        """All twelve."""
        return _compare(seen, "nothing", DEFAULTS)

    @criterion(
        1,
        "Arguments of somebody else are ignored",
        "The container may pass more than you asked for. Which method of the parser lives with that?",
        rests_on="numbers",
    )
    def ignores(self, seen: Exhibits) -> Outcome:
        """The same numbers, with two unknown arguments around them."""
        return _compare(seen, "unknown", seen.challenge.given["numbers"])

    @criterion(
        1,
        "It reads the arguments and variables it was given, not those around it",
        "Does every name in your function come from argv or env?",
    )
    def own_env(self, seen: Exhibits) -> Outcome:
        """The same namespace where arguments and variables around the function tell otherwise.

        What is wrong in both is judged above.
        """
        usual, here = (seen.evidence.mapping(key, "arguments") for key in ("env", "elsewhere"))
        fresh = {v for v in usual.values() if isinstance(v, str)} & set(seen.challenge.given["env"].values())
        changed = [name for name in usual if here.get(name) != usual[name]]
        if not fresh:
            return expect(False, "the values of env", "none of them")
        return expect(not changed, "the values of env", f"other values of {', '.join(changed)}" if changed else "them")


def command_line(settings: Mapping[str, Any]) -> list[str]:
    """Hyperparameters as the toolkit puts them on the command line."""
    return [word for key in sorted(settings) for word in (f"--{key}", str(settings[key]))]


def _plain(value: Any) -> Any:
    """Tuples as lists, numpy's numbers as Python's; what is no JSON by its type's name."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    return value if value is None or isinstance(value, str | int | float | bool) else f"a {type(value).__name__}"


def _compare(seen: Exhibits, key: str, wanted: Mapping[str, Any]) -> Outcome:
    """Whether the namespace has these values, of these types."""
    args = seen.evidence.mapping(key, "a namespace with " + ", ".join(wanted))
    wrong = [name for name, value in wanted.items() if not _same(args.get(name), value)]
    names = wrong or list(wanted)
    return expect(
        not wrong,
        ", ".join(f"{name}={wanted[name]!r}" for name in names),
        ", ".join(f"{name}={args[name]!r}" if name in args else f"no {name}" for name in names),
    )


def _same(got: Any, wanted: Any) -> bool:
    if isinstance(wanted, list):
        return isinstance(got, list) and len(got) == len(wanted) and all(map(_same, got, wanted))
    return type(got) is type(wanted) and got == wanted
