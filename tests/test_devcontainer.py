"""The development container: what it names exists, and agrees with what stands elsewhere. It is not built here."""

import json
import re
import tomllib
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet

from byom.local.lifecycle import DEFAULT_PORT

ROOT = Path(__file__).parents[1]
DOCKERFILE = (ROOT / ".devcontainer" / "Dockerfile").read_text(encoding="utf-8")
PAGE = (ROOT / "docs" / "devcontainer.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def settings() -> dict:
    """devcontainer.json, which is JSON with comments."""
    text = (ROOT / ".devcontainer" / "devcontainer.json").read_text(encoding="utf-8")
    strings_and_comments = re.compile(r'("(?:[^"\\]|\\.)*")|//[^\n]*')
    return json.loads(strings_and_comments.sub(lambda found: found[1] or "", text))


def test_it_is_built_and_run_for_intel_processors(settings: dict) -> None:
    assert (ROOT / ".devcontainer" / settings["build"]["dockerfile"]).is_file()
    assert "--platform=linux/amd64" in settings["build"]["options"]
    assert "--platform=linux/amd64" in settings["runArgs"]


def test_its_python_is_the_course_s(settings: dict) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (version,) = re.findall(r"^FROM python:([\d.]+)-", DOCKERFILE, re.MULTILINE)
    assert f"{version}.0" in SpecifierSet(project["requires-python"])
    (folder,) = re.findall(r"VIRTUAL_ENV=(\S+)", DOCKERFILE)
    assert settings["customizations"]["vscode"]["settings"]["python.defaultInterpreterPath"] == f"{folder}/bin/python"
    assert f"`{folder}`" in PAGE


def test_it_installs_the_course_as_the_readme_does_and_no_root_works_in_it(settings: dict) -> None:
    readme = (ROOT / "docs" / "student-README.md").read_text(encoding="utf-8")
    assert f".venv/bin/{settings['onCreateCommand']}\n" in readme
    assert ".venv/bin/jupyter lab notebooks\n" in readme and "    jupyter lab notebooks\n" in PAGE
    user = settings["remoteUser"]
    assert user != "root" and re.search(rf"useradd .*\b{user}\b", DOCKERFILE)
    assert DOCKERFILE.index(f"USER {user}") < DOCKERFILE.index("python -m venv")


def test_the_ports_of_jupyter_and_of_local_sagemaker_are_forwarded(settings: dict) -> None:
    assert settings["forwardPorts"] == [8888, DEFAULT_PORT]
    assert set(settings["portsAttributes"]) == {str(port) for port in settings["forwardPorts"]}
    assert f"http://127.0.0.1:{DEFAULT_PORT}" in PAGE


def test_what_frameworks_and_grading_need_of_debian_is_there() -> None:
    (packages,) = re.findall(r"install --yes --no-install-recommends (.*) \\$", DOCKERFILE, re.MULTILINE)
    assert {"bubblewrap", "libgomp1", "git", "make"} <= set(packages.split())
