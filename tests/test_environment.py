"""The environment: one place for versions, and imports that work in a fresh process."""

import re
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
REQUIREMENTS = [
    Requirement(line)
    for line in [*PROJECT["dependencies"], *(r for extra in PROJECT["optional-dependencies"].values() for r in extra)]
    if not line.startswith("byom[")
]


@pytest.mark.parametrize("requirement", REQUIREMENTS, ids=lambda r: r.name)
def test_every_requirement_is_pinned_and_is_what_runs_here(requirement: Requirement) -> None:
    (pin,) = requirement.specifier
    assert pin.operator == "=="
    if requirement.marker is None or requirement.marker.evaluate():
        assert version(requirement.name).split("+")[0] == pin.version


@pytest.mark.parametrize(
    ("system", "machine", "expected"),
    [
        ("linux", "x86_64", True),
        ("linux", "aarch64", True),
        ("darwin", "x86_64", True),
        ("darwin", "arm64", False),
        ("win32", "AMD64", False),
    ],
)
def test_mxnet_is_asked_for_only_where_it_has_a_wheel(system: str, machine: str, expected: bool) -> None:
    platform = {"sys_platform": system, "platform_machine": machine}
    asked = {r.name: r.marker is None or r.marker.evaluate(platform) for r in REQUIREMENTS}
    assert {asked[n] for n in ("mxnet", "sagemaker-mxnet-training", "sagemaker-mxnet-inference")} == {expected}
    assert asked["torch"] and asked["sagemaker"]


def test_conda_installs_the_package_and_names_no_version_of_its_own() -> None:
    text = (ROOT / "environment.yml").read_text()
    assert "python=3.11" in text
    assert "-e .[dev]" in text
    assert len(re.findall(r"[=<>]=?\d", text)) == 1  # Python's


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd="/")
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_torchvision_imports_beside_this_torch_and_its_models_work() -> None:
    out = run("from torchvision import datasets, models, transforms; print(models.resnet18(weights=None).fc)")
    assert "out_features=1000" in out


def test_torchvision_is_found_although_torch_was_imported_first() -> None:
    assert run("import torch, torchvision; print(torchvision.ops.nms.__name__)").strip() == "nms"


def test_start_up_imports_neither_torch_nor_numpy() -> None:
    assert run("import byom, sys; print({'torch', 'numpy', 'torchvision'} & set(sys.modules))").strip() == "set()"


@pytest.mark.skipif(
    not any(r.name == "mxnet" and r.marker.evaluate() for r in REQUIREMENTS), reason="no mxnet wheel here"
)
def test_mxnet_imports_and_computes() -> None:
    assert run("import mxnet as mx; print(mx.nd.ones((2, 3)).sum().asscalar())").strip() == "6.0"
