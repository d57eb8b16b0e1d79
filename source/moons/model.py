"""The network. Both the training job and the endpoint import it."""

import torch
from torch import nn


class SimpleNet(nn.Module):
    """A binary classifier with hidden layers.

    Args:
        input_dim: number of features of an example.
        hidden_dim: width of every hidden layer.
        output_dim: number of scores for an example; 1 for two classes.
    """

    def __init__(self, input_dim: int, hidden_dim: int, output_dim: int) -> None:
        super().__init__()
        # YOUR CODE HERE
        raise NotImplementedError()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Score a batch.

        Args:
            x: float32, shape (n, input_dim).

        Returns:
            float32, shape (n, output_dim): scores between 0 and 1.
        """
        # YOUR CODE HERE
        raise NotImplementedError()
