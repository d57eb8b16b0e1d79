def label_predictions(response):
    result = []
    for row in response:
        values = np.array(row)
        if values.shape != (10,) or values.dtype.kind not in "if":
            raise ValueError("expected ten numbers, got " + str(row))
        order = np.argsort(values)[::-1]
        result.append(list(zip(order.tolist(), values[order].tolist())))
    return result
