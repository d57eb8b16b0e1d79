import torch
from torch import nn


def block(n, m):
    return nn.Sequential(nn.Linear(n, m), nn.BatchNorm1d(m), nn.LeakyReLU(0.1))


class SimpleNet(nn.Module):
    def __init__(self, input_dim, hidden_dim, output_dim):
        super().__init__()
        self.first = block(input_dim, hidden_dim)
        self.second = block(hidden_dim, hidden_dim)
        self.dropout = nn.Dropout(0.1)
        self.last = nn.Linear(hidden_dim, output_dim)

    def forward(self, x):
        return torch.sigmoid(self.last(self.dropout(self.second(self.first(x)))))
