"""The training script of today: ``old_train.py``, moved to what containers ask for since MXNet 1.3.

SageMaker runs it as ``python train.py --epochs 5 --hidden "[32]" …``. Complete it so that it

- trains as the old script does: the same seeds, the same steps, the same last line in the log;
- takes hyperparameters from the command line and folders from the SM_ variables, with local folders as defaults,
  as in the notebook;
- saves the Module in the same three files into the model's folder, which the container used to do;
- does nothing when it is imported.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
from collections.abc import Mapping

import mxnet as mx
import numpy as np

SEED = 1


def parse_args(argv: list[str], env: Mapping[str, str]) -> argparse.Namespace:
    """Read hyperparameters and folders, as in the notebook."""
    ### BEGIN SOLUTION

    def truth(text: str) -> bool:
        known = {"true": True, "1": True, "false": False, "0": False}
        if text.lower() not in known:
            raise argparse.ArgumentTypeError(f"{text!r} is neither true nor false")
        return known[text.lower()]

    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--batch_size", type=int, default=64)
    parser.add_argument("--learning_rate", type=float, default=0.1)
    parser.add_argument("--hidden", type=json.loads, default=[32])
    parser.add_argument("--shuffle", type=truth, default=True)
    parser.add_argument("--train", default=env.get("SM_CHANNEL_TRAIN", "data/train"))
    parser.add_argument("--test", default=env.get("SM_CHANNEL_TEST", "data/test"))
    parser.add_argument("--model_dir", default=env.get("SM_MODEL_DIR", "model"))
    parser.add_argument("--num_gpus", type=int, default=int(env.get("SM_NUM_GPUS", "0")))
    parser.add_argument("--hosts", type=json.loads, default=json.loads(env.get("SM_HOSTS", '["localhost"]')))
    parser.add_argument("--current_host", default=env.get("SM_CURRENT_HOST", "localhost"))
    return parser.parse_known_args(argv)[0]
    ### END SOLUTION


def build_graph(hidden: list[int]) -> mx.sym.Symbol:
    """Return the network: fully connected layers with ReLU between them, and ten classes."""
    x = mx.sym.Variable("data")
    for i, width in enumerate(hidden):
        x = mx.sym.FullyConnected(x, num_hidden=width, name=f"hidden{i}")
        x = mx.sym.Activation(x, act_type="relu", name=f"relu{i}")
    x = mx.sym.FullyConnected(x, num_hidden=10, name="scores")
    return mx.sym.SoftmaxOutput(x, name="softmax")


def load_data(folder: str, batch_size: int, shuffle: bool) -> mx.io.NDArrayIter:
    """Read digits.csv: the label first, then 64 pixels from 0 to 16."""
    table = np.loadtxt(os.path.join(folder, "digits.csv"), delimiter=",", dtype="float32")
    pixels, labels = table[:, 1:] / 16, table[:, 0]
    return mx.io.NDArrayIter(pixels, labels, batch_size, shuffle=shuffle, last_batch_handle="discard")


def train(args: argparse.Namespace) -> mx.mod.Module:
    """Train as the old script does; print its last line; return the Module."""
    ### BEGIN SOLUTION
    logging.getLogger().setLevel(logging.INFO)
    np.random.seed(SEED)
    mx.random.seed(SEED)
    training = load_data(args.train, args.batch_size, args.shuffle)
    test = load_data(args.test, args.batch_size, False)
    contexts = [mx.gpu(i) for i in range(args.num_gpus)] if args.num_gpus > 0 else [mx.cpu()]
    module = mx.mod.Module(build_graph(args.hidden), context=contexts)
    module.fit(
        training,
        eval_data=test,
        initializer=mx.init.Xavier(),
        optimizer="sgd",
        optimizer_params={"learning_rate": args.learning_rate},
        kvstore="local" if len(args.hosts) == 1 else "dist_sync",
        num_epoch=args.epochs,
    )
    accuracy, loss = (value for _, value in module.score(test, ["acc", "ce"]))
    print(f"test accuracy={accuracy:.4f} cross-entropy={loss:.5f}")
    return module
    ### END SOLUTION


### BEGIN SOLUTION
def main() -> None:
    """Train with what the container says, and save."""
    from sagemaker_mxnet_container.training_utils import save  # the default of old, no longer called by itself

    args = parse_args(sys.argv[1:], os.environ)
    module = train(args)
    os.makedirs(args.model_dir, exist_ok=True)
    save(args.model_dir, module, args.current_host, args.hosts)


if __name__ == "__main__":
    main()
### END SOLUTION
