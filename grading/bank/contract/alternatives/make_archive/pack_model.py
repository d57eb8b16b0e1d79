import shutil
import tempfile


def pack_model(model_dir, code_dir, archive):
    with tempfile.TemporaryDirectory() as staging:
        stage = os.path.join(staging, "stage")
        shutil.copytree(model_dir, stage, ignore=shutil.ignore_patterns("*.tar.gz"))
        shutil.copytree(code_dir, os.path.join(stage, "code"))
        made = shutil.make_archive(os.path.join(staging, "made"), "gztar", root_dir=stage)
        shutil.move(made, archive)
    return archive
