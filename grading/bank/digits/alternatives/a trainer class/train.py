class Trainer:
    def __init__(self, graph, data, seed):
        self.graph = graph
        self.x, self.y = data["train_data"], data["train_label"]
        mx.random.seed(seed)
        np.random.seed(seed)
        everything = list(range(len(self.y)))
        np.random.shuffle(everything)
        tenth = int(round(0.1 * len(everything)))
        self.parts = everything[tenth:], everything[:tenth]

    def batches(self, part, batch_size, **more):
        rows = self.parts[part]
        return mx.io.NDArrayIter(data=self.x[rows], label=self.y[rows], batch_size=batch_size, **more)

    def fit(self, where, epochs, batch_size, **params):
        last = {}

        def remember(epoch, symbol, arg_params, aux_params):
            last.update(arg=arg_params, aux=aux_params)

        module = mx.module.Module(self.graph, context=where)
        module.fit(
            self.batches(0, batch_size, shuffle=True, last_batch_handle="roll_over"),
            self.batches(1, batch_size),
            mx.metric.create(["acc", "ce"]),
            epoch_end_callback=remember,
            initializer=mx.init.MSRAPrelu(),
            num_epoch=epochs,
            **params,
        )
        module.set_params(last["arg"], last["aux"])
        return module


def train(graph, data, epochs=40, batch_size=100, learning_rate=0.2, seed=0, ctx=None, eval_end_callback=None):
    return Trainer(graph, data, seed).fit(
        ctx or [mx.cpu()],
        epochs,
        batch_size,
        optimizer_params={"learning_rate": learning_rate},
        eval_end_callback=eval_end_callback,
    )
