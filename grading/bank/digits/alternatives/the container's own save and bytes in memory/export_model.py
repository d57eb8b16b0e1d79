import io
import shutil
import tempfile

from sagemaker_mxnet_container.training_utils import save


def export_model(model, folder):
    with tempfile.TemporaryDirectory() as made:
        save(made, model, "here", ["here"])
        packed = io.BytesIO()
        with tarfile.open(mode="w:gz", fileobj=packed) as archive:
            for path in Path(made).iterdir():
                print("packing", path.name)
                archive.add(path, arcname=path.name)
        shutil.copytree(made, folder, dirs_exist_ok=True)
    target = Path(folder).resolve() / "model.tar.gz"
    target.write_bytes(packed.getvalue())
    return target
