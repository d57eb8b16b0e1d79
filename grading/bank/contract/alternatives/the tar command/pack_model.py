def pack_model(model_dir, code_dir, archive):
    import shutil
    import subprocess
    import tempfile

    with tempfile.TemporaryDirectory() as there:
        shutil.copytree(code_dir, there + "/code")
        packed = there + "/packed.tar.gz"
        without = "--exclude=./" + os.path.basename(archive)
        subprocess.run(["tar", "-czf", packed, without, "-C", model_dir, ".", "-C", there, "code"], check=True)
        shutil.copy(packed, archive)
