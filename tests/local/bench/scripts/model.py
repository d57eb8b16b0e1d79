"""A small network for two classes in the plane."""

import torch
from torch import nn


class Net(nn.Module):
    """Two hidden layers and one score between 0 and 1."""

    def __init__(self, hidden_dim: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(2, hidden_dim), nn.ReLU(), nn.Linear(hidden_dim, hidden_dim), nn.ReLU(), nn.Linear(hidden_dim, 1)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Scores, shape (n, 1), of points, shape (n, 2)."""
        return torch.sigmoid(self.layers(x))
