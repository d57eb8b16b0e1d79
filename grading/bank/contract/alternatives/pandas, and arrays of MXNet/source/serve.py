import io
import json
import logging
import os
import warnings

import mxnet as mx
import numpy as np
import pandas as pd
from sagemaker_inference.errors import GenericInferenceToolkitError as Trouble

warnings.warn("nothing is wrong")
logging.basicConfig(level=logging.INFO)


class Network(mx.gluon.HybridBlock):
    def __init__(self, file):
        super().__init__()
        with self.name_scope():
            self.inner = mx.gluon.SymbolBlock(mx.sym.load(file), [mx.sym.var("data"), mx.sym.var("softmax_label")])

    def forward(self, pixels):
        return self.inner(pixels, mx.nd.zeros((pixels.shape[0],)))


def model_fn(model_dir, context=None):
    network = Network(os.path.join(model_dir, "model-symbol.json"))
    network.inner.collect_params().load(
        os.path.join(model_dir, "model-0000.params"), restore_prefix="", ignore_extra=True, allow_missing=True
    )
    return network


def input_fn(body, content_type, context=None):
    kind = content_type.split(";")[0]
    try:
        if kind == "application/json":
            frame = pd.DataFrame(json.loads(body))
        elif kind == "text/csv":
            frame = pd.read_csv(io.StringIO(body), header=None)
        elif kind == "application/x-npy":
            frame = pd.DataFrame(np.load(io.BytesIO(body), allow_pickle=False))
        else:
            raise Trouble(415, "what is " + kind + "?")
        frame = frame.astype(float)
    except Trouble:
        raise
    except Exception:
        logging.exception("this is for the log")
        raise Trouble(400, "pandas can't read it")
    if frame.shape[1] != 64:
        raise Trouble(400, "64 columns are needed, you sent %d" % frame.shape[1])
    if np.isinf(frame.values).any() or frame.isnull().values.any():
        raise Trouble(400, "some pixels are missing")
    return mx.nd.array(frame.values) / 16


def predict_fn(data, model, context=None):
    return model(data)


def output_fn(prediction, accept, context=None):
    frame = pd.DataFrame(prediction.asnumpy())
    if accept == "application/json":
        return frame.to_json(orient="values")
    if accept == "text/csv":
        return frame.to_csv(header=False, index=False)
    if accept == "application/x-npy":
        with io.BytesIO() as buffer:
            np.save(buffer, frame.values)
            return buffer.getbuffer().tobytes()
    raise Trouble(406, "no " + accept)
