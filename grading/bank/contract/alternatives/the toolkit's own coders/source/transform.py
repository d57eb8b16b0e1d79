import io
import os

import numpy as np
import torch
from sagemaker_inference import content_types, decoder, encoder
from sagemaker_inference.errors import BaseInferenceToolkitError, UnsupportedFormatError


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.first = torch.nn.Linear(64, 32)
        self.second = torch.nn.Linear(32, 10)

    def forward(self, x):
        return self.second(self.first(x).clamp(min=0))


def model_fn(model_dir):
    weights = torch.load(os.path.join(model_dir, "model.pth"), weights_only=True)
    net = Net()
    with torch.no_grad():
        for layer, at in ((net.first, "0"), (net.second, "2")):
            layer.weight.copy_(weights[at + ".weight"])
            layer.bias.copy_(weights[at + ".bias"])
    return net


def no(code, message):
    raise BaseInferenceToolkitError(code, message, "refused")


def transform_fn(model, data, content_type, accept):
    if content_type == content_types.NPY:
        read = lambda: np.load(io.BytesIO(data), allow_pickle=False)
    elif content_type == content_types.CSV:
        read = lambda: np.genfromtxt(data.splitlines(), delimiter=",", dtype=float)
    else:
        read = lambda: decoder.decode(data, content_type)
    try:
        pixels = torch.tensor(np.atleast_2d(read()).astype(float)).float()
    except UnsupportedFormatError:
        no(415, content_type + " is unknown here")
    except Exception as e:
        no(400, "unreadable, " + repr(e))
    if list(pixels.shape[1:]) != [64]:
        no(400, "shape " + str(tuple(pixels.shape)))
    if not torch.isfinite(pixels).all():
        no(400, "not a number")
    answer = model(pixels / 16).softmax(-1).detach().numpy()
    try:
        return encoder.encode(answer.astype("float64").round(5), accept)
    except UnsupportedFormatError:
        no(406, accept + " is unknown here")
