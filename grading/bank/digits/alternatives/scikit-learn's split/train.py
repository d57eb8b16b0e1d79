import logging
import sys

from sklearn.model_selection import train_test_split


def say(*callbacks):
    return [callback for callback in callbacks if callback is not None]


def train(graph, data, epochs=40, batch_size=100, learning_rate=0.2, seed=0, ctx=None, eval_end_callback=None):
    logging.getLogger("training").setLevel(logging.INFO)
    print("training on", ctx, file=sys.stderr)
    np.random.seed(seed), mx.random.seed(seed)
    x, x_valid, y, y_valid = train_test_split(
        mx.nd.array(data["train_data"]).asnumpy(),
        data["train_label"].astype("float32"),
        test_size=0.1,
        stratify=data["train_label"],
        random_state=seed,
    )
    metric = mx.metric.Accuracy()
    fitted = mx.mod.Module(graph, context=mx.context.cpu() if ctx is None else ctx, logger=logging.getLogger("training"))
    fitted.fit(
        train_data=mx.io.NDArrayIter({"data": x}, {"softmax_label": y}, batch_size, True, "discard"),
        eval_data=mx.io.NDArrayIter({"data": x_valid}, {"softmax_label": y_valid}, batch_size),
        eval_metric=metric,
        optimizer="SGD",
        optimizer_params=(("learning_rate", learning_rate), ("wd", 0.0)),
        initializer=mx.initializer.Xavier(rnd_type="gaussian", factor_type="in", magnitude=2),
        batch_end_callback=mx.callback.Speedometer(batch_size, 100),
        eval_end_callback=say(lambda at: print("validated", at.epoch), eval_end_callback),
        num_epoch=epochs,
        kvstore=None,
    )
    return fitted
