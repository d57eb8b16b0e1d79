"""Fits random features to `train.csv` by least squares, and saves them as TorchScript."""

import argparse
import os
from pathlib import Path

import numpy as np
import torch


class Features(torch.nn.Module):
    """Waves in random directions, and their weights."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.directions, self.phases, self.weights = torch.randn(2, width), torch.randn(width), torch.zeros(width, 1)

    def waves(self, points: torch.Tensor) -> torch.Tensor:
        """Shape (n, width)."""
        return torch.cos(points @ self.directions + self.phases)

    def forward(self, points: torch.Tensor) -> torch.Tensor:
        """Scores, shape (n, 1), of points, shape (n, 2)."""
        return self.waves(points) @ self.weights


parser = argparse.ArgumentParser()
parser.add_argument("--hidden_dim", type=int, required=True)
parser.add_argument("--data_dir", default=os.environ.get("SM_CHANNEL_TRAIN"))
parser.add_argument("--model_dir", default=os.environ.get("SM_MODEL_DIR"))
given, _ = parser.parse_known_args()
torch.manual_seed(1)
values = torch.from_numpy(np.loadtxt(Path(given.data_dir, "train.csv"), delimiter=",", dtype=np.float32))
features = Features(given.hidden_dim)
features.weights = torch.linalg.lstsq(features.waves(values[:, 1:]), values[:, :1]).solution
Path(given.model_dir).mkdir(parents=True, exist_ok=True)
torch.jit.save(torch.jit.script(features), Path(given.model_dir, "model.pt"))
