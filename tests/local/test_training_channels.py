"""How data comes to a job: Pipe mode, manifests, the modes and settings of a channel, through boto3 and the SDK."""

import gzip
import hashlib
import json
import os

from byom.local.account import DEFAULT_BUCKET

GROUP = "/aws/sagemaker/TrainingJobs"
FINAL = ("Completed", "Failed", "Stopped")


def channel(name, key, data_type="S3Prefix", **more):
    source = {"S3DataType": data_type, "S3Uri": f"s3://{DEFAULT_BUCKET}/{key}"}
    return {"ChannelName": name, "DataSource": {"S3DataSource": source}, **more}


def seen(aws, name, script, *channels):
    """What a script that is given these channels prints after `SEEN`, as JSON."""
    aws.sagemaker.create_training_job(**aws.job_request(name, script, InputDataConfig=list(channels)))
    job = aws.wait_for_job(name, *FINAL)
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    (line,) = [line for line in aws.messages(GROUP, f"{name}/") if line.startswith("SEEN ")]
    return json.loads(line.removeprefix("SEEN "))


def test_pipes_bring_every_epoch_once_in_order(aws):
    for i in range(3):
        aws.put(f"piped/{i}.txt", f"object {i};".encode())
    aws.put("squeezed/a.gz", gzip.compress(b"unpacked"))
    big = os.urandom(2**20 + 1)  # more than a pipe holds
    aws.put("large/a", big)
    script = """
    import hashlib, json, os, struct
    root = os.environ["SM_INPUT_DIR"] + "/data/"
    seen = {"names": sorted(os.listdir(root)), "config": json.loads(os.environ["SM_INPUT_DATA_CONFIG"])}
    for epoch in range(2):
        with open(f"{root}plain_{epoch}", "rb") as pipe:
            seen[f"plain {epoch}"] = pipe.read().decode()
    with open(root + "large_0", "rb") as pipe:
        pipe.read(10)  # and no more
    with open(root + "large_1", "rb") as pipe:
        seen["large 1"] = hashlib.sha256(pipe.read()).hexdigest()
    with open(root + "squeezed_0", "rb") as pipe:
        seen["squeezed"] = pipe.read().decode()
    with open(root + "records_0", "rb") as pipe:
        magic, length = struct.unpack("<II", pipe.read(8))
        seen["record"] = [magic, pipe.read(length).decode(), len(pipe.read())]
    orders = set()
    for epoch in range(8):
        with open(f"{root}shuffled_{epoch}", "rb") as pipe:
            orders.add(pipe.read().decode())
    seen["orders"] = len(orders)
    seen["gone"] = not os.path.exists(root + "plain_0")
    print("SEEN", json.dumps(seen))
    """
    got = seen(
        aws,
        "reading-pipes",
        script,
        channel("plain", "piped", InputMode="Pipe"),
        channel("large", "large", InputMode="Pipe"),
        channel("squeezed", "squeezed", InputMode="Pipe", CompressionType="Gzip"),
        channel("records", "piped", InputMode="Pipe", RecordWrapperType="RecordIO"),
        channel("shuffled", "piped", InputMode="Pipe", ShuffleConfig={"Seed": 1}),
        channel("unread", "piped", InputMode="Pipe"),
        channel("file", "piped", InputMode="FastFile"),
    )
    names = ["large_0", "plain_0", "records_0", "shuffled_0", "squeezed_0", "unread_0"]
    assert got["names"] == ["file", *names]
    assert got["plain 0"] == got["plain 1"] == "object 0;object 1;object 2;"
    assert got["large 1"] == hashlib.sha256(big).hexdigest()
    assert got["squeezed"] == "unpacked"
    rest = 3 + 2 * (8 + 12)  # the padding of the first record, and two more records
    assert got["record"] == [0xCED7230A, "object 0;", rest]
    assert got["orders"] > 1
    assert got["gone"]
    modes = {name: config["TrainingInputMode"] for name, config in got["config"].items()}
    assert modes["plain"] == "Pipe" and modes["file"] == "FastFile"


