"""Intake: whatever is handed in becomes a folder of plain files with a readable notebook, and a note on the rest."""

import json
import os
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from byom.checks.unit import unit
from grading import intake, notebook
from grading.intake import Received, receive, scripts

MOONS = unit("moons")
SCRIPTS = scripts(MOONS)


@pytest.fixture
def handed_in(tmp_path: Path) -> Path:
    """A whole submission: a notebook of one cell, and every script."""
    folder = tmp_path / "class" / "ana" / "moons"
    for script in SCRIPTS:
        (folder / script).parent.mkdir(parents=True, exist_ok=True)
        (folder / script).write_text(f"# {script}\n")
    nbformat.write(new_notebook(cells=[new_code_cell("x = 1")]), folder / "moons.ipynb")
    return folder


@pytest.fixture
def take(tmp_path: Path):
    def take(folder: Path) -> tuple[Received, nbformat.NotebookNode, set[str]]:
        into = tmp_path / f"into-{len(list(tmp_path.iterdir()))}"
        received = receive(folder, MOONS, into)
        book = nbformat.read(into / "moons.ipynb", as_version=4)
        nbformat.validate(book)
        paths = [path for path in into.rglob("*") if not path.is_dir()]
        assert not any(path.is_symlink() or not path.is_file() for path in paths)
        return received, book, {path.relative_to(into).as_posix() for path in paths}

    return take


def said(received: Received) -> str:
    return " ".join(note.text for note in received.notes)


def test_a_whole_submission_passes_unchanged(handed_in, take):
    received, book, files = take(handed_in)
    assert (received.notes, received.missing) == ([], [])
    assert [cell.source for cell in book.cells] == ["x = 1"]
    assert files == {*SCRIPTS, "moons.ipynb"}


def test_the_digest_follows_the_work_and_nothing_else(handed_in, take):
    first = take(handed_in)[0].digest
    os.utime(handed_in / "moons.ipynb", (0, 0))
    book = nbformat.read(handed_in / "moons.ipynb", as_version=4)
    book.cells[0].execution_count = 7
    nbformat.write(book, handed_in / "moons.ipynb")
    assert take(handed_in)[0].digest == first
    (handed_in / SCRIPTS[0]).write_text("# changed\n")
    assert take(handed_in)[0].digest != first


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "it is empty"),
        (b" \n", "it is empty"),
        (b"print('hello')", "it is not JSON"),
        (b"{", "it is not JSON"),
        (b"[" * 100_000, "it is not JSON"),
        (b"\xff\xfe\x00", "it is not text in UTF-8"),
        (b"[]", "it is JSON, but not a notebook"),
        (b"{}", "it has no cells"),
        (b'{"nbformat": 4, "cells": []}', "it has no cells"),
        (b'{"nbformat": 4, "cells": {"a": 1}}', "it has no cells"),
        (b'{"nbformat": 4, "cells": [1, null, {"cell_type": ["code"]}]}', "it has no cells"),
        (b'{"nbformat": 4, "cells": [' + b"1," * notebook.CELLS + b"1]}", "it has 2,001 cells"),
        (b'{"nbformat": 3, "worksheets": 5}', "an old notebook that can't be converted"),
    ],
)
def test_a_notebook_that_is_none(handed_in, take, content, why):
    (handed_in / "moons.ipynb").write_bytes(content)
    received, book, files = take(handed_in)
    assert why in said(received)
    assert received.missing == ["moons.ipynb"]
    assert book.cells == []
    assert files >= set(SCRIPTS)


def test_a_version_3_notebook_is_converted(handed_in, take):
    cell = {"cell_type": "code", "input": "x = 3", "outputs": [], "language": "python", "metadata": {}}
    old = {"nbformat": 3, "nbformat_minor": 0, "metadata": {"name": "m"}, "worksheets": [{"cells": [cell]}]}
    (handed_in / "moons.ipynb").write_text(json.dumps(old))
    received, book, _ = take(handed_in)
    assert [cell.source for cell in book.cells] == ["x = 3"]
    assert "version 3; it was converted" in said(received)
    assert received.missing == []


def test_strange_cells_and_metadata_are_cleaned():
    cells = [
        {"cell_type": "code", "source": ["a = 1\n", "b = 2"], "id": "same", "metadata": {"nbgrader": "x", "tags": 5}},
        {"cell_type": "markdown", "source": "\ud800", "id": "same", "metadata": None, "attachments": {"a": 1}},
        {"cell_type": "code", "source": 5},
        {"cell_type": "heading", "source": "x"},
        {"cell_type": "code", "source": "c", "id": "no/id", "outputs": "?", "metadata": {"nbgrader": {"grade": {}}}},
    ]
    content = json.dumps({"nbformat": 4, "cells": cells, "metadata": []}).encode()
    book, notes = notebook.read(content)
    nbformat.validate(book)
    assert notebook.read(content)[0] == book  # ids too
    assert [cell.source for cell in book.cells] == ["a = 1\nb = 2", "?", "c"]
    assert len({cell.id for cell in book.cells}) == 3
    assert book.cells[2].metadata == {"nbgrader": {}}
    assert notes == ["2 of its cells could not be read and were left out."]


