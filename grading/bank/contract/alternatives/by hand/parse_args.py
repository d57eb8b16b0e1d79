def parse_args(argv, env):
    """Without argparse: what is asked for is looked up, and the rest is never seen."""
    given = {}
    for word, value in zip(argv, argv[1:]):
        if word.startswith("--"):
            given[word[2:]] = value
    settings = argparse.Namespace(epochs=5, batch_size=64, learning_rate=0.1, hidden=[32], shuffle=True)
    kinds = {"epochs": int, "batch_size": int, "learning_rate": float, "hidden": json.loads}
    for name, kind in kinds.items():
        if name in given:
            setattr(settings, name, kind(given[name]))
    if "shuffle" in given:
        text = given["shuffle"].strip().capitalize()
        if text in ("True", "1"):
            settings.shuffle = True
        elif text in ("False", "0"):
            settings.shuffle = False
        else:
            raise SystemExit("shuffle: say True or False")
    settings.train = env["SM_CHANNEL_TRAIN"] if "SM_CHANNEL_TRAIN" in env else "data/train"
    settings.test = env["SM_CHANNEL_TEST"] if "SM_CHANNEL_TEST" in env else "data/test"
    settings.model_dir = env.get("SM_MODEL_DIR") or "model"
    settings.output_data_dir = env.get("SM_OUTPUT_DATA_DIR") or "output"
    settings.num_gpus = int(env.get("SM_NUM_GPUS") or 0)
    settings.hosts = json.loads(env.get("SM_HOSTS") or '["localhost"]')
    settings.current_host = env.get("SM_CURRENT_HOST") or "localhost"
    return settings
