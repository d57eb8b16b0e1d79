def evaluate(data, net, ctx):
    mse, mae = mx.metric.MSE(), mx.metric.MAE()
    count = squared = absolute = 0
    seen = []
    with mx.autograd.predict_mode():
        for batch in data:
            x, y = (part.copyto(ctx) for part in batch)
            y = y.reshape((-1, 1))
            output = net(x)
            mse.reset()
            mae.reset()
            mse.update(y, output)
            mae.update(y, output)
            count += len(y)
            squared += mse.get()[1] * len(y)
            absolute += mae.get()[1] * len(y)
            seen.append(y)
    labels = mx.nd.concat(*seen, dim=0)
    spread = ((labels - labels.mean()) ** 2).sum()
    return {"mse": np.float32(squared / count), "mae": mx.nd.array([absolute / count]), "r2": 1 - squared / spread.asscalar()}