@pytest.mark.parametrize(
    "metadata",
    [
        {"kernelspec": {"name": "ir", "display_name": "R", "language": "R"}},
        {"language_info": {"name": "julia"}},
    ],
)
def test_another_language_is_said(metadata):
    cell = {"cell_type": "code", "source": "1"}
    book, notes = notebook.read(json.dumps({"nbformat": 4, "cells": [cell], "metadata": metadata}).encode())
    assert "it was run with Python" in notes[0]
    assert book.metadata.kernelspec.name == "python3"


def test_a_python_kernel_of_another_name_is_nothing_to_talk_about():
    metadata = {"kernelspec": {"name": "conda_pytorch_p36", "language": "python"}, "language_info": {"name": "python"}}
    cell = {"cell_type": "code", "source": "1"}
    assert notebook.read(json.dumps({"nbformat": 4, "cells": [cell], "metadata": metadata}).encode())[1] == []


def test_outputs_of_a_huge_notebook_are_cut_before_parsing(handed_in, take):
    image = {"output_type": "display_data", "metadata": {}, "data": {"image/png": "A" * (notebook.PARSED + 1)}}
    tricky = {"output_type": "stream", "name": "stdout", "text": ['\\"outputs": [', "]]}}", '"']}
    cells = [
        {"cell_type": "code", "source": 'outputs = {"outputs": [1, 2]}\nprint("]")', "outputs": [image, tricky]},
        {"cell_type": "markdown", "source": '"outputs": ['},
        {"outputs": [], "cell_type": "code", "source": "y = 2"},
    ]
    (handed_in / "moons.ipynb").write_text(json.dumps({"nbformat": 4, "cells": cells}))
    received, book, _ = take(handed_in)
    assert [cell.source for cell in book.cells] == [cell["source"] for cell in cells]
    assert "its outputs were dropped" in said(received)
    assert received.missing == []


def test_a_notebook_too_huge_to_look_at_is_refused(handed_in, take):
    with (handed_in / "moons.ipynb").open("wb") as file:
        file.truncate(notebook.ACCEPTED + 1)
    received, book, _ = take(handed_in)
    assert "it has more than 50 MB" in said(received)
    assert book.cells == []


def test_a_notebook_of_endless_text_is_refused(handed_in, take):
    nbformat.write(new_notebook(cells=[new_code_cell("#" * (notebook.WRITTEN + 1))]), handed_in / "moons.ipynb")
    received, book, _ = take(handed_in)
    assert "more than 1,000,000 are not read" in said(received)
    assert book.cells == []


@pytest.mark.parametrize("name", ["moons (1).ipynb", "Moons.ipynb", "homework.ipynb", "モデル.ipynb"])
def test_the_only_notebook_is_used_whatever_its_name(handed_in, take, name):
    (handed_in / "moons.ipynb").rename(handed_in / name)
    received, book, files = take(handed_in)
    assert [cell.source for cell in book.cells] == ["x = 1"]
    assert f"handed in as {name}, which was used" in said(received)
    assert name not in files


def test_of_several_notebooks_the_one_named_after_the_unit_is_used(handed_in, take):
    (handed_in / "moons.ipynb").rename(handed_in / "moons-Copy1.ipynb")
    (handed_in / "scratch.ipynb").write_text("not looked at")
    received, book, _ = take(handed_in)
    assert [cell.source for cell in book.cells] == ["x = 1"]
    assert "moons-Copy1.ipynb, which was used" in said(received)


def test_notebooks_that_could_all_be_meant_are_not_guessed(handed_in, take):
    (handed_in / "moons.ipynb").rename(handed_in / "moons-a.ipynb")
    (handed_in / "moons-b.ipynb").write_text("{}")
    received, book, _ = take(handed_in)
    assert "which other notebook is meant is not clear (moons-a.ipynb, moons-b.ipynb)" in said(received)
    assert received.missing == ["moons.ipynb"] and book.cells == []


def test_missing_files_are_named(handed_in, take):
    (handed_in / "moons.ipynb").unlink()
    (handed_in / SCRIPTS[0]).unlink()
    received, _, _ = take(handed_in)
    assert received.missing == [SCRIPTS[0], "moons.ipynb"]
    assert "No notebook was handed in" in said(received)


def test_a_script_that_an_upload_form_has_moved_is_found(handed_in, take):
    (handed_in / SCRIPTS[0]).rename(handed_in / Path(SCRIPTS[0]).name)
    received, _, files = take(handed_in)
    assert received.missing == []
    assert f"{SCRIPTS[0]} was handed in as {Path(SCRIPTS[0]).name}, which was used" in said(received)
    assert SCRIPTS[0] in files


