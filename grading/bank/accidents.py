"""Mishaps: work that arrives damaged, with nothing bad meant. What was answered counts, and the reason is told."""

import json
from pathlib import Path

import nbformat

from grading.bank.attacks import FIRST, attack
from grading.bank.submission import Submission
from grading.run import ROOT


@attack("checks deleted", "first", says={FIRST: "was missing and was put back"})
def check_deleted(hand: Submission) -> None:
    for check in hand.checks:
        hand.book.cells.remove(hand.check(check.name))


@attack("solution moved below its check", "first", says={FIRST: "stood before its answer"})
def moved_below(hand: Submission) -> None:
    hand.move(hand.answer(hand.exercise), len(hand.book.cells))


@attack("everything in reverse order", "first", says={FIRST: "stood before its answer"})
def reversed_order(hand: Submission) -> None:
    imports, *rest = hand.book.cells
    hand.book.cells = [imports, *reversed(rest)]


@attack("check duplicated", "first", says={FIRST: "there 2 times"})
def check_duplicated(hand: Submission) -> None:
    hand.book.cells.append(nbformat.from_dict(json.loads(json.dumps(hand.check(hand.exercise)))))


@attack("answer duplicated, the first copy left as it was", "first", says={FIRST: "copies"})
def answer_duplicated(hand: Submission) -> None:
    copy = nbformat.from_dict(json.loads(json.dumps(hand.answer(hand.exercise))))
    copy.source = f"def {hand.exercise}(*_):\n    raise NotImplementedError()"
    hand.book.cells.insert(1, copy)


@attack("check edited", "first", says={FIRST: "edited and was put back"})
def check_edited(hand: Submission) -> None:
    hand.check(hand.exercise).source = f"# check('{hand.exercise}', {hand.exercise})"


@attack(
    "answer and check tagged to be skipped, the answer turned into text", "first", says={FIRST: "had become markdown"}
)
def retagged(hand: Submission) -> None:
    for cell in (hand.answer(hand.exercise), hand.check(hand.exercise)):
        cell.metadata.tags = ["sagemaker"]
    cell = hand.answer(hand.exercise)
    cell.cell_type = "markdown"
    del cell["outputs"], cell["execution_count"]


@attack("answer deleted", "first", loses={FIRST: "is missing"})
def answer_deleted(hand: Submission) -> None:
    hand.book.cells.remove(hand.answer(hand.exercise))


@attack("all metadata lost", "first", says={FIRST: "lost its mark"})
def metadata_lost(hand: Submission) -> None:
    for cell in hand.book.cells:
        cell.metadata, cell.id = nbformat.NotebookNode(), f"new-{cell.id[:40]}"


@attack("errors, questions and shadowed names in cells of its own", "first")
def errors_elsewhere(hand: Submission) -> None:
    hand.begin("undefined_name")
    hand.begin("this is no Python")
    hand.begin("name = input('Your name? ')")
    hand.before(hand.check(hand.exercise), "check = byom = display = None\nimport sys; print(sys.path[:1])")


@attack("another kernel", "first", says={FIRST: "it was run with Python"})
def other_kernel(hand: Submission) -> None:
    hand.book.metadata = nbformat.from_dict(
        {
            "kernelspec": {"name": "ir", "display_name": "R", "language": "R"},
            "language_info": {"name": "R"},
        }
    )


@attack("a notebook of version 3", "first", says={FIRST: "version 3"})
def version_three(hand: Submission) -> None:
    old = nbformat.convert(hand.book, 3)
    hand.files[hand.notebook] = nbformat.writes(old, version=3)


@attack("a notebook that is not JSON", "first", loses={FIRST: "not JSON"})
def not_json(hand: Submission) -> None:
    hand.files[hand.notebook] = nbformat.writes(hand.book)[:-100]


@attack("an empty notebook", "first", loses={FIRST: "it is empty"})
def empty(hand: Submission) -> None:
    hand.files[hand.notebook] = ""


@attack("a notebook without cells", "first", loses={FIRST: "it has no cells"})
def no_cells(hand: Submission) -> None:
    hand.book.cells = []


@attack("no notebook", "first", loses={FIRST: "No notebook was handed in"}, on_disk=lambda f: _notebook(f).unlink())
def no_notebook(hand: Submission) -> None:
    pass


@attack(
    "the notebook renamed by a browser",
    "first",
    says={FIRST: "which was used"},
    on_disk=lambda f: _notebook(f).rename(f / f"{f.name} (1) – Kopie.ipynb"),
)
def renamed(hand: Submission) -> None:
    pass


@attack("Ünïcödé and   spaces 名前", "first")
def names(hand: Submission) -> None:
    hand.files["my notes/größe 名.txt"] = "hello"


def _link_notebook(folder: Path) -> None:
    _notebook(folder).unlink()
    _notebook(folder).symlink_to(ROOT / "solutions" / folder.name / f"{folder.name}.ipynb")


@attack("a link to the worked notebook", "first", loses={FIRST: "is a link"}, on_disk=_link_notebook)
def linked_notebook(hand: Submission) -> None:
    pass


def _link_scripts(folder: Path) -> None:
    (folder / "source").symlink_to(ROOT / "solutions" / folder.name / "source")
    (folder / "answers.py").symlink_to(ROOT / "solutions" / folder.name / f"{folder.name}.py")


@attack("links to the solved scripts", "first", on_disk=_link_scripts)
def linked_scripts(hand: Submission) -> None:
    hand.begin("print(open('answers.py').read())")


def _link_all(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    folder.symlink_to(ROOT / "solutions" / folder.name)


@attack("a link in place of the folder", "first", loses={FIRST: "is a link"}, on_disk=_link_all)
def linked_folder(hand: Submission) -> None:
    pass


def _read_only(folder: Path) -> None:
    for path in (*folder.rglob("*"), folder):
        path.chmod(0o555 if path.is_dir() else 0o444)


@attack("a read-only submission", "first", on_disk=_read_only)
def read_only(hand: Submission) -> None:
    pass


def _notebook(folder: Path) -> Path:
    return folder / f"{folder.name}.ipynb"
