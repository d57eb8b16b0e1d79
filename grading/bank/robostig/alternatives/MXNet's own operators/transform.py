def transform(x, y):
    views = mx.nd.array(x).transpose((0, 3, 1, 2))
    labels = mx.nd.array(y).expand_dims(1)
    return views.asnumpy(), labels.asnumpy()
