"""The training script. SageMaker runs it as ``python train.py --epochs 80 --hidden_dim 20 …``."""

import argparse
import os

import pandas as pd
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from model import SimpleNet


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Read hyperparameters and folders from the command line.

    Each hyperparameter of the estimator arrives as ``--name value``. The folders are told by environment
    variables in a training container; outside one, local folders take their place.

    Args:
        argv: the arguments; those of the command line when None.

    Returns:
        ``input_dim`` (default 2), ``hidden_dim`` (20), ``output_dim`` (1), ``epochs`` (80), ``lr`` (0.01),
        ``batch_size`` (32), ``seed`` (1); ``data_dir``: SM_CHANNEL_TRAIN, or "data"; ``model_dir``:
        SM_MODEL_DIR, or "model".
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--batch_size", type=int, default=32)
    parser.add_argument("--lr", type=float, default=0.01)
    # YOUR CODE HERE
    raise NotImplementedError()
    return parser.parse_args(argv)


def load_data(data_dir: str) -> TensorDataset:
    """Read ``train.csv``: the label first, then the features.

    Returns:
        features, float32, shape (n, d), and labels, float32, shape (n, 1).

    Raises:
        ValueError: the file holds something that is not a number.
    """
    path = os.path.join(data_dir, "train.csv")
    table = pd.read_csv(path, header=None)
    numbers = table.apply(pd.to_numeric, errors="coerce")
    bad = numbers.isna().any(axis=1)
    if bad.any():
        line = int(bad.to_numpy().argmax())
        raise ValueError(f"{path}, line {line + 1} holds something that is not a number: {list(table.loc[line])}")
    values = torch.tensor(numbers.to_numpy(), dtype=torch.float32)
    return TensorDataset(values[:, 1:], values[:, :1])


def mean_loss(model: nn.Module, data: TensorDataset, loss_fn: nn.Module) -> float:
    """The loss of the whole data set, in evaluation mode and without gradients."""
    model.eval()
    with torch.no_grad():
        x, y = data.tensors
        return loss_fn(model(x), y).item()


def train(model: nn.Module, data: TensorDataset, epochs: int, lr: float, batch_size: int) -> list[float]:
    """Fit ``model`` to ``data``, in shuffled batches.

    Prints one line before the first step and one after each epoch, ``epoch 0 loss 0.6931``: SageMaker reads
    metrics from the log.

    Returns:
        the loss of the whole data set before the first step and after each epoch: ``epochs + 1`` numbers.
    """
    # YOUR CODE HERE
    raise NotImplementedError()


def save(model: nn.Module, args: argparse.Namespace) -> None:
    """Write what the endpoint needs into ``args.model_dir``; the folder is made when it is missing.

    ``model_info.pth`` holds a dict with ``input_dim``, ``hidden_dim`` and ``output_dim``, so that the network
    can be built again; ``model.pth`` holds its ``state_dict``.
    """
    # YOUR CODE HERE
    raise NotImplementedError()


def main() -> None:
    """Train with what the command line says."""
    args = parse_args()
    torch.manual_seed(args.seed)
    data = load_data(args.data_dir)
    # YOUR CODE HERE
    raise NotImplementedError()


if __name__ == "__main__":
    main()
