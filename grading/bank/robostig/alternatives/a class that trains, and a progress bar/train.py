class Training:
    DEFAULTS = {"seed": 0, "learning_rate": 1e-4, "optimizer": "adam", "batch_size": 64, "epochs": 5}

    def __init__(self, net, hyperparameters, ctx, kvstore):
        wrong = set(hyperparameters).difference(self.DEFAULTS)
        if wrong:
            raise ValueError("I don't know " + " and ".join(sorted(wrong)))
        for key, value in {**self.DEFAULTS, **hyperparameters}.items():
            setattr(self, key, value)
        self.net, self.ctx = net, ctx
        mx.random.seed(self.seed)
        np.random.seed(self.seed)
        net.collect_params().initialize(mx.init.Xavier(), ctx=[ctx], force_reinit=True)
        self.trainer = mx.gluon.Trainer(
            net.collect_params(), self.optimizer, dict(learning_rate=self.learning_rate), kvstore=kvstore
        )

    def batches(self, x, y, shuffle):
        dataset = mx.gluon.data.ArrayDataset(mx.nd.array(x), mx.nd.array(y))
        return mx.gluon.data.DataLoader(dataset, batch_size=self.batch_size, shuffle=shuffle, last_batch="keep")

    def epoch(self, batches):
        total, seen = mx.nd.zeros(1, ctx=self.ctx), 0
        for x, y in batches:
            (x,), (y,) = (mx.gluon.utils.split_and_load(part, [self.ctx]) for part in (x, y))
            with mx.autograd.record():
                error = self.net(x) - y
                loss = error.square().sum() * 0.5
            loss.backward()
            self.trainer.allreduce_grads()
            self.trainer.update(x.shape[0])
            total, seen = total + loss, seen + len(x)
        return total.asnumpy()[0] / seen


def train(net, data, hyperparameters, ctx=None, kvstore="local"):
    import sys

    from tqdm import tqdm

    training = Training(net, hyperparameters, ctx if ctx is not None else mx.context.cpu(), kvstore)
    train_batches, valid_batches = training.batches(*data[:2], True), training.batches(*data[2:], False)
    history, kept = [], None
    for number in tqdm(range(training.epochs), file=sys.stderr):
        loss = training.epoch(train_batches)
        figures = evaluate(valid_batches, net, training.ctx)
        if not history or figures["mse"] < min(one["mse"] for one in history):
            kept = [p.data().asnumpy() for p in net.collect_params().values()]
        history.append(dict(figures, epoch=np.int64(number), loss=loss))
    for p, values in zip(net.collect_params().values(), kept):
        p.set_data(mx.nd.array(values))
    print("done")
    return tuple(history)
