"""Answers to the notebook's exercises of the contract unit."""

import argparse
import json
import os
import tarfile
from collections.abc import Mapping
from pathlib import Path

import mxnet as mx
from sagemaker import Predictor, Session
from sagemaker.mxnet import MXNet
from sagemaker.pytorch import PyTorchModel


def parse_args(argv: list[str], env: Mapping[str, str]) -> argparse.Namespace:
    """Read what a training container tells a script.

    Hyperparameters come as arguments, ``--name value``, spelt as the estimator spells them. Their values are text:
    a list is JSON, and a truth value is "True" or "False". Arguments that are no hyperparameter of this script
    are ignored. Everything else comes in variables; outside a container none of them is set.

    Args:
        argv: the arguments, without the script's name: ``sys.argv[1:]`` in a script.
        env: the variables: ``os.environ`` in a script. No other variable is looked at.

    Returns:
        ``epochs``: int, default 5; ``batch_size``: int, 64; ``learning_rate``: float, 0.1; ``hidden``: widths of
        the hidden layers, list of int, [32]; ``shuffle``: bool, True; understood are true, false, 1 and 0 in
        small and capital letters. ``train``: the folder in SM_CHANNEL_TRAIN, or "data/train"; ``test``:
        SM_CHANNEL_TEST, "data/test"; ``model_dir``: SM_MODEL_DIR, "model"; ``output_data_dir``:
        SM_OUTPUT_DATA_DIR, "output". ``num_gpus``: int in SM_NUM_GPUS, 0; ``hosts``: list of str, JSON in
        SM_HOSTS, ["localhost"]; ``current_host``: SM_CURRENT_HOST, "localhost".

    Raises:
        SystemExit: a value is not of its type, as argparse says it.
    """
    ### BEGIN SOLUTION

    def truth(text: str) -> bool:
        known = {"true": True, "1": True, "false": False, "0": False}
        if text.lower() not in known:
            raise argparse.ArgumentTypeError(f"{text!r} is neither true nor false")
        return known[text.lower()]

    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--batch_size", type=int, default=64)
    parser.add_argument("--learning_rate", type=float, default=0.1)
    parser.add_argument("--hidden", type=json.loads, default=[32])
    parser.add_argument("--shuffle", type=truth, default=True)
    parser.add_argument("--train", default=env.get("SM_CHANNEL_TRAIN", "data/train"))
    parser.add_argument("--test", default=env.get("SM_CHANNEL_TEST", "data/test"))
    parser.add_argument("--model_dir", default=env.get("SM_MODEL_DIR", "model"))
    parser.add_argument("--output_data_dir", default=env.get("SM_OUTPUT_DATA_DIR", "output"))
    parser.add_argument("--num_gpus", type=int, default=int(env.get("SM_NUM_GPUS", "0")))
    parser.add_argument("--hosts", type=json.loads, default=json.loads(env.get("SM_HOSTS", '["localhost"]')))
    parser.add_argument("--current_host", default=env.get("SM_CURRENT_HOST", "localhost"))
    return parser.parse_known_args(argv)[0]
    ### END SOLUTION


def save_module(module: mx.mod.Module, model_dir: str) -> None:
    """Save a trained Module as MXNet's containers do by default, in three files.

    ``model-symbol.json`` holds the graph; ``model-0000.params`` all parameters, auxiliary ones too;
    ``model-shapes.json`` the module's inputs as a JSON list, one object for each:
    ``{"name": "data", "shape": [64, 784]}``. ``model_dir`` is made when it is missing; older files are replaced.

    Args:
        module: bound and trained.
        model_dir: the folder.
    """
    ### BEGIN SOLUTION
    os.makedirs(model_dir, exist_ok=True)
    module.symbol.save(os.path.join(model_dir, "model-symbol.json"))
    module.save_params(os.path.join(model_dir, "model-0000.params"))
    shapes = [{"name": data.name, "shape": list(data.shape)} for data in module.data_shapes]
    with open(os.path.join(model_dir, "model-shapes.json"), "w") as file:
        json.dump(shapes, file)
    ### END SOLUTION


