def layer(x, units, inputs, name):
    weights = mx.sym.Variable(name + "_w", shape=(units, inputs))
    biases = mx.sym.Variable(name + "_b", shape=(units,))
    return mx.sym.broadcast_add(mx.sym.dot(x, weights, transpose_b=True), mx.sym.expand_dims(biases, axis=0))


def build_graph():
    x = mx.sym.reshape(mx.sym.Variable("data"), shape=(0, -1))
    x = mx.sym.maximum(layer(x, 128, 784, "one"), 0)
    x = mx.sym.maximum(layer(x, 64, 128, "two"), 0)
    return mx.sym.SoftmaxOutput(data=layer(x, 10, 64, "three"), label=mx.sym.Variable("softmax_label"), name="out")
