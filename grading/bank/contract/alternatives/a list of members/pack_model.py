def below(folder):
    for here, _, names in os.walk(folder):
        for name in names:
            whole = os.path.join(here, name)
            yield whole, os.path.relpath(whole, folder)


def pack_model(model_dir, code_dir, archive):
    import gzip
    import io

    if os.path.exists(archive):
        os.remove(archive)
    members = list(below(model_dir)) + [(whole, "./code/" + name) for whole, name in below(code_dir)]
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as tar:
        folder = tarfile.TarInfo("code")
        folder.type = tarfile.DIRTYPE
        folder.mode = 0o755
        tar.addfile(folder)
        for whole, name in members:
            with open(whole, "rb") as file:
                data = file.read()
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    with gzip.open(archive, "wb") as file:
        file.write(content.getvalue())
    print(len(members), "files packed")