def save_block(net: mx.gluon.HybridBlock, model_dir: str) -> None:
    """Save a trained Gluon network so that it can be loaded without its Python class.

    ``model-symbol.json`` holds the graph, ``model-0000.params`` all parameters: the two files from which
    ``SymbolBlock.imports`` makes a network. ``model_dir`` is made when it is missing; older files are replaced.

    Args:
        net: hybridized, and called at least once since.
        model_dir: the folder.
    """
    ### BEGIN SOLUTION
    os.makedirs(model_dir, exist_ok=True)
    net.export(os.path.join(model_dir, "model"), epoch=0)
    ### END SOLUTION


def pack_model(model_dir: str, code_dir: str, archive: str) -> None:
    """Pack a model and its scripts into the archive that an endpoint starts from, ``model.tar.gz``.

    A container unpacks it into ``/opt/ml/model``, looks for the model right there, and for scripts below ``code/``.
    So the files of ``model_dir`` stand at the top of the archive, and those of ``code_dir`` below ``code/``; folders
    inside the two are kept. Nothing else is in it, above all no folder around them.

    An older archive is replaced. The archive may lie inside ``model_dir``: it is not packed into itself. Either
    folder may be a link to one, as ``source`` beside the notebook is: its files are packed, not the link.

    Args:
        model_dir: the folder with the model's files.
        code_dir: the folder with the scripts.
        archive: path of the archive to write, in a folder that exists.
    """
    ### BEGIN SOLUTION
    with tarfile.open(archive, "w:gz") as tar:
        for folder, prefix in ((Path(model_dir), ""), (Path(code_dir), "code/")):
            for path in sorted(folder.rglob("*")):
                if path.is_file() and path.resolve() != Path(archive).resolve():
                    tar.add(path, prefix + path.relative_to(folder).as_posix())
    ### END SOLUTION


def host_finished_job(session: Session, role: str, job_name: str, instance_type: str) -> Predictor:
    """Host the model of a training job that has ended, in another notebook or last week.

    The job trained with MXNet 1.9.0 for Python 3.8 ("py38"), and the endpoint runs in the container of the same
    versions. Requests are answered by ``serve.py`` of the folder ``source``, which stands beside the notebook; the
    job itself ran another script.

    Args:
        session: the SageMaker session.
        role: ARN of the role the endpoint runs under; the job may have had another.
        job_name: the job's name. Where its model lies is known to SageMaker.
        instance_type: the machine to host it on, one of them: "ml.m5.large", say.

    Returns:
        a predictor for the endpoint, once that is in service.
    """
    ### BEGIN SOLUTION
    estimator = MXNet.attach(job_name, sagemaker_session=session)
    return estimator.deploy(
        initial_instance_count=1,
        instance_type=instance_type,
        entry_point="serve.py",
        source_dir="source",
        role=role,
    )
    ### END SOLUTION


def host_archive(session: Session, role: str, model_data: str, instance_type: str) -> Predictor:
    """Host an archive that no training job has made.

    ``pack_model`` has made it: ``model.pth`` at the top, and the scripts below ``code/``. Requests are answered by
    ``transform.py``, in the container of PyTorch 2.6.0 for Python 3.12 ("py312").

    Args:
        session: the SageMaker session.
        role: ARN of the role the endpoint runs under.
        model_data: where the archive lies, "s3://bucket/…/model.tar.gz".
        instance_type: the machine to host it on, one of them: "ml.m5.large", say.

    Returns:
        a predictor for the endpoint, once that is in service.
    """
    ### BEGIN SOLUTION
    model = PyTorchModel(
        model_data=model_data,
        env={"SAGEMAKER_PROGRAM": "transform.py"},
        framework_version="2.6.0",
        py_version="py312",
        role=role,
        sagemaker_session=session,
    )
    return model.deploy(initial_instance_count=1, instance_type=instance_type)
    ### END SOLUTION
