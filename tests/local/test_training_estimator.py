"""What an estimator of the SDK can be given, and what its script sees of it; checkpoints, metrics, attaching."""

import io
import json
import tarfile
import threading
import time

import pytest

from byom.local.account import DEFAULT_BUCKET

from .clients import targz, wait

GROUP = "/aws/sagemaker/TrainingJobs"
LOOK = """
import json, logging, os, sys
seen = {"environment": dict(os.environ), "arguments": sys.argv[1:], "files": sorted(os.listdir("."))}
sys.path.append("library")
import shared
seen["shared"] = shared.value
with open(os.path.join(os.environ["SM_OUTPUT_DATA_DIR"], "seen.json"), "w") as file:
    json.dump(seen, file)
"""
VALUES = {
    "text": "plain",
    "number": 3,
    "real": 0.25,
    "yes": True,
    "items": [1, "b"],
    "table": {"a": {"b": None}},
    "nothing": None,
    "unicode": "naïve ✓",
    "quotes": 'it\'s "so" $HOME `x` \\',
    "long": "x" * 2400,
    "digits": "007",
    "folder": "/opt/ml/checkpoints",
}


@pytest.fixture
def estimator(sdk, tmp_path):
    """Make an estimator for one script; the arguments are the SDK's own."""
    from sagemaker.pytorch import PyTorch

    def make(script=None, **more):
        if script is not None:
            (tmp_path / "code").mkdir(exist_ok=True)
            (tmp_path / "code" / "train.py").write_text(script)
            more.setdefault("source_dir", str(tmp_path / "code"))
        return PyTorch(
            **{
                "entry_point": "train.py",
                "role": sdk[1],
                "framework_version": "2.6.0",
                "py_version": "py312",
                "instance_count": 1,
                "instance_type": "ml.m5.large",
                "sagemaker_session": sdk[0],
                **more,
            }
        )

    return make


def output(aws, estimator):
    """What the LOOK script of the estimator's job saw."""
    description = estimator.latest_training_job.describe()
    uri = description["ModelArtifacts"]["S3ModelArtifacts"].replace("model.tar.gz", "output.tar.gz")
    bucket, key = uri.removeprefix("s3://").split("/", 1)
    body = aws.s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(body)) as tar:
        return json.load(tar.extractfile("seen.json"))


def test_a_script_sees_what_the_estimator_was_given(estimator, aws, tmp_path):
    (tmp_path / "library").mkdir()
    (tmp_path / "library" / "shared.py").write_text("value = 7")
    given = estimator(
        LOOK,
        dependencies=[str(tmp_path / "library")],
        code_location=f"s3://{DEFAULT_BUCKET}/code-here",
        output_path=f"s3://{DEFAULT_BUCKET}/output-here",
        base_job_name="all-settings",
        hyperparameters=dict(VALUES),  # the SDK adds its own to it
        environment={"MODE": "a b=c", "PYTHONPATH": "/opt/ml/code/extra", "AT": "/opt/ml/model"},
        container_log_level=30,
        volume_size=5,
        volume_kms_key="a-key",
        output_kms_key="another-key",
        max_run=600,
        max_wait=900,
        use_spot_instances=True,
        keep_alive_period_in_seconds=60,
        enable_network_isolation=False,
        encrypt_inter_container_traffic=True,
        tags=[{"Key": "k", "Value": "v"}],
    )
    given.fit({"train": aws.put("settings/a.csv", b"1")})
    description = given.latest_training_job.describe()
    job = description["TrainingJobName"]
    assert job.startswith("all-settings-")
    assert given.model_data == f"s3://{DEFAULT_BUCKET}/output-here/{job}/output/model.tar.gz"
    code = given.hyperparameters()["sagemaker_submit_directory"]
    assert json.loads(code) == f"s3://{DEFAULT_BUCKET}/code-here/{job}/source/sourcedir.tar.gz"
    assert description["OutputDataConfig"]["KmsKeyId"] == "another-key"
    assert description["EnableManagedSpotTraining"] and description["EnableInterContainerTrafficEncryption"]

    seen = output(aws, given)
    assert seen["shared"] == 7
    assert {"train.py", "library"} <= set(seen["files"])
    variables = seen["environment"]
    hyperparameters = json.loads(variables["SM_HPS"])
    base = variables["SM_MODEL_DIR"].removesuffix("/model")
    assert hyperparameters == VALUES | {"folder": f"{base}/checkpoints"}
    arguments = dict(zip(seen["arguments"][::2], seen["arguments"][1::2], strict=True))
    assert arguments["--yes"] == "True" and arguments["--real"] == "0.25" and arguments["--digits"] == "007"
    assert arguments["--unicode"] == VALUES["unicode"] and arguments["--quotes"] == VALUES["quotes"]
    assert arguments["--long"] == VALUES["long"] and json.loads(arguments["--items"].replace("'", '"')) == [1, "b"]
    assert (variables["MODE"], variables["AT"]) == ("a b=c", f"{base}/model")
    assert f"{base}/code/extra" in variables["PYTHONPATH"].split(":")
    expected = {
        "SM_HOSTS": '["algo-1"]',
        "SM_CURRENT_HOST": "algo-1",
        "SM_CURRENT_INSTANCE_TYPE": "ml.m5.large",
        "SM_CURRENT_INSTANCE_GROUP": "homogeneousCluster",
        "SM_CURRENT_INSTANCE_GROUP_HOSTS": '["algo-1"]',
        "SM_INSTANCE_GROUPS": '["homogeneousCluster"]',
        "SM_NETWORK_INTERFACE_NAME": "lo",
        "SM_HP_NUMBER": "3",
        "SM_CHANNELS": '["train"]',
        "SM_CHANNEL_TRAIN": f"{base}/input/data/train",
        "SM_USER_ENTRY_POINT": "train.py",
        "SM_MODULE_NAME": "train",
        "SM_MODULE_DIR": json.loads(code),
        "SM_FRAMEWORK_MODULE": "sagemaker_pytorch_container.training:main",
        "SM_INPUT_DIR": f"{base}/input",
        "SM_INPUT_CONFIG_DIR": f"{base}/input/config",
        "SM_OUTPUT_DIR": f"{base}/output",
        "SM_OUTPUT_DATA_DIR": f"{base}/output/data",
        "SM_OUTPUT_INTERMEDIATE_DIR": f"{base}/output/intermediate",
        "SM_NUM_NEURONS": "0",
        "SM_LOG_LEVEL": "30",
        "TRAINING_JOB_NAME": job,
    }
    assert {name: variables.get(name) for name in expected} == expected
    names = "INSTANCE_GROUPS_DICT USER_ARGS FRAMEWORK_PARAMS RESOURCE_CONFIG INPUT_DATA_CONFIG NUM_CPUS NUM_GPUS"
    for name in [*names.split(), "TRAINING_ENV"]:
        json.loads(variables[f"SM_{name}"])
    # at this level the toolkit says nothing, so that only the first line is ours
    assert len(aws.messages(GROUP, f"{job}/")) == 1


