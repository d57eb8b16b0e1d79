"""Models of PyTorch and MXNet behind endpoints: the toolkits' default handlers, user functions, the SDK's models."""

import importlib.util
import io
import json
import textwrap
import uuid

import numpy as np
import pytest
from botocore.exceptions import ClientError

from .clients import targz

needs_mxnet = pytest.mark.skipif(
    importlib.util.find_spec("mxnet") is None, reason="mxnet has no wheel for this machine"
)
POINTS = [[1.0, 2.0], [3.0, 4.0], [-1.0, 0.5]]
VERSIONS = {
    "pytorch": {"framework_version": "2.6.0", "py_version": "py312"},
    "mxnet": {"framework_version": "1.9.0", "py_version": "py38"},
}


def torchscript():
    """An archive's `model.pt`: the sum of each row, and of nothing else."""
    import torch

    class Sum(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.sum(1, keepdim=True)

    buffer = io.BytesIO()
    torch.jit.save(torch.jit.script(Sum()), buffer)
    return {"model.pt": buffer.getvalue()}


def module(folder):
    """What MXNet's pre-1.3 `save` wrote of a Module: twice the first column, plus the second."""
    import mxnet as mx

    net = mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=1, name="dense")
    made = mx.mod.Module(net, data_names=["data"], label_names=None)
    made.bind([("data", (1, 2))], for_training=False)
    made.init_params()
    made.set_params({"dense_weight": mx.nd.array([[2, 1]]), "dense_bias": mx.nd.array([0])}, {})
    made.save_checkpoint(str(folder / "model"), 0)
    (folder / "model-shapes.json").write_text(json.dumps([{"name": "data", "shape": [1, 2]}]))
    return {path.name: path.read_bytes() for path in folder.glob("model-*")}


GLUON = """
    import mxnet as mx
    def model_fn(model_dir):
        net = mx.gluon.nn.Dense(1, in_units=2)
        net.initialize(mx.init.One())
        return net
"""


@pytest.fixture
def deploy(sdk, aws, tmp_path):
    """Put a model of the SDK behind an endpoint; returns its predictor. All is deleted afterwards."""
    made = []

    def put(framework, script, files=None, **more):
        from sagemaker.mxnet import MXNetModel
        from sagemaker.pytorch import PyTorchModel

        session, role = sdk
        (tmp_path / "serve.py").write_text(textwrap.dedent(script))
        model = {"pytorch": PyTorchModel, "mxnet": MXNetModel}[framework](
            model_data=aws.put(f"{uuid.uuid4().hex}/model.tar.gz", targz(files or {"weights": b"w"})),
            role=role,
            sagemaker_session=session,
            **{"entry_point": str(tmp_path / "serve.py"), **VERSIONS[framework], **more},
        )
        made.append(model)
        return model.deploy(initial_instance_count=1, instance_type="ml.m5.large")

    yield put
    for model in made:
        name = model.endpoint_name
        if name in [e["EndpointName"] for e in aws.sagemaker.list_endpoints(MaxResults=100)["Endpoints"]]:
            model.sagemaker_session.delete_endpoint(name)


def ask(aws, predictor, body, kind, accept="application/json"):
    answer = aws.sagemaker_runtime.invoke_endpoint(
        EndpointName=predictor.endpoint_name, Body=body, ContentType=kind, Accept=accept
    )
    assert answer["ContentType"] == accept
    return answer["Body"].read()


def npy(values, dtype="float32"):
    buffer = io.BytesIO()
    np.save(buffer, np.array(values, dtype))
    return buffer.getvalue()


def csv(values):
    return "\n".join(",".join(map(str, row)) for row in values).encode()


