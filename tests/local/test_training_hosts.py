"""Training jobs of several hosts: names, streams, ends, merged results, and two jobs with the same ports at once."""

import io
import json
import re
import tarfile

import psutil
import pytest

from byom.local.account import DEFAULT_BUCKET

from .clients import wait

GROUP = "/aws/sagemaker/TrainingJobs"
FINAL = ("Completed", "Failed", "Stopped")


def create(aws, name, script, hosts=2, image=None, **changes):
    """Start a job of several hosts; hyperparameters beside the two of the toolkit as `HyperParameters`."""
    hyperparameters = changes.pop("HyperParameters", {})
    request = aws.job_request(name, script, **changes)
    request["HyperParameters"] |= hyperparameters
    if "ResourceConfig" not in changes:
        request["ResourceConfig"]["InstanceCount"] = hosts
    if image:
        request["AlgorithmSpecification"]["TrainingImage"] = image
    aws.sagemaker.create_training_job(**request)


def completed(aws, name):
    """The job's log lines by host, once it has ended well."""
    job = aws.wait_for_job(name, *FINAL)
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    return lines(aws, name)


def lines(aws, name):
    streams = aws.logs.describe_log_streams(logGroupName=GROUP, logStreamNamePrefix=f"{name}/")["logStreams"]
    hosts = {stream["logStreamName"].split("/")[1].rpartition("-")[0] for stream in streams}
    return {host: aws.messages(GROUP, f"{name}/{host}-") for host in hosts}


def archived(aws, name, archive="model.tar.gz"):
    body = aws.s3.get_object(Bucket=DEFAULT_BUCKET, Key=f"out/{name}/output/{archive}")["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(body)) as tar:
        return {member.name: tar.extractfile(member).read().decode() for member in tar if member.isfile()}


def test_each_host_sees_itself_and_what_all_wrote_is_one_archive(aws):
    for i in range(5):
        aws.put(f"shards/{i}.csv", b"x")
    script = """
    import json, os, pathlib, socket
    me = os.environ["SM_CURRENT_HOST"]
    seen = {name: sorted(os.listdir(os.environ[f"SM_CHANNEL_{name}"])) for name in ("ALL", "SHARD")}
    seen |= {"hosts": json.loads(os.environ["SM_HOSTS"]), "group": os.environ["SM_CURRENT_INSTANCE_GROUP"],
             "types": os.environ["SM_CURRENT_INSTANCE_TYPE"], "names": json.loads(os.environ["SM_CHANNELS"])}
    model = pathlib.Path(os.environ["SM_MODEL_DIR"])
    (model / f"{me}.json").write_text(json.dumps(seen))
    (model / "same").write_text(me)
    (model / "deep").mkdir()
    (model / "deep" / me).write_text("")
    pathlib.Path(os.environ["SM_OUTPUT_DATA_DIR"], f"note-{me}").write_text("")
    assert len({socket.gethostbyname(host) for host in seen["hosts"]}) == len(seen["hosts"])
    """
    uri = f"s3://{DEFAULT_BUCKET}/shards"

    def channel(name, distribution, **more):
        source = {"S3DataType": "S3Prefix", "S3Uri": uri, "S3DataDistributionType": distribution, **more}
        return {"ChannelName": name, "DataSource": {"S3DataSource": source}}

    groups = [
        {"InstanceGroupName": "big", "InstanceType": "ml.m5.xlarge", "InstanceCount": 1},
        {"InstanceGroupName": "small", "InstanceType": "ml.m5.large", "InstanceCount": 2},
    ]
    create(
        aws,
        "seeing-hosts",
        script,
        ResourceConfig={"InstanceGroups": groups, "VolumeSizeInGB": 1},
        InputDataConfig=[
            channel("all", "FullyReplicated"),
            channel("shard", "ShardedByS3Key"),
            channel("one", "FullyReplicated", InstanceGroupNames=["big"]),
        ],
    )
    assert set(completed(aws, "seeing-hosts")) == {"algo-1", "algo-2", "algo-3"}
    model = archived(aws, "seeing-hosts")
    assert model["same"] == "algo-1"
    assert {"deep/algo-1", "deep/algo-2", "deep/algo-3"} < model.keys()
    seen = [json.loads(model[f"algo-{i}.json"]) for i in (1, 2, 3)]
    assert [host["SHARD"] for host in seen] == [["0.csv", "3.csv"], ["1.csv", "4.csv"], ["2.csv"]]
    assert all(len(host["ALL"]) == 5 and host["hosts"] == ["algo-1", "algo-2", "algo-3"] for host in seen)
    assert [host["group"] for host in seen] == ["big", "small", "small"]
    assert [host["types"] for host in seen] == ["ml.m5.xlarge", "ml.m5.large", "ml.m5.large"]
    assert [("one" in host["names"]) for host in seen] == [True, False, False]
    notes = archived(aws, "seeing-hosts", "output.tar.gz")
    assert {name.rpartition("/")[2] for name in notes} == {"note-algo-1", "note-algo-2", "note-algo-3"}


def test_one_failing_host_ends_the_others_and_is_named(aws):
    script = """
    import os, time
    if os.environ["SM_CURRENT_HOST"] == "algo-2":
        raise ValueError("only here")
    time.sleep(600)
    """
    create(aws, "one-fails", script)
    job = aws.wait_for_job("one-fails", *FINAL)
    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("AlgorithmError: algo-2: ")
    assert "ValueError: only here" in job["FailureReason"]
    assert job["FailureReason"].endswith("exit code: 1")


def test_hosts_that_wait_for_each_other_end_with_the_job(aws, tmp_path):
    script = f"""
    import os, pathlib, socket
    me = os.environ["SM_CURRENT_HOST"]
    pathlib.Path({str(tmp_path)!r}, me).write_text(str(os.getpid()))
    socket.create_server((me, 5000)).accept()
    """
    create(aws, "deadlock", script, StoppingCondition={"MaxRuntimeInSeconds": 3})
    job = aws.wait_for_job("deadlock", *FINAL)
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "MaxRuntimeExceeded")
    pids = [int(path.read_text()) for path in tmp_path.iterdir()]
    assert len(pids) == 2
    assert not any(psutil.pid_exists(pid) for pid in pids)