def test_links_are_never_followed(handed_in, take, tmp_path):
    secret = tmp_path / "secret"
    (secret / "source").mkdir(parents=True)
    for script in SCRIPTS:
        (secret / script).write_text("answer = 42\n")
    (handed_in / SCRIPTS[0]).unlink()
    (handed_in / SCRIPTS[0]).symlink_to(secret / SCRIPTS[0])
    (handed_in / "extra").symlink_to(secret)
    (handed_in / "moons.ipynb").unlink()
    (handed_in / "moons.ipynb").symlink_to(secret / SCRIPTS[0])
    (handed_in / "broken").symlink_to("nowhere")
    received, book, files = take(handed_in)
    assert files == {*SCRIPTS[1:], "moons.ipynb"}
    assert book.cells == []
    assert said(received).count("is a link, which is not followed") == 4
    assert received.missing == [SCRIPTS[0], "moons.ipynb"]


def test_a_linked_folder_concerns_every_script_in_it(handed_in, take, tmp_path):
    (handed_in / "source").rename(tmp_path / "elsewhere")
    (handed_in / "source").symlink_to(tmp_path / "elsewhere")
    received, _, _ = take(handed_in)
    assert received.missing == SCRIPTS
    (note,) = received.notes
    assert all(note.concerns("x", script) for script in SCRIPTS)
    assert not note.concerns("make_csv", "moons.ipynb")


@pytest.mark.parametrize("which", ["submission", "student"])
def test_a_submission_that_is_itself_a_link_is_empty(handed_in, take, which, tmp_path):
    link = tmp_path / "class" / "eve" / "moons"
    if which == "student":
        link.parent.symlink_to(handed_in.parent)
    else:
        link.parent.mkdir()
        link.symlink_to(handed_in)
    received, book, files = take(link)
    assert files == {"moons.ipynb"} and book.cells == []
    assert "The submission is a link" in said(received)


def test_a_pipe_is_left_out_and_nobody_waits_for_it(handed_in, take):
    os.mkfifo(handed_in / "pipe")
    (handed_in / SCRIPTS[0]).unlink()
    os.mkfifo(handed_in / SCRIPTS[0])
    received, _, files = take(handed_in)
    assert said(received).count("is not a file and was left out") == 2
    assert "pipe" not in files and SCRIPTS[0] in received.missing


def test_a_huge_file_is_left_out(handed_in, take):
    with (handed_in / "weights.pth").open("wb") as file:
        file.truncate(intake.FILE + 1)
    received, _, files = take(handed_in)
    assert "weights.pth has 50 MB and was left out" in said(received)
    assert "weights.pth" not in files


def test_a_submission_of_very_many_files_is_bounded(handed_in, take, monkeypatch):
    monkeypatch.setattr(intake, "FILES", 10)
    for i in range(30):
        (handed_in / f"a{i:02}.txt").write_text("x")
    received, _, files = take(handed_in)
    assert len(files) == 11  # ten, and the notebook
    assert said(received).count("The submission is too large") == 1


def test_read_only_folders_are_copied_writable(handed_in, take, tmp_path):
    for path in [*handed_in.rglob("*"), handed_in]:
        path.chmod(0o500 if path.is_dir() else 0o400)
    try:
        received, _, files = take(handed_in)
    finally:
        for path in [handed_in, *handed_in.rglob("*")]:
            path.chmod(0o700)
    assert received.notes == [] and files == {*SCRIPTS, "moons.ipynb"}
    copies = [path for path in tmp_path.glob("into-*/**/*") if path.is_file()]
    assert copies and all(path.stat().st_mode & 0o200 for path in copies)


def test_names_with_spaces_unicode_and_worse(handed_in, take):
    (handed_in / "meine Notizen – ü.txt").write_text("x")
    (handed_in / "two\nlines\x1b[31m.txt").symlink_to("nowhere")
    os.close(os.open(os.fsencode(handed_in) + b"/\xff.txt", os.O_CREAT))
    received, _, files = take(handed_in)
    assert "meine Notizen – ü.txt" in files
    assert "not text in UTF-8" in said(received)
    assert said(received).isprintable()


def test_junk_is_left_out_without_a_word(handed_in, take):
    for junk in ("__pycache__/model.pyc", ".ipynb_checkpoints/moons-checkpoint.ipynb", ".git/config"):
        (handed_in / junk).parent.mkdir()
        (handed_in / junk).write_text("x")
    received, _, files = take(handed_in)
    assert received.notes == [] and files == {*SCRIPTS, "moons.ipynb"}


@pytest.mark.parametrize(
    ("time", "kept"), [("2026-11-21 10:00:00 UTC", True), ("yesterday-ish", False), ("9" * 400, False)]
)
def test_a_timestamp_that_is_none_is_left_out(handed_in, take, time, kept):
    (handed_in / "timestamp.txt").write_text(time)
    received, _, files = take(handed_in)
    assert ("timestamp.txt" in files) == kept
    assert ("timestamp.txt holds no time" in said(received)) != kept
