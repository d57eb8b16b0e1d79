from mxnet.gluon import nn


def build_graph():
    net = nn.HybridSequential()
    net.add(nn.Flatten(), nn.Dense(128, activation="relu"), nn.Dense(64, activation="relu"), nn.Dense(10))
    return mx.sym.SoftmaxOutput(net(mx.sym.var("data")), name="softmax")
