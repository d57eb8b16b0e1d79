def train(net, data, hyperparameters, ctx=None, kvstore="local"):
    import tempfile

    known = dict(epochs=5, batch_size=64, optimizer="adam", learning_rate=1e-4, seed=0)
    for key in hyperparameters:
        if key not in known:
            raise ValueError("unknown hyperparameter: " + key)
    h = {**known, **hyperparameters}
    where = ctx or mx.cpu(0)
    mx.random.seed(h["seed"])
    order = np.random.RandomState(h["seed"])
    train_X, train_Y, valid_X, valid_Y = data
    train_Y = train_Y.ravel()

    class Validation:
        def __iter__(self):
            for i in range(0, len(valid_X), 50):
                yield mx.nd.array(valid_X[i : i + 50]), mx.nd.array(valid_Y[i : i + 50])

    net.initialize(mx.init.Xavier(magnitude=2.24), where, force_reinit=True)
    rule = mx.optimizer.create(h["optimizer"], learning_rate=h["learning_rate"])
    trainer = gluon.Trainer(net.collect_params(), rule, kvstore=mx.kv.create(kvstore))
    history = []
    with tempfile.TemporaryDirectory() as folder:
        best_file = os.path.join(folder, "best.params")
        lowest = np.inf
        for epoch in range(h["epochs"]):
            losses = []
            rows = order.permutation(len(train_X))
            while len(rows):
                now, rows = rows[: h["batch_size"]], rows[h["batch_size"] :]
                x = mx.nd.array(train_X[now], ctx=where)
                y = mx.nd.array(train_Y[now], ctx=where)
                with mx.autograd.record():
                    each = gluon.loss.L2Loss()(net(x), y)
                each.backward()
                trainer.step(len(now))
                losses.append(each.asnumpy())
            figures = evaluate(Validation(), net, where)
            figures.update(epoch=epoch, loss=np.concatenate(losses).mean())
            history.append(figures)
            if figures["mse"] < lowest:
                lowest = figures["mse"]
                net.save_parameters(best_file)
        net.load_parameters(best_file, ctx=where)
    return history
