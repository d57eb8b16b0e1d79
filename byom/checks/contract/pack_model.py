"""`pack_model`: the archive that an endpoint starts from."""

import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from byom.checks.criteria import Challenge, Check, Exhibits, Outcome, criterion, expect
from byom.checks.evidence import Record
from byom.checks.process import gather, scratch

SCRIPT = """
from parts.words import WORD

def model_fn(model_dir):
    return None

def transform_fn(model, body, content_type, accept):
    return WORD
"""

LONGEST = 200
"""Characters of a file that are looked at."""


class PackModel(Check):
    """`pack_model`: the archive that an endpoint starts from."""

    name = "pack_model"
    answer = "notebook"
    needs_reference = False

    def challenge(self, rng: np.random.Generator) -> Challenge:
        """A model of two files, one of them in a folder, and scripts that import each other."""
        tags = [f"{tag:06d}" for tag in rng.choice(10**6, size=5, replace=False).tolist()]
        return Challenge(
            {
                "model": {f"weights-{tags[0]}.params": tags[1], f"words/{tags[2]}.txt": tags[3]},
                "code": {
                    "inference.py": SCRIPT,
                    "parts/__init__.py": "",
                    "parts/words.py": f"WORD = '{tags[4]}'",
                },
                "word": tags[4],
            }
        )

    def probe(self, learner: Any, given: Mapping[str, Any]) -> Record:
        """What the archive holds in four situations, and what a container makes of it."""
        record = Record()

        def pack(root: Path, archive: Path) -> dict[str, str]:
            learner(str(root / "my_model"), str(root / "scripts"), str(archive))
            return _files(archive)

        with scratch() as plain, scratch() as again, scratch() as inside, scratch() as linked:
            for root in (plain, again, inside, linked):
                _write(root / "my_model", given["model"])
                _write(root / "scripts", given["code"])
            archive = plain / "model.tar.gz"
            if record.attempt("plain", lambda: pack(plain, archive)) is None:
                record["served"] = record["plain"]
            else:
                record.update(_served(archive))

            def repeated() -> dict[str, str]:
                pack(again, again / "model.tar.gz")
                for file in (again / "my_model" / "words").iterdir():
                    file.unlink()
                (again / "scripts" / "parts" / "words.py").unlink()
                return pack(again, again / "model.tar.gz")

            record.attempt("again", repeated)
            own = inside / "my_model" / "model.tar.gz"
            record.attempt("inside", lambda: (pack(inside, own), pack(inside, own))[1])
            (linked / "scripts").rename(linked / "elsewhere")
            (linked / "scripts").symlink_to("elsewhere")
            record.attempt("linked", lambda: pack(linked, linked / "model.tar.gz"))
        return record

    @criterion(
        1,
        "The model's files stand at the top of the archive",
        "List the archive: tarfile.open(…).getnames(). Where would a container that unpacks it find your files?",
    )
    def model_files(self, seen: Exhibits) -> Outcome:
        """Each with its content, and no folder around them."""
        files, wanted = seen.evidence.mapping("plain", "an archive"), seen.challenge.given["model"]
        met = all(files.get(name) == content for name, content in wanted.items())
        return expect(met, ", ".join(wanted), ", ".join(map(str, files)) or "nothing")

    @criterion(
        1,
        "A container finds the scripts and runs them",
        "Scripts are imported from code/, modules in folders as well. And what does the z in tar -czf mean?",
    )
    def scripts(self, seen: Exhibits) -> Outcome:
        """What a script answers, with a word from a module that it imports."""
        return expect(
            seen.evidence.text("served", "a container that answers") == seen.challenge.given["word"],
            seen.challenge.given["word"],
            seen.evidence.text("served"),
        )

    @criterion(
        1,
        "A second run replaces the archive",
        "Delete a file, pack again, list the archive. Is the file gone?",
        rests_on="model_files",
    )
    def again(self, seen: Exhibits) -> Outcome:
        """What was deleted in between is in it no more; all else is."""
        plain = seen.evidence.mapping("plain", "an archive")
        gone = ("words.py", *(name for name in _names(seen) if "words/" in name))
        wanted = {name: content for name, content in plain.items() if not name.endswith(gone)}
        return _same(seen, "again", wanted)

    @criterion(
        1,
        "The archive isn't packed into itself",
        "Write it into the model's folder. When you pack, which files are in that folder?",
        rests_on="model_files",
    )
    def inside(self, seen: Exhibits) -> Outcome:
        """The same files when the archive lies in the model's folder, and did so before."""
        return _same(seen, "inside", seen.evidence.mapping("plain", "an archive"))

    @criterion(
        1,
        "A link to a folder is packed as the folder's files",
        "The folder source beside the notebook is a link. Your computer follows it; can the container?",
        rests_on="model_files",
    )
    def linked(self, seen: Exhibits) -> Outcome:
        """The same files when the scripts' folder is a link."""
        return _same(seen, "linked", seen.evidence.mapping("plain", "an archive"))


def _names(seen: Exhibits) -> list[str]:
    return list(seen.challenge.given["model"])


def _same(seen: Exhibits, situation: str, wanted: Mapping[str, str]) -> Outcome:
    """Judged against the files of the plain situation: what is wrong with those costs once."""
    files = seen.evidence.mapping(situation, "an archive")
    return expect(files == wanted, f"{len(wanted)} files: {', '.join(wanted)}", ", ".join(map(str, files)))


def _write(folder: Path, files: Mapping[str, str]) -> None:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)


def _files(archive: Path) -> dict[str, str]:
    """The names and contents of an archive's files, and of its links; folders have no entry."""
    files = {}
    with tarfile.open(archive) as tar:
        for member in tar:
            if not member.isdir() and "__pycache__" not in member.name:
                content = tar.extractfile(member) if member.isfile() else None
                text = content.read(LONGEST).decode(errors="replace") if content else "a link"
                files[member.name.removeprefix("./")] = text
    return files


def _served(archive: Path) -> Record:
    """What a container answers that starts from the archive."""
    from byom.local.archives import unpack

    record = Record()
    with scratch() as folder:
        record.whole(lambda: unpack(archive, folder))
        if not record:
            record = gather(probe_container, folder / "code" / "inference.py", {"model_dir": str(folder)}, seconds=30)
    return Record(served=record.get("served", record.get("*")))


def probe_container(given: Mapping[str, Any]) -> Record:
    """The answer of the container's script; runs where that can be imported."""
    from sagemaker_pytorch_serving_container.handler_service import HandlerService

    from byom.local.serving import Context

    record = Record()
    context, service = Context(Path(given["model_dir"])), HandlerService()
    context.begin({"Content-Type": "application/json", "Accept": "application/json"})

    def answer() -> str:
        service.initialize(context)
        return str(service.handle([{"body": b"[]"}], context)[0])

    record.attempt("served", answer)
    return record
