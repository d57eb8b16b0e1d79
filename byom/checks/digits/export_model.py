"""`export_model`: the files of a trained Module, and the archive that an endpoint starts from."""

import os
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal
from unittest.mock import patch

import numpy as np

from byom.checks.artifacts import PARAMS, SHAPES, SYMBOL, computed, served_by_default
from byom.checks.criteria import Challenge, Check, Exhibits, Outcome, criterion, expect
from byom.checks.evidence import Record, few
from byom.checks.process import scratch
from byom.require import no_mxnet

NEAR = 1e-5
"""How far an answer may be from the Module's own."""

FILES = sorted([SYMBOL, PARAMS, SHAPES])
LARGEST = 10_000_000
"""Bytes of a file that are unpacked; a file of the check's own network has some thousands."""


class ExportModel(Check):
    """`export_model`: the files of a trained Module, and the archive that an endpoint starts from."""

    name = "export_model"
    answer = "notebook"

    def challenge(self, rng: np.random.Generator) -> Challenge:
        """A small network for pictures of some size, normalised, its weights, and pictures for it.

        The mean and variance of the normalisation are auxiliary parameters: training doesn't reach them by gradients.
        """
        channels, rows, columns, width, outputs = (int(n) for n in rng.integers([2, 4, 4, 5, 3], [4, 9, 9, 9, 7]))

        def drawn(*shape: int) -> np.ndarray:
            return rng.normal(size=shape).astype("float32")

        return Challenge(
            {
                "batch": int(rng.integers(2, 9)),
                "hidden_weight": drawn(width, channels * rows * columns) / 4,
                "hidden_bias": drawn(width),
                "norm_gamma": np.abs(drawn(width)) + 1,
                "norm_beta": drawn(width),
                "norm_moving_mean": drawn(width),
                "norm_moving_var": np.abs(drawn(width)) + 1,
                "scores_weight": drawn(outputs, width) / 4,
                "scores_bias": drawn(outputs),
                "pictures": drawn(int(rng.integers(9, 14)), channels, rows, columns),
            }
        )

    def probe(self, learner: Any, given: Mapping[str, Any]) -> Record:
        """The answers that come from the files and from the archive, as a container gets them."""
        record, pictures = Record(), given["pictures"]
        if reason := no_mxnet():
            record.fail(reason)
            return record
        older = {**given, "scores_bias": given["scores_bias"] + 1, "scores_weight": -given["scores_weight"]}
        # or MXNet announces its backend in the learner's notebook, at every load
        with scratch() as root, patch.dict(os.environ, MXNET_SUBGRAPH_VERBOSE="0"):
            once, new, deep, again = root / "once", root / "new", root / "not" / "there", root / "again"
            for folder in (once, again):
                folder.mkdir()
                (folder / "notes.txt").write_text("what else lies there")

            def export() -> tuple[Path, Any]:
                try:
                    return once, learner(_module(given), once)
                except OSError:  # a folder that is there costs a criterion below, and no more
                    return new, learner(_module(given), new)

            exported = record.whole(export)
            if exported is None:
                return record
            folder, returned = exported
            record.attempt("files", lambda: computed(folder / SYMBOL, folder / PARAMS, pictures))
            record.attempt("served", lambda: served_by_default(folder, pictures))
            record.attempt("members", lambda: _members(_archive(folder, returned)))
            record.attempt("archive", lambda: _packed(_archive(folder, returned), "r:gz", pictures))
            record.attempt("returned", lambda: _told(returned, folder))

            def missing() -> np.ndarray:
                learner(_module(given), str(deep))
                return computed(deep / SYMBOL, deep / PARAMS, pictures)

            def replaced() -> np.ndarray:
                learner(_module(older), again)
                packed = _archive(again, learner(_module(given), again))
                record["files_again"] = computed(again / SYMBOL, again / PARAMS, pictures)
                return _packed(packed, "r:*", pictures)

            record.attempt("missing", missing)
            record.attempt("replaced", replaced)
        return record

    @criterion(
        1,
        "Graph and parameters make the network again",
        "Two of the files hold them. Are all parameters in, those that training doesn't change by gradients too?",
    )
    def files(self, seen: Exhibits) -> Outcome:
        """The network's answers from ``model-symbol.json`` and ``model-0000.params`` in the folder."""
        return _same_answers(seen, "files")

    @criterion(
        1,
        "The container's default handler serves the files",
        "The third file tells which inputs the network wants. What are they called, and which shapes have they?",
        rests_on="files",
    )
    def served(self, seen: Exhibits) -> Outcome:
        """The same answers from the container's own handler, which reads ``model-shapes.json`` as well."""
        return _same_answers(seen, "served")

    @criterion(
        1,
        "The archive holds the three files and nothing else",
        "List the archive's members with tarfile. Are there folders among them, or in front of a name?",
        rests_on="files",
    )
    def members(self, seen: Exhibits) -> Outcome:
        """Three plain files under their bare names, whatever else is in the folder."""
        members = seen.evidence.items("members", "an archive")
        return expect(members == FILES, ", ".join(FILES), ", ".join(map(str, members)) or "an empty archive")

    @criterion(
        1,
        "What the archive holds makes the network again",
        "The container knows nothing but the archive. Is it compressed as its name says, and written to its end?",
        rests_on="files",
    )
    def archive(self, seen: Exhibits) -> Outcome:
        """The same answers from the files of the archive, wherever in it they are."""
        return _same_answers(seen, "archive")

    @criterion(
        1,
        "A missing folder is made",
        "Call it with the name of a folder that isn't there, inside another that isn't.",
        rests_on="files",
    )
    def missing(self, seen: Exhibits) -> Outcome:
        """The same answers from the files in a new folder, given as text."""
        return _same_answers(seen, "missing")

    @criterion(
        1,
        "A second export replaces the first",
        "Run the cell twice, with two models. Whose files are in the folder then, and whose in the archive?",
        rests_on="files",
    )
    def replaced(self, seen: Exhibits) -> Outcome:
        """The same answers from the folder where another network's files were, and from the archive there."""
        files = _same_answers(seen, "files_again")
        return _same_answers(seen, "replaced") if files.met else files

    @criterion(
        1,
        "It returns the archive's path",
        "Upload wants to know where the archive is. What is its name, and in which folder does it lie?",
        rests_on="files",
    )
    def returned(self, seen: Exhibits) -> Outcome:
        """``model.tar.gz`` in the folder that was asked for."""
        told = seen.evidence.text("returned", "the path of model.tar.gz in the folder")
        return expect(told == "model.tar.gz", "model.tar.gz in the folder", told)


