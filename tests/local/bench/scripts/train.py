"""Trains the network on `train.csv`: the label, then two features."""

import argparse
import os
from pathlib import Path

import numpy as np
import torch
from model import Net
from torch.utils.data import DataLoader, TensorDataset

parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int, required=True)
parser.add_argument("--hidden_dim", type=int, required=True)
parser.add_argument("--data_dir", default=os.environ.get("SM_CHANNEL_TRAIN"))
parser.add_argument("--model_dir", default=os.environ.get("SM_MODEL_DIR"))
given = parser.parse_args()
torch.manual_seed(1)
values = torch.from_numpy(np.loadtxt(Path(given.data_dir, "train.csv"), delimiter=",", dtype=np.float32))
net, loss_of = Net(given.hidden_dim), torch.nn.BCELoss()
optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
for epoch in range(given.epochs):
    for x, y in DataLoader(TensorDataset(values[:, 1:], values[:, :1]), batch_size=32, shuffle=True):
        optimizer.zero_grad()
        loss = loss_of(net(x), y)
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch + 1} loss {loss.item():.4f}")
Path(given.model_dir).mkdir(parents=True, exist_ok=True)
weights = {"hidden_dim": given.hidden_dim, "weights": net.state_dict()}
torch.save(weights, Path(given.model_dir, "model.pth"))
