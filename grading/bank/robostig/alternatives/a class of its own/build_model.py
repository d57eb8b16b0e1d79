class Pilot(gluon.nn.HybridSequential):
    """NVIDIA's network with its layers as attributes."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        plan = [(24, 5, 2), (36, 5, 2), (48, 5, 2), (64, 3, 1), (64, 3, 1)]
        with self.name_scope():
            self.eyes = gluon.nn.HybridSequential()
            for channels, kernel, stride in plan:
                self.eyes.add(gluon.nn.Conv2D(channels, (kernel, kernel), (stride, stride), padding=(0, 0)))
                self.eyes.add(gluon.nn.LeakyReLU(0))
            self.dense = [gluon.nn.Dense(units) for units in (1164, 100, 50, 10, 1)]
            for layer in self.dense:
                self.register_child(layer)

    def hybrid_forward(self, F, x):
        x = F.broadcast_div(x - 127.5, F.full((1,), 127.5))
        x = F.flatten(self.eyes(x))
        for layer in self.dense[:-1]:
            x = F.maximum(layer(x), 0)
        return self.dense[-1](x)


def build_model():
    net = Pilot(prefix="pilot_")
    net.hybridize(static_alloc=True)
    return net
