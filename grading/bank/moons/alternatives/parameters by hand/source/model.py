import math

import torch
from torch import nn


class SimpleNet(nn.Module):
    """Matrices instead of layers."""

    def __init__(self, input_dim, hidden_dim, output_dim):
        super().__init__()
        sizes = [input_dim, hidden_dim, hidden_dim, output_dim]
        self.weights = nn.ParameterList()
        self.biases = nn.ParameterList()
        for n, m in zip(sizes, sizes[1:]):
            bound = 1 / math.sqrt(n)
            self.weights.append(nn.Parameter(torch.empty(n, m).uniform_(-bound, bound)))
            self.biases.append(nn.Parameter(torch.empty(m).uniform_(-bound, bound)))

    def forward(self, x):
        for w, b in list(zip(self.weights, self.biases))[:-1]:
            x = torch.clamp(x @ w + b, min=0)
        x = x @ self.weights[-1] + self.biases[-1]
        return 1 / (1 + torch.exp(-x.clamp(-80, 80)))