def test_a_pipe_that_cannot_be_filled_fails_the_job(aws):
    aws.put("not-gzip/a.gz", b"this is no gzip")
    script = """
    import os
    with open(os.environ["SM_INPUT_DIR"] + "/data/train_0", "rb") as pipe:
        pipe.read()
    with open(os.environ["SM_INPUT_DIR"] + "/data/train_1", "rb") as pipe:
        pipe.read()
    """
    channels = [channel("train", "not-gzip", InputMode="Pipe", CompressionType="Gzip")]
    aws.sagemaker.create_training_job(**aws.job_request("bad-pipe", script, InputDataConfig=channels))
    job = aws.wait_for_job("bad-pipe", *FINAL)
    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("ClientError: Data download failed: Not a gzipped file")


def test_a_manifest_names_the_files(aws):
    for name in ("a.csv", "deep/b.csv", "unnamed.csv"):
        aws.put(f"listed/{name}", name.encode())
    manifest = [{"prefix": f"s3://{DEFAULT_BUCKET}/listed/"}, "a.csv", "deep/b.csv"]
    aws.put("lists/good", json.dumps(manifest).encode())
    script = """
    import glob, json, os
    folder = os.environ["SM_CHANNEL_TRAIN"]
    names = filter(os.path.isfile, glob.glob(folder + "/**", recursive=True))
    print("SEEN", json.dumps(sorted(os.path.relpath(name, folder) for name in names)))
    """
    got = seen(aws, "manifest-job", script, channel("train", "lists/good", "ManifestFile"))
    assert got == ["a.csv", "deep/b.csv"]
    for name, text in (
        ("bad", b"{}"),
        ("gone", None),
        ("absent", json.dumps([manifest[0], "no-such"]).encode()),
        ("out", json.dumps([{"prefix": f"s3://{DEFAULT_BUCKET}/"}, "listed/../../a"]).encode()),
    ):
        if text is not None:
            aws.put(f"lists/{name}", text)
        request = aws.job_request(
            f"manifest-{name}", "", InputDataConfig=[channel("train", f"lists/{name}", "ManifestFile")]
        )
        try:
            aws.sagemaker.create_training_job(**request)
        except aws.sagemaker.exceptions.ClientError as error:
            assert error.response["Error"]["Code"] == "ValidationException"
            assert f"lists/{name}" in error.response["Error"]["Message"]
        else:
            raise AssertionError(f"{name} was not refused")


def test_the_sdk_gives_channels_in_every_form(sdk, aws, tmp_path):
    from sagemaker.inputs import TrainingInput
    from sagemaker.pytorch import PyTorch

    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "local.csv").write_text("1")
    uri = aws.put("forms/a.csv", b"1").rpartition("/")[0]
    (tmp_path / "train.py").write_text(
        "import json, os\n"
        "data = os.environ['SM_INPUT_DIR'] + '/data'\n"
        "seen = {name: sorted(os.listdir(f'{data}/{name}')) for name in os.listdir(data) if '_' not in name}\n"
        "pipe = f'{data}/piped_0'\n"
        "seen['piped'] = open(pipe).read() if os.path.exists(pipe) else ''\n"
        "print('SEEN', json.dumps(seen))\n"
    )
    estimator = PyTorch(
        entry_point=str(tmp_path / "train.py"),
        role=sdk[1],
        framework_version="2.6.0",
        py_version="py312",
        instance_count=1,
        instance_type="ml.m5.large",
        sagemaker_session=sdk[0],
    )
    inputs = {
        "text": uri,
        "object": TrainingInput(uri, content_type="text/csv", distribution="ShardedByS3Key"),
        "piped": TrainingInput(uri, input_mode="Pipe"),
        "disk": TrainingInput(f"file://{tmp_path}/data"),
    }
    for given, expected in (
        (uri, {"training": ["a.csv"], "piped": ""}),
        (inputs, {"text": ["a.csv"], "object": ["a.csv"], "disk": ["local.csv"], "piped": "1"}),
    ):
        estimator.fit(given)
        lines = aws.messages(GROUP, f"{estimator.latest_training_job.name}/")
        (line,) = [line for line in lines if line.startswith("SEEN ")]
        assert json.loads(line.removeprefix("SEEN ")) == expected
