import os
import subprocess


def export_model(model, folder):
    os.makedirs(folder, exist_ok=True)
    prefix = os.path.join(str(folder), "model")
    model.save_checkpoint(prefix, 0, save_optimizer_states=False)
    with open(prefix + "-shapes.json", "w") as file:
        json.dump([{"shape": model.data_shapes[0][1], "name": "data"}], file, indent=2)
    names = ["./model-symbol.json", "./model-0000.params", "./model-shapes.json"]
    subprocess.run(["tar", "-czf", "model.tar.gz", *names], cwd=folder, check=True)
    return os.path.join(str(folder), "model.tar.gz")
