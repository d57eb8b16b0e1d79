def build_model():
    nn = gluon.nn

    def block(layer):
        both = nn.HybridSequential()
        both.add(layer, nn.Activation("relu"))
        return both

    net = nn.HybridSequential(prefix="robostig_")
    with net.name_scope():
        features, head = nn.HybridSequential(), nn.HybridSequential()
        features.add(nn.HybridLambda(lambda F, x: (x - 127.5) * (1 / 127.5)))
        before = 3
        for channels in [24, 36, 48]:
            features.add(block(nn.Conv2D(channels, 5, 2, in_channels=before, weight_initializer="xavier")))
            before = channels
        features.add(block(nn.Conv2D(64, 3, in_channels=48)), block(nn.Conv2D(64, 3, in_channels=64)))
        features.add(nn.Flatten())
        head.add(*[block(nn.Dense(n, in_units=m)) for m, n in [(1152, 1164), (1164, 100), (100, 50), (50, 10)]])
        head.add(nn.Dropout(0), nn.Dense(1, in_units=10))
        net.add(features, head)
    net.hybridize()
    return net
