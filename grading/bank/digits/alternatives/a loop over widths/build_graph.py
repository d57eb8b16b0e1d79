class Graph:
    widths = (128, 64)

    def __call__(self):
        print("building")
        last = mx.sym.Variable("data", shape=(0, 1, 28, 28))
        for number, width in enumerate(self.widths):
            last = mx.symbol.FullyConnected(last, num_hidden=width, name="fc%d" % number)
            last = mx.symbol.LeakyReLU(last, act_type="leaky", slope=0.0)
        return mx.symbol.Softmax(mx.symbol.FullyConnected(last, num_hidden=10, name="fc2"), name="softmax")


build_graph = Graph()
