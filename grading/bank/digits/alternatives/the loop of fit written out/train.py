def train(graph, data, epochs=40, batch_size=100, learning_rate=0.2, seed=0, ctx=None, eval_end_callback=None):
    ctx = mx.cpu() if ctx is None else ctx
    draw = np.random.RandomState(seed)
    np.random.seed(draw.randint(2**31))
    mx.random.seed(seed)
    n = data["train_data"].shape[0]
    kept = np.zeros(n, dtype=bool)
    kept[draw.choice(n, n // 10, replace=False)] = True
    x, y = mx.nd.array(data["train_data"][~kept]), mx.nd.array(data["train_label"][~kept])
    valid = mx.io.NDArrayIter(data["train_data"][kept], data["train_label"][kept], batch_size)

    module = mx.mod.Module(symbol=graph, data_names=["data"], label_names=["softmax_label"], context=[ctx])
    module.bind([("data", (batch_size,) + x.shape[1:])], [("softmax_label", (batch_size,))])
    module.init_params(mx.init.Xavier())
    module.init_optimizer(optimizer=mx.optimizer.SGD(learning_rate=learning_rate, rescale_grad=1 / batch_size))
    for epoch in range(epochs):
        order = draw.permutation(len(y))
        for start in range(0, len(order), batch_size):
            rows = mx.nd.array(np.resize(np.roll(order, -start), batch_size))
            module.forward_backward(mx.io.DataBatch([x.take(rows)], [y.take(rows)]))
            module.update()
        name, value = module.score(valid, "acc", score_end_callback=eval_end_callback, epoch=epoch)[0]
        print(f"epoch {epoch}: {name} {value:.3f}")
    return module
