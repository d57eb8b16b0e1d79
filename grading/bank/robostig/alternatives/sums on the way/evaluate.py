def evaluate(data, net, ctx):
    n = total = squares = squared_errors = absolute_errors = 0.0
    for i, (views, steering) in enumerate(data):
        steering = steering.as_in_context(ctx).reshape(-1)
        answers = net(views.as_in_context(ctx)).reshape(-1)
        for answer, right in zip(answers.asnumpy().tolist(), steering.asnumpy().tolist()):
            n += 1
            total += right
            squares += right * right
            squared_errors += (answer - right) ** 2
            absolute_errors += abs(answer - right)
    about_mean = squares - total * total / n
    print(f"evaluated {int(n)} samples in {i + 1} batches")
    return dict(mse=squared_errors / n, mae=absolute_errors / n, r2=1 - squared_errors / about_mean, n=n)
