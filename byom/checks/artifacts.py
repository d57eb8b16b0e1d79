"""Model files of MXNet, loaded as its containers load them. Nothing here needs the code that wrote them."""

import json
import warnings
from pathlib import Path

import numpy as np

SYMBOL, PARAMS, SHAPES = "model-symbol.json", "model-0000.params", "model-shapes.json"
"""The default files of MXNet's containers."""


def served_by_default(folder: Path, rows: np.ndarray) -> np.ndarray:
    """What the container's own handler answers for ``rows``, sent as JSON, with the three files in ``folder``.

    Raises:
        ValueError: one of the files is missing, or the answer is no array of numbers.
    """
    from sagemaker_mxnet_serving_container.default_inference_handler import DefaultModuleInferenceHandler

    handler = DefaultModuleInferenceHandler()
    module = handler.default_model_fn(str(folder))
    request = handler.default_input_fn(json.dumps(rows.tolist()), "application/json", module)
    answer = handler.default_output_fn(handler.default_predict_fn(request, module), "application/json")
    return np.array(json.loads(answer), dtype="float32")


def computed(symbol: Path, params: Path, rows: np.ndarray) -> np.ndarray:
    """What the graph in ``symbol`` gives for ``rows`` with the parameters in ``params``; shape (n, outputs)."""
    import mxnet as mx

    graph = mx.sym.load(str(symbol))
    kept = [mx.nd.load(str(params)), {}, {}]
    for name, values in kept[0].items():
        kept[1 + name.startswith("aux:")][name.split(":", 1)[-1]] = values
    data = next(name for name in graph.list_inputs() if name not in {**kept[1], **kept[2]})
    module = mx.mod.Module(graph, data_names=[data], label_names=None)
    module.bind([(data, rows.shape)], for_training=False)
    module.set_params(kept[1], kept[2], allow_missing=True)  # a label is no parameter
    return module.predict(mx.io.NDArrayIter(rows, batch_size=len(rows))).asnumpy()


def imported(symbol: Path, params: Path, rows: np.ndarray) -> np.ndarray:
    """What ``SymbolBlock.imports`` makes of the two files, asked for ``rows``; shape (n, outputs).

    Raises:
        ValueError: the graph has no input, or more than one, that the parameters don't fill.
    """
    import mxnet as mx

    filled = {name.split(":", 1)[-1] for name in mx.nd.load(str(params))}
    inputs = [name for name in mx.sym.load(str(symbol)).list_inputs() if name not in filled]
    if len(inputs) != 1:
        raise ValueError(f"the graph wants {inputs}, and only one of them can be the data")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an exported graph doesn't say of which type its input is
        block = mx.gluon.SymbolBlock.imports(str(symbol), inputs, str(params))
    return block(mx.nd.array(rows)).asnumpy()
