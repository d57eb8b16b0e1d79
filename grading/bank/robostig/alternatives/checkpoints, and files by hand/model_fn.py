def model_fn(model_dir):
    import pathlib

    folder = pathlib.Path(model_dir)
    missing = [n for n in ("model-symbol.json", "model-0000.params") if not (folder / n).is_file()]
    if missing:
        raise FileNotFoundError("missing: " + ", ".join(missing))
    graph, arguments, auxiliary = mx.model.load_checkpoint(str(folder / "model"), 0)
    block = mx.gluon.SymbolBlock(graph, mx.sym.var("data"))
    for name, values in {**arguments, **auxiliary}.items():
        parameter = block.collect_params()[name]
        parameter.shape = values.shape
        parameter.initialize(ctx=mx.cpu())
        parameter.set_data(values)
    block.hybridize()
    return block
