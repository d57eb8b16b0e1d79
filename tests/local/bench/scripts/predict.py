"""Serves what `train.py` saved."""

from pathlib import Path
from typing import Any

import numpy as np
import torch


def model_fn(model_dir: str) -> Any:
    """The fitted features."""
    return torch.jit.load(Path(model_dir, "model.pt"))


def predict_fn(data: Any, model: Any) -> np.ndarray:
    """Scores, shape (n, 1)."""
    return model(torch.as_tensor(data)).numpy()
