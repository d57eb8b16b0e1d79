"""Answers to the notebook's exercises of the moons unit."""

import os

import numpy as np
import pandas as pd
from sagemaker import Session
from sagemaker.pytorch import PyTorch, PyTorchModel


def make_csv(x: np.ndarray, y: np.ndarray, filename: str, data_dir: str) -> None:
    """Write features and labels to ``data_dir/filename`` the way SageMaker reads CSV.

    One line per example: the label first, then the features. No header, no index. ``data_dir`` is made
    when it is missing; an older file of that name is replaced.

    Args:
        x: features, shape (n, d).
        y: labels, shape (n,) or (n, 1): an array, or a pandas Series with any index.
        filename: the file's name, "train.csv" say.
        data_dir: the folder.
    """
    ### BEGIN SOLUTION
    os.makedirs(data_dir, exist_ok=True)
    labels = np.asarray(y).reshape(-1, 1)
    table = pd.concat([pd.DataFrame(labels), pd.DataFrame(np.asarray(x))], axis=1)
    table.to_csv(os.path.join(data_dir, filename), header=False, index=False)
    ### END SOLUTION


def make_estimator(session: Session, role: str, output_path: str, hyperparameters: dict) -> PyTorch:
    """Describe the training job: which script, in which container, on which machine.

    The script is ``train.py`` of the folder ``source``; the container is PyTorch 2.6.0 for Python 3.12
    ("py312"); the machine is one ``ml.m5.large``.

    Args:
        session: the SageMaker session.
        role: ARN of the role the job runs under.
        output_path: S3 folder for the trained model, "s3://bucket/prefix".
        hyperparameters: what the job passes to the script, name by name.
    """
    ### BEGIN SOLUTION
    return PyTorch(
        entry_point="train.py",
        source_dir="source",
        framework_version="2.6.0",
        py_version="py312",
        instance_type="ml.m5.large",
        instance_count=1,
        hyperparameters=hyperparameters,
        role=role,
        output_path=output_path,
        sagemaker_session=session,
    )
    ### END SOLUTION


def make_model(session: Session, role: str, model_data: str) -> PyTorchModel:
    """Describe what the endpoint serves: a trained model and the script that answers requests.

    The script is ``predict.py`` of the folder ``source``; the container is PyTorch 2.6.0 for Python 3.12.

    Args:
        session: the SageMaker session.
        role: ARN of the role the endpoint runs under.
        model_data: where the training job left ``model.tar.gz``, "s3://bucket/…/model.tar.gz".
    """
    ### BEGIN SOLUTION
    return PyTorchModel(
        model_data=model_data,
        entry_point="predict.py",
        source_dir="source",
        framework_version="2.6.0",
        py_version="py312",
        role=role,
        sagemaker_session=session,
    )
    ### END SOLUTION