def test_pytorch_by_the_toolkits_own_handlers_and_what_they_refuse(deploy, aws):
    predictor = deploy("pytorch", "", torchscript())
    sums = np.sum(POINTS, 1, keepdims=True)
    for body, kind in (
        (json.dumps(POINTS).encode(), "application/json"),
        (csv(POINTS), "text/csv"),
        (npy(POINTS), "application/x-npy"),
    ):
        np.testing.assert_allclose(json.loads(ask(aws, predictor, body, kind)), sums)
    np.testing.assert_allclose(predictor.predict(np.float32(POINTS)), sums)  # NPY both ways
    assert ask(aws, predictor, csv(POINTS), "text/csv", "text/csv").split() == [b"3.0", b"7.0", b"-0.5"]
    # what AWS's toolkit does with NaN: Python's JSON has it
    assert ask(aws, predictor, b"[[NaN, 1.0]]", "application/json") == b"[[NaN]]"
    for body, kind, accept, text in (
        (b"[[1, 2", "application/json", "application/json", "JSONDecodeError"),
        (b"[[1, 2], [3]]", "application/json", "application/json", "can't convert np.ndarray of type numpy.object_"),
        (b"", "application/json", "application/json", "JSONDecodeError"),
        (b"", "application/x-npy", "application/json", "EOFError"),
        (npy(POINTS)[:-5], "application/x-npy", "application/json", "cannot reshape array|buffer is too small|bytes"),
        (npy([{}], object), "application/x-npy", "application/json", "numpy.object_"),
        (b"a,b", "text/csv", "application/json", "numpy.bytes_"),
        (b"\x89PNG", "image/png", "application/json", "Content type image/png is not supported"),
        (b"[[1, 2]]", "application/json", "image/png", "Content type image/png is not supported"),
        (b"\xff\xfe", "application/json", "application/json", "UnicodeDecodeError"),
    ):
        with pytest.raises(ClientError, match=text) as caught:
            ask(aws, predictor, body, kind, accept)
        assert caught.value.response["Error"]["Code"] == "ModelError"
        assert caught.value.response["OriginalStatusCode"] == 500
    assert json.loads(ask(aws, predictor, b"[[1, 2]]", "application/json")) == [[3]]


@needs_mxnet
def test_mxnet_module_by_the_toolkits_own_handlers(deploy, aws, tmp_path):
    predictor = deploy("mxnet", "", module(tmp_path))
    expected = [[2 * a + b] for a, b in POINTS]
    for body, kind in (
        (json.dumps(POINTS).encode(), "application/json"),
        (csv(POINTS), "text/csv"),
        (npy(POINTS), "application/x-npy"),
    ):
        np.testing.assert_allclose(json.loads(ask(aws, predictor, body, kind)), expected)
    np.testing.assert_allclose(predictor.predict(POINTS), expected)


@needs_mxnet
def test_mxnet_gluon_with_a_model_function(deploy, aws):
    predictor = deploy("mxnet", GLUON, env={"SAGEMAKER_MODEL_SERVER_WORKERS": "2"})
    np.testing.assert_allclose(json.loads(ask(aws, predictor, npy(POINTS), "application/x-npy")), [[3], [7], [-0.5]])
    with pytest.raises(ClientError, match="Content type text/csv is not supported"):
        ask(aws, predictor, csv(POINTS), "text/csv")


TRAIN_FUNCTION = """
    import mxnet as mx

    def train(hyperparameters):
        net = mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=1, no_bias=True, name="dense")
        made = mx.mod.Module(net, data_names=["data"], label_names=None)
        made.bind([("data", (1, 2))], for_training=False)
        made.init_params(mx.init.Constant(hyperparameters["factor"]))
        return made
"""


@needs_mxnet
def test_what_mxnets_train_function_returned_is_deployed_from_the_job(sdk, aws, tmp_path):
    from sagemaker.mxnet import MXNet

    (tmp_path / "train.py").write_text(textwrap.dedent(TRAIN_FUNCTION))
    estimator = MXNet(
        entry_point=str(tmp_path / "train.py"),
        role=sdk[1],
        framework_version="1.2.1",
        py_version="py3",
        instance_count=1,
        instance_type="ml.m5.large",
        sagemaker_session=sdk[0],
        hyperparameters={"factor": 3},
    )
    estimator.fit(logs=False)
    predictor = estimator.deploy(initial_instance_count=1, instance_type="ml.m5.large")
    np.testing.assert_allclose(predictor.predict(POINTS), 3 * np.sum(POINTS, 1, keepdims=True))
    model = estimator.create_model()  # whose code stays in an archive of its own, as for all images of before 1.4
    container = model.prepare_container_def("ml.m5.large")
    assert container["Environment"]["SAGEMAKER_SUBMIT_DIRECTORY"].startswith("s3://")
    predictor.delete_endpoint()


