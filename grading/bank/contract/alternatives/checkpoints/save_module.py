def save_module(module, model_dir):
    if not os.path.isdir(model_dir):
        os.makedirs(model_dir)
    module.save_checkpoint(f"{model_dir}/model", 0)
    described = json.dumps([{"name": name, "shape": [int(n) for n in shape]} for name, shape in module.data_shapes])
    with open(f"{model_dir}/model-shapes.json", "wt", encoding="utf-8") as out:
        print(described, file=out)
