import csv
import json
from io import BytesIO, StringIO
from os import path

import mxnet as mx
import numpy
from sagemaker_inference import content_types, encoder, errors


class Wrong(errors.BaseInferenceToolkitError):
    def __init__(self, code, text):
        super().__init__(code, text, "wrong request")


def model_fn(model_dir):
    with open(path.join(model_dir, "model-shapes.json")) as file:
        (described,) = json.load(file)
    symbol, args, aux = mx.model.load_checkpoint(path.join(model_dir, "model"), 0)
    module = mx.mod.Module(symbol, data_names=[described["name"]], label_names=None)
    module.bind(for_training=False, data_shapes=[(described["name"], [1] + described["shape"][1:])])
    module.set_params(args, aux, allow_missing=True)
    return module


def _table(text):
    return [[float(cell) for cell in line] for line in csv.reader(StringIO(text)) if line]


READERS = {
    content_types.JSON: json.loads,
    content_types.CSV: _table,
    content_types.NPY: lambda body: numpy.load(BytesIO(body)),
}


def input_fn(input_data, content_type, model):
    if content_type not in READERS:
        print("somebody sent", content_type)
        raise Wrong(415, "unknown type")
    try:
        array = numpy.array(READERS[content_type](input_data), dtype=numpy.float64)
        width = model.data_shapes[0][1][1]
        assert array.ndim == 2 and array.shape[1] == width, "%d numbers in a row, please" % width
        assert not numpy.isnan(array).any() and not numpy.isinf(array).any(), "numbers, please"
    except (ValueError, TypeError, EOFError, AssertionError, OverflowError, RecursionError) as error:
        raise Wrong(400, str(error) or "unreadable")
    return mx.io.NDArrayIter(array / 16.0, batch_size=1)


def predict_fn(data, model):
    return model.predict(data)


def output_fn(prediction, accept):
    try:
        return encoder.encode(prediction.asnumpy(), accept), accept
    except errors.UnsupportedFormatError as error:
        raise Wrong(406, "can't answer in that type") from error
