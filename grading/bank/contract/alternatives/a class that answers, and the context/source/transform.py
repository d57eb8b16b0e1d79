import csv
import io
import json
import os

import numpy as np
import torch
from sagemaker_inference.errors import BaseInferenceToolkitError


def model_fn(model_dir, context):
    weights = torch.load(os.path.join(model_dir, "model.pth"), map_location="cpu")
    return Server([weights[k].numpy().astype("float64") for k in ("0.weight", "0.bias", "2.weight", "2.bias")])


class Server:
    """The network in NumPy, and what reads and writes."""

    def __init__(self, weights):
        self.w0, self.b0, self.w1, self.b1 = weights

    def read(self, body, kind):
        if kind == "application/json":
            return json.loads(body)
        if kind == "text/csv":
            return [list(map(float, line)) for line in csv.reader(body.splitlines())]
        if kind == "application/x-npy":
            return np.load(io.BytesIO(body)).tolist()
        raise BaseInferenceToolkitError(415, f"{kind}?", "Unsupported Media Type")

    def classify(self, rows):
        if not rows:
            raise ValueError("nothing sent")
        out = []
        for row in rows:
            if len(row) != 64 or not all(abs(float(v)) < float("inf") for v in row):
                raise ValueError("a row has 64 numbers")
            hidden = np.maximum(self.w0 @ (np.array(row, dtype=float) / 16) + self.b0, 0)
            scores = self.w1 @ hidden + self.b1
            odds = np.exp(scores - scores.max())
            out.append((odds / odds.sum()).tolist())
        return out

    def write(self, rows, kind):
        if kind == "application/json":
            return json.dumps(rows).encode()
        if kind == "text/csv":
            text = io.StringIO()
            csv.writer(text).writerows(rows)
            return text.getvalue()
        if kind == "application/x-npy":
            content = io.BytesIO()
            np.save(content, np.array(rows))
            return content.getvalue()
        raise BaseInferenceToolkitError(406, f"{kind}?", "Not Acceptable")


def transform_fn(server, body, content_type, accept, context):
    try:
        rows = server.classify(server.read(body, content_type))
    except BaseInferenceToolkitError:
        raise
    except Exception as error:
        raise BaseInferenceToolkitError(400, f"{type(error).__name__}: {error}", "Bad Request")
    return server.write(rows, accept), accept