def _module(given: Mapping[str, Any]) -> Any:
    """A Module with the weights in ``given``, as training leaves it."""
    import mxnet as mx

    pixels = mx.sym.Flatten(data=mx.sym.Variable("data"))
    x = mx.sym.FullyConnected(pixels, num_hidden=len(given["hidden_bias"]), name="hidden")
    x = mx.sym.relu(mx.sym.BatchNorm(x, fix_gamma=False, name="norm"))
    x = mx.sym.FullyConnected(x, num_hidden=len(given["scores_bias"]), name="scores")
    module = mx.mod.Module(mx.sym.SoftmaxOutput(x, name="softmax"))
    shape = (given["batch"], *given["pictures"].shape[1:])
    module.bind([("data", shape)], [("softmax_label", shape[:1])])
    trained = {name: mx.nd.array(given[name]) for name in given if name.startswith(("hidden", "norm", "scores"))}
    auxiliary = {name: trained.pop(name) for name in ("norm_moving_mean", "norm_moving_var")}
    module.init_params(arg_params=trained, aux_params=auxiliary)
    module.init_optimizer()
    return module


def _archive(folder: Path, returned: Any) -> Path:
    """The archive that was made: where the answer says it is, or else in the folder."""
    if isinstance(returned, str | os.PathLike) and Path(returned).is_file():
        return Path(returned)
    found = sorted(folder.rglob("*.tar*"))
    if not found:
        there = ", ".join(sorted(p.name for p in folder.rglob("*"))) or "nothing"
        raise FileNotFoundError(f"no archive is there; in the folder: {there}")
    return found[0]


def _members(packed: Path) -> list[str]:
    """What is in an archive: names of files, and of anything else with its kind."""
    with tarfile.open(packed) as archive:
        return sorted(
            member.name.removeprefix("./") if member.isfile() else f"{member.name} (no file)" for member in archive
        )


def _packed(packed: Path, mode: Literal["r:gz", "r:*"], pictures: np.ndarray) -> np.ndarray:
    """What graph and parameters in an archive give for pictures, whatever folder of it they are in."""
    with scratch() as folder:
        with tarfile.open(packed, mode) as archive:
            for member in archive:
                content = archive.extractfile(member) if member.isfile() else None
                if content is not None:
                    (folder / Path(member.name).name).write_bytes(content.read(LARGEST))
        return computed(folder / SYMBOL, folder / PARAMS, pictures)


def _told(returned: Any, folder: Path) -> str:
    """A path as seen from the folder."""
    path = Path(os.path.realpath(os.fspath(returned)))
    home = Path(os.path.realpath(folder))
    return path.relative_to(home).as_posix() if path.is_relative_to(home) else str(path)


def _same_answers(seen: Exhibits, key: str) -> Outcome:
    wanted = seen.reference.array(key)
    got = seen.evidence.array(key, wanted.shape, f"the network's answers {few(wanted[0])}")
    met = np.allclose(got, wanted, rtol=NEAR, atol=NEAR)
    return expect(met, f"the network's answers {few(wanted[0])}", few(got[0]))
