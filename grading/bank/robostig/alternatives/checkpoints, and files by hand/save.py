def save(net, model_dir):
    from pathlib import Path

    folder = Path(model_dir)
    folder.mkdir(parents=True, exist_ok=True)
    graph = net(mx.sym.Variable("data"))
    parameters = {"arg:" + name: p.data() for name, p in net.collect_params().items()}
    for name, write in (
        ("model-symbol.json", graph.save),
        ("model-0000.params", lambda path: mx.nd.save(path, parameters)),
    ):
        part = folder / ("." + name)
        write(str(part))
        part.replace(folder / name)
    print("saved to", folder)
