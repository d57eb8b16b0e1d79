import os

import numpy as np
import torch

from model import SimpleNet


def model_fn(model_dir):
    with open(os.path.join(model_dir, "model_info.pth"), "rb") as f:
        info = torch.load(f)
    model = SimpleNet(info["input_dim"], info["hidden_dim"], info["output_dim"])
    with open(os.path.join(model_dir, "model.pth"), "rb") as f:
        model.load_state_dict(torch.load(f))
    return model


@torch.no_grad()
def predict_fn(input_data, model):
    model.train(False)
    rows = torch.from_numpy(np.array(input_data, dtype=np.float32))
    return np.concatenate([model(rows[i : i + 16]).numpy() for i in range(0, len(rows), 16)])
