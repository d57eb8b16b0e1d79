def evaluate(data, net, ctx):
    from sklearn import metrics

    pairs = [(y.asnumpy().ravel(), net(x.as_in_context(ctx)).asnumpy().ravel()) for x, y in data]
    right, answered = map(np.hstack, zip(*pairs))
    return {
        "r2": metrics.r2_score(right, answered),
        "mae": metrics.mean_absolute_error(right, answered),
        "mse": metrics.mean_squared_error(right, answered),
    }