def test_more_hosts_than_an_account_has_are_refused(aws):
    with pytest.raises(aws.sagemaker.exceptions.ResourceLimitExceeded, match="service limit for training job usage"):
        create(aws, "too-many", "", hosts=21)


GLOO = """
import json, os, time
import torch
import torch.distributed as dist
hosts = json.loads(os.environ["SM_HOSTS"])
rank = hosts.index(os.environ["SM_CURRENT_HOST"])
os.environ["MASTER_ADDR"] = hosts[0] if len(hosts) > 1 else "localhost"
os.environ["MASTER_PORT"] = "7777"
dist.init_process_group("gloo", rank=rank, world_size=len(hosts))
total = torch.tensor([10.0 ** rank])
dist.all_reduce(total)
print("total", total.item(), "of", dist.get_world_size())
time.sleep(3)  # the port stays taken while the other job wants it
dist.barrier()
"""

TORCHRUN = """
import torch, torch.distributed as dist
dist.init_process_group("gloo")
total = torch.tensor([10.0 ** dist.get_rank()])
dist.all_reduce(total)
print("total", total.item(), "of", dist.get_world_size())
"""


def test_torch_jobs_on_the_same_port_at_once(aws):
    """By SM_HOSTS, at a port that the script chooses, by torchrun, which takes the same one, and on one host alone."""
    create(aws, "gloo", GLOO)
    create(aws, "torchrun", TORCHRUN, HyperParameters={"sagemaker_torch_distributed_enabled": "true"})
    create(aws, "alone", GLOO, hosts=1)
    assert "total 1.0 of 1" in completed(aws, "alone")["algo-1"]
    for name in ("gloo", "torchrun"):
        said = completed(aws, name)
        assert all("total 11.0 of 2" in said[host] for host in ("algo-1", "algo-2")), name


def test_fit_streams_every_host_and_counts_the_seconds_of_all(sdk, tmp_path, capsys):
    from sagemaker.pytorch import PyTorch

    (tmp_path / "train.py").write_text(
        "import os, time\nfor i in range(3):\n    print(os.environ['SM_CURRENT_HOST'], 'step', i)\n"
        "    time.sleep(0.3)\n"
    )
    estimator = PyTorch(
        entry_point=str(tmp_path / "train.py"),
        role=sdk[1],
        framework_version="2.6.0",
        py_version="py312",
        instance_count=2,
        instance_type="ml.m5.large",
        sagemaker_session=sdk[0],
        use_spot_instances=True,
        max_run=60,
        max_wait=60,
    )
    estimator.fit()
    said = re.sub(r"\x1b\[\d+m", "", capsys.readouterr().out).splitlines()
    for host in ("algo-1", "algo-2"):
        assert [line for line in said if line.startswith(f"{host} step")] == [f"{host} step {i}" for i in range(3)]
    seconds = estimator.latest_training_job.describe()["TrainingTimeInSeconds"]
    assert f"Training seconds: {2 * seconds}" in said
    assert said[-1] == "Managed Spot Training savings: 0.0%"
    jobs = sdk[0].sagemaker_client.list_training_jobs(NameContains=estimator.latest_training_job.name)
    assert [job["TrainingJobStatus"] for job in jobs["TrainingJobSummaries"]] == ["Completed"]


def test_every_host_of_a_stopped_job_may_save_what_it_has(aws):
    script = """
    import os, signal, sys, time
    def save(*_):
        if os.environ["SM_CURRENT_HOST"] == "algo-2":
            time.sleep(1)  # after the other one has ended
        with open(f"{os.environ['SM_MODEL_DIR']}/{os.environ['SM_CURRENT_HOST']}", "w") as file:
            file.write("saved")
        sys.exit(1)
    signal.signal(signal.SIGTERM, save)
    print("ready", flush=True)
    time.sleep(600)
    """
    create(aws, "saving-hosts", script)
    wait(lambda: aws.messages(GROUP, "saving-hosts/").count("ready") == 2, "both hosts")
    aws.sagemaker.stop_training_job(TrainingJobName="saving-hosts")
    job = aws.wait_for_job("saving-hosts", *FINAL)
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "Stopped")
    assert archived(aws, "saving-hosts") == {"algo-1": "saved", "algo-2": "saved"}
