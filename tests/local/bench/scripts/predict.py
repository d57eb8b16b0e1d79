"""Serves the network."""

from pathlib import Path

import numpy as np
import torch
from model import Net


def model_fn(model_dir: str) -> Net:
    """The trained network."""
    saved = torch.load(Path(model_dir, "model.pth"), map_location="cpu", weights_only=True)
    net = Net(saved["hidden_dim"])
    net.load_state_dict(saved["weights"])
    return net.eval()


def predict_fn(data: np.ndarray | torch.Tensor, model: Net) -> np.ndarray:
    """Scores, shape (n, 1)."""
    with torch.no_grad():
        return model(torch.as_tensor(data, dtype=torch.float32)).numpy()
