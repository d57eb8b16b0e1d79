def save_block(net, model_dir):
    """The graph by tracing the network with a symbol, the parameters by hand."""
    os.makedirs(model_dir, exist_ok=True)
    graph = net(mx.sym.var("digits"))
    graph.save(os.path.join(model_dir, "model-symbol.json"))
    auxiliary = set(graph.list_auxiliary_states())
    values = {
        ("aux:" if name in auxiliary else "arg:") + name: parameter.data().copy()
        for name, parameter in net.collect_params().items()
    }
    mx.nd.save(os.path.join(model_dir, "model-0000.params"), values)
