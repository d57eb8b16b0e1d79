"""MXNet's estimators: programs, the train() interface of before 1.3, and the parameter server, twice at once."""

import importlib.util
import io
import json
import socket
import tarfile
import textwrap

import pytest

pytestmark = pytest.mark.skipif(importlib.util.find_spec("mxnet") is None, reason="mxnet has no wheel for this machine")
GROUP = "/aws/sagemaker/TrainingJobs"
SERVERS = {"parameter_server": {"enabled": True}}

PROGRAM = """
import argparse, json, os
import mxnet as mx

def train(rate):
    store = mx.kv.create("dist_sync")
    store.init(0, mx.nd.zeros(2))
    store.push(0, mx.nd.ones(2) * (store.rank + 1))
    total = mx.nd.zeros(2)
    store.pull(0, total)
    print("summed", total.asnumpy().tolist(), "by", store.num_workers, "at", rate)

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--rate", type=float)
    train(parser.parse_args().rate)
"""

FUNCTION = """
import os
import mxnet as mx
from beside import width

def train(hyperparameters, input_data_config, channel_input_dirs, output_data_dir, num_gpus, num_cpus, hosts,
          current_host):
    store = mx.kv.create("dist_sync" if len(hosts) > 1 else "local")
    print("store", store.type, store.num_workers, "hosts", hosts, current_host)
    print("given", sorted(hyperparameters.items()), input_data_config, num_gpus, num_cpus > 0)
    print("read", os.listdir(channel_input_dirs["training"]))
    with open(os.path.join(output_data_dir, "note"), "w") as file:
        file.write("kept")
    dense = mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=width, name="dense")
    module = mx.mod.Module(mx.sym.SoftmaxOutput(dense, name="softmax"))
    batches = mx.io.NDArrayIter(mx.nd.ones((8, 3)), mx.nd.zeros(8), batch_size=4)
    module.fit(batches, num_epoch=1, kvstore=store)
    return module
"""

SAVING = """
def train(**kwargs):
    print("given", sorted(kwargs))
    return "a model"

def save(model, model_dir):
    with open(model_dir + "/mine", "w") as file:
        file.write(model)
"""


@pytest.fixture
def estimator(sdk, tmp_path):
    """Make an estimator of a version, for one script."""
    from sagemaker.mxnet import MXNet

    def make(version, script, hosts=1, **more):
        (tmp_path / version).mkdir()
        (tmp_path / version / "train.py").write_text(textwrap.dedent(script))
        (tmp_path / version / "beside.py").write_text("width = 2")
        return MXNet(
            entry_point="train.py",
            source_dir=str(tmp_path / version),
            role=sdk[1],
            framework_version=version,
            py_version="py38" if version >= "1.8" else "py3",
            instance_count=hosts,
            instance_type="ml.m5.large",
            sagemaker_session=sdk[0],
            **more,
        )

    return make


def log(aws, estimator):
    return aws.messages(GROUP, f"{estimator.latest_training_job.name}/")


def model(aws, estimator):
    """The files of the model archive by name."""
    bucket, key = estimator.model_data.removeprefix("s3://").split("/", 1)
    body = aws.s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(body)) as tar:
        return {member.name: tar.extractfile(member).read() for member in tar}


def test_parameter_servers_of_both_interfaces_at_once(estimator, aws):
    """Both take port 8000. The old interface starts its servers by itself, and saves the Module by default."""
    data = aws.put("mxnet/training/a.csv", b"1").rpartition("/")[0]
    new = estimator("1.9.0", PROGRAM, 2, hyperparameters={"rate": 0.5}, distribution=SERVERS)
    old = estimator("1.2.1", FUNCTION, 2, hyperparameters={"rate": 0.5, "layers": [3, 4], "name": "a b"})
    new.fit(wait=False)
    old.fit(data)
    new.latest_training_job.wait(logs=False)
    assert log(aws, new).count("summed [3.0, 3.0] by 2 at 0.5") == 2
    said = log(aws, old)
    assert "store dist_sync 2 hosts ['algo-1', 'algo-2'] algo-1" in said
    assert "store dist_sync 2 hosts ['algo-1', 'algo-2'] algo-2" in said
    (given,) = {line for line in said if line.startswith("given ")}
    assert given.startswith("given [('layers', [3, 4]), ('name', 'a b'), ('rate', 0.5)] {'training': {")
    assert "read ['a.csv']" in said
    saved = model(aws, old)
    assert saved.keys() == {"model-symbol.json", "model-0000.params", "model-shapes.json"}
    assert json.loads(saved["model-shapes.json"]) == [{"name": "data", "shape": [4, 3]}]


def test_a_port_that_is_taken_fails_the_job_instead_of_letting_it_wait(estimator):
    from sagemaker.exceptions import UnexpectedStatusException

    with socket.create_server(("", 0)) as taken:
        port = taken.getsockname()[1]
        job = estimator("1.9.0", PROGRAM, 2, hyperparameters={"_ps_port": port}, distribution=SERVERS)
        with pytest.raises(UnexpectedStatusException, match=f"The parameter server can't listen at port {port}"):
            job.fit()


def test_an_old_script_takes_what_it_names_and_saves_itself(estimator, aws):
    old = estimator("1.1.0", SAVING)
    old.fit()
    names = "channel_input_dirs current_host hosts hyperparameters input_data_config model_dir num_cpus num_gpus"
    assert f"given {[*names.split(), 'output_data_dir']}" in log(aws, old)
    assert model(aws, old) == {"mine": b"a model"}


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("def train(num_gpus, no_such):\n    pass", r"uncaught exception during training: .*no_such"),
        ("def train():\n    raise SystemExit(3)", r"The script ended by sys\.exit\(3\)"),
    ],
)
def test_an_old_script_that_ends_badly_says_why(estimator, script, reason):
    from sagemaker.exceptions import UnexpectedStatusException

    with pytest.raises(UnexpectedStatusException, match=reason):
        estimator("1.0.0", script).fit()


def test_a_script_for_the_other_interface_hears_which_one_its_version_wants(estimator, aws):
    from sagemaker.exceptions import UnexpectedStatusException

    with pytest.raises(
        UnexpectedStatusException, match=r"has no function train\(\.\.\.\), which MXNet before version 1"
    ):
        estimator("0.12.1", "if __name__ == '__main__':\n    print('trained')").fit()
    new = estimator("1.3.0", FUNCTION)
    new.fit()
    (told,) = [line for line in log(aws, new) if line.startswith("byom.local: train.py")]
    assert "defines train(...) and never calls it. MXNet 1.3.0 runs the script as a program" in told