def test_source_code_that_is_already_in_s3(estimator, aws):
    files = {"train.py": LOOK.encode(), "library/shared.py": b"value = 8"}
    uri = aws.put("ready/sourcedir.tar.gz", targz(files))
    # without a network the SDK sends the archive as a channel
    for isolated in (False, True):
        given = estimator(source_dir=uri, enable_network_isolation=isolated)
        given.fit()
        seen = output(aws, given)
        assert seen["shared"] == 8
        assert ("SM_CHANNEL_CODE" in seen["environment"]) == isolated


def test_checkpoints_are_kept_while_a_job_runs_and_found_by_the_next(estimator, aws):
    script = """
import argparse, os, pathlib, time
parser = argparse.ArgumentParser()
parser.add_argument("--at", type=pathlib.Path)
at = parser.parse_args().at
assert str(at) == os.environ["SM_CHECKPOINT_DIR"]
epoch = int((at / "epoch").read_text()) + 1 if (at / "epoch").exists() else 0
print("begins at", epoch, flush=True)
(at / "deep").mkdir(exist_ok=True)
(at / "deep" / str(epoch)).write_text("weights")
(at / "epoch").write_text(str(epoch))
if epoch == 0:
    time.sleep(600)
"""
    place = f"s3://{DEFAULT_BUCKET}/checkpoints/one"
    settings = {"checkpoint_s3_uri": place, "hyperparameters": {"at": "/opt/ml/checkpoints"}}
    first = estimator(script, **settings)
    first.fit(wait=False)

    def keys():
        found = aws.s3.list_objects_v2(Bucket=DEFAULT_BUCKET, Prefix="checkpoints/one/").get("Contents", [])
        return {item["Key"].removeprefix("checkpoints/one/") for item in found}

    wait(lambda: keys() == {"epoch", "deep/0"}, "the checkpoints of a running job")
    first.latest_training_job.stop()
    aws.wait_for_job(first.latest_training_job.name, "Stopped")
    second = estimator(script, **settings, checkpoint_local_path="/opt/ml/checkpoints")
    second.fit()
    assert "begins at 1" in aws.messages(GROUP, f"{second.latest_training_job.name}/")
    assert keys() == {"epoch", "deep/0", "deep/1"}


def test_a_running_job_is_attached_to_and_shows_its_metrics(estimator, aws, sdk, tmp_path, capsys):
    from sagemaker.pytorch import PyTorch

    go = tmp_path / "go"
    script = f"""
import os, time
print("loss=nan; loss=much; loss=more; loss=0.5;", flush=True)
while not os.path.exists({str(go)!r}):
    time.sleep(0.05)
print("loss=1e-3;")
"""
    definitions = [
        {"Name": "loss", "Regex": "loss=(.*?);"},
        {"Name": "no-group", "Regex": "loss"},
        {"Name": "broken", "Regex": "(loss"},
    ]
    started = estimator(script, metric_definitions=definitions)
    started.fit(wait=False)
    name = started.latest_training_job.name

    def metrics():
        found = aws.sagemaker.describe_training_job(TrainingJobName=name).get("FinalMetricDataList", [])
        return {metric["MetricName"]: round(metric["Value"], 6) for metric in found}

    wait(lambda: metrics() == {"loss": 0.5}, "the metric of a running job")
    again = []
    attaching = threading.Thread(target=lambda: again.append(PyTorch.attach(name, sagemaker_session=sdk[0])))
    attaching.start()
    time.sleep(0.3)
    assert attaching.is_alive()
    go.touch()
    attaching.join()
    assert metrics() == {"loss": 0.001}
    assert again[0].model_data == started.model_data
    assert "Training job completed" in capsys.readouterr().out  # attaching shows states, not the log
    said = [line for line in aws.messages(GROUP, f"{name}/") if line.startswith("byom.local: the metric")]
    assert [line.split()[3] for line in said] == ["no-group", "broken", "loss"]


def test_a_script_that_names_the_folder_of_aws_is_told_where_its_own_is(estimator, aws):
    from sagemaker.exceptions import UnexpectedStatusException

    failing = estimator("open('/opt/ml/input/data/train/a.csv')")
    with pytest.raises(UnexpectedStatusException, match="No such file or directory: '/opt/ml/input"):
        failing.fit()
    last = aws.messages(GROUP, f"{failing.latest_training_job.name}/")[-1]
    assert last.startswith("byom.local: the script seems to name /opt/ml itself.")
