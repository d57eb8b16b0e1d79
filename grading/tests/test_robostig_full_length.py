"""`make robostig` at a small size: the job, the endpoint, the closed loop, and what happens on the way out."""

import ast
import sys
from pathlib import Path

import numpy as np
import pytest

import byom.local
from byom.driving import Recipe, drive
from solutions.robostig.__main__ import HERE, host, main, train

TRAINING, UNSEEN = Recipe(1, 1, frames=10), Recipe(1, 1, frames=10, seed=1)
EPOCHS = {"epochs": 1}


def test_the_given_program_adds_mirror_images_and_fits_the_container(monkeypatch: pytest.MonkeyPatch) -> None:
    text = (HERE / "source" / "train.py").read_text(encoding="utf-8")
    ast.parse(text, feature_version=(3, 8))
    given: dict = {"__name__": "train"}
    from solutions.robostig import robostig

    monkeypatch.setitem(sys.modules, "model", robostig)
    exec(text, given)
    x, y = np.random.default_rng(0).uniform(size=(2, 3, 4, 5)), np.array([[0.1], [-0.2]])
    views, steering = given["with_mirror_images"](x, y)
    assert np.array_equal(views[:2], x) and np.array_equal(views[2:], np.flip(x, axis=3))
    assert steering.tolist() == [[0.1], [-0.2], [-0.1], [0.2]]


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BYOM_DATA_ROOT", str(tmp_path_factory.mktemp("data")))
        yield tmp_path_factory.mktemp("local")


@pytest.fixture(scope="module")
def first(state: Path):
    return main(TRAINING, EPOCHS, UNSEEN, [0], state)


def test_it_trains_hosts_and_drives_and_leaves_no_endpoint(first, state: Path) -> None:
    assert set(first.drives) == {"endpoint", "controller", "straight on"}
    (driven,) = first.drives["endpoint"]
    assert driven.failure is None and driven.seconds > 10
    session, _ = byom.local.activate(root=state)
    assert not session.sagemaker_client.list_endpoints()["Endpoints"]
    assert not session.sagemaker_client.list_models()["Models"]


def test_a_second_run_trains_nothing_again(first, state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    again = main(TRAINING, EPOCHS, UNSEEN, [0], state)
    assert again.drives == first.drives
    said = capsys.readouterr().out
    assert "R²" in said and str(again) in said
    session, _ = byom.local.activate(root=state)
    assert len(session.sagemaker_client.list_training_jobs()["TrainingJobSummaries"]) == 1


def test_an_endpoint_that_is_deleted_in_mid_drive_ends_the_drive_with_a_sentence(first, state: Path) -> None:
    session, role = byom.local.activate(root=state)
    predictor = host(train(session, role, TRAINING, EPOCHS))
    looks = 0

    def steer(view: np.ndarray) -> float:
        nonlocal looks
        looks += 1
        if looks == 11:
            predictor.delete_model()
            predictor.delete_endpoint()
        return float(np.clip(predictor.predict(view), -1, 1).item())

    done = drive(0, steer)
    assert done.seconds == pytest.approx(0.4) and done.score > 0
    assert done.failure is not None and "\n" not in done.failure and done.failure.endswith("not found.")
    assert predictor.endpoint_name in done.failure
