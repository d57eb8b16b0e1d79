"""The model that both sides serve, and the scripts that train and serve it on SageMaker."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

UNIT = Path(__file__).parents[3] / "solutions/moons/source"  # not in what students have
OWN = Path(__file__).with_name("scripts")
HYPERPARAMETERS = {"epochs": 80, "hidden_dim": 20}
POINTS = [[0.5, -0.25]]  # what every request of the comparison asks about


def scripts() -> Path:
    """The folder of `train.py` and `predict.py`: those of the moons unit, or else the bench's own."""
    return UNIT if UNIT.is_dir() else OWN


def write_data(folder: Path) -> None:
    """Write `train.csv`: the label, then two features."""
    from sklearn.datasets import make_moons

    x, y = make_moons(400, noise=0.25, random_state=0)
    np.savetxt(folder / "train.csv", np.column_stack([y, x]), delimiter=",")


def train(data: Path, folder: Path, **more: int) -> None:
    """Train in a process of its own, without SageMaker."""
    given = [f"--{name}={value}" for name, value in {**HYPERPARAMETERS, **more}.items()]
    places = [f"--data_dir={data}", f"--model_dir={folder}"]
    environment = {**os.environ, "OMP_WAIT_POLICY": "PASSIVE"}
    command = [sys.executable, scripts() / "train.py", *given, *places]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)


def scores(folder: Path) -> list[list[float]]:
    """What the trained model answers for POINTS, computed beside both servers."""
    program = (
        "import json, sys; sys.path.insert(0, sys.argv[1]); import predict, numpy as np;"
        "model = predict.model_fn(sys.argv[2]);"
        "print(json.dumps(predict.predict_fn(np.float32(json.loads(sys.argv[3])), model).tolist()))"
    )
    command = [sys.executable, "-c", program, str(scripts()), str(folder), json.dumps(POINTS)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