FUNCTIONS = """
    import json, os
    import tiny
    from lib import beside  # where the SDK packs the dependencies of a model

    def model_fn(model_dir, context):
        return [sorted(os.listdir(model_dir)), os.environ["COLOUR"], os.environ["SAGEMAKER_REGION"]]

    def input_fn(body, content_type, context):
        return [content_type, bytes(body).decode(), context.get_request_header(0, "accept")]

    class Predict:
        __hash__ = None  # a callable without a hash, as a dataclass is

        def __call__(self, data, model):
            return {"data": data, "model": model, "beside": beside.WORD, "tiny": tiny.WORD}

    predict_fn = Predict()

    def output_fn(prediction, accept):
        return json.dumps(prediction), accept
"""


def wheel():
    """A package that is nowhere else."""
    import zipfile

    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("tiny.py", "WORD = 'installed'")
        archive.writestr("tiny-1.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1\n")
        archive.writestr("tiny-1.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr("tiny-1.dist-info/RECORD", "")
    return buffer.getvalue()


def test_user_functions_with_context_source_dir_dependencies_and_requirements(deploy, aws, tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    (source / "serve.py").write_text(textwrap.dedent(FUNCTIONS))
    (source / "tiny-1-py3-none-any.whl").write_bytes(wheel())
    (source / "requirements.txt").write_text("${SAGEMAKER_BASE_DIR}/model/code/tiny-1-py3-none-any.whl\n")
    (tmp_path / "beside.py").write_text("WORD = 'packed'")
    predictor = deploy(
        "pytorch",
        "",
        entry_point="serve.py",
        source_dir=str(source),
        dependencies=[str(tmp_path / "beside.py")],
        env={"COLOUR": "blue"},
    )
    answer = json.loads(ask(aws, predictor, b"words", "text/plain"))
    assert answer == {
        "data": ["text/plain", "words", "application/json"],
        "model": [["code", "weights"], "blue", "us-east-1"],
        "beside": "packed",
        "tiny": "installed",
    }
    with pytest.raises(ModuleNotFoundError):
        import tiny  # noqa: F401 - requirements are for the container alone


def test_functions_that_exclude_each_other_fail_with_the_toolkits_own_error(deploy, aws):
    from sagemaker.exceptions import UnexpectedStatusException

    script = "def transform_fn(m, b, c, a): return b\ndef predict_fn(d, m): return d\n"
    with pytest.raises(UnexpectedStatusException, match="Cannot use transform_fn implementation in conjunction"):
        deploy("pytorch", script, torchscript())


def test_a_requirement_that_cannot_be_installed_fails_the_endpoint_with_pips_words(deploy, tmp_path):
    from sagemaker.exceptions import UnexpectedStatusException

    source = tmp_path / "source"
    source.mkdir()
    (source / "serve.py").write_text("")
    (source / "requirements.txt").write_text("./no-such-folder-of-mine\n")
    with pytest.raises(UnexpectedStatusException, match="no-such-folder-of-mine"):
        deploy("pytorch", "", entry_point="serve.py", source_dir=str(source))


def test_the_predictors_own_update_and_deletion(deploy, sdk, aws, tmp_path):
    predictor = deploy("pytorch", "def model_fn(d): return 1\ndef predict_fn(d, m): return d + m\n")
    first = predictor.predict(np.float32([1]))
    assert first == [2]
    from sagemaker.pytorch import PyTorchModel

    session, role = sdk
    (tmp_path / "other.py").write_text("def model_fn(d): return 10\ndef predict_fn(d, m): return d + m\n")
    other = PyTorchModel(
        model_data=aws.put("other/model.tar.gz", targz({"weights": b""})),
        role=role,
        entry_point=str(tmp_path / "other.py"),
        sagemaker_session=session,
        **VERSIONS["pytorch"],
    )
    other.create(instance_type="ml.m5.large")
    predictor.update_endpoint(model_name=other.name, initial_instance_count=1, instance_type="ml.m5.large")
    assert predictor.predict(np.float32([1])) == [11]
    config = aws.sagemaker.describe_endpoint(EndpointName=predictor.endpoint_name)["EndpointConfigName"]
    assert config != predictor.endpoint_name
    predictor.delete_model()
    predictor.delete_endpoint()
    for gone in (
        lambda: aws.sagemaker.describe_endpoint(EndpointName=predictor.endpoint_name),
        lambda: aws.sagemaker.describe_endpoint_config(EndpointConfigName=config),
        lambda: aws.sagemaker.describe_model(ModelName=other.name),
    ):
        with pytest.raises(ClientError, match="Could not find"):
            gone()
