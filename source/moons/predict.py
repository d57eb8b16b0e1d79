"""The serving script. The endpoint's container calls ``model_fn`` once and ``predict_fn`` for each request."""

import os

import numpy as np
import torch
from torch import nn

from model import SimpleNet


def model_fn(model_dir: str) -> nn.Module:
    """Load the trained network from what ``train.py`` saved in ``model_dir``."""
    info = torch.load(os.path.join(model_dir, "model_info.pth"), weights_only=True)
    model = SimpleNet(info["input_dim"], info["hidden_dim"], info["output_dim"])
    weights = torch.load(os.path.join(model_dir, "model.pth"), map_location="cpu", weights_only=True)
    model.load_state_dict(weights)
    return model


def predict_fn(input_data: np.ndarray | torch.Tensor, model: nn.Module) -> np.ndarray:
    """Score a batch.

    Args:
        input_data: features, float32 or float64, shape (n, d): an array or a tensor.
        model: what ``model_fn`` returned; nobody has put it into evaluation mode yet.

    Returns:
        scores, float32, shape (n, 1).
    """
    # YOUR CODE HERE
    raise NotImplementedError()
