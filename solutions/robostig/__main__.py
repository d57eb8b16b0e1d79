"""The unit's answers at full length: ``make robostig``, or ``python -m solutions.robostig``.

Trains as the notebook does, by a training job on local SageMaker, but with more tracks and more epochs; hosts the model
behind an endpoint; judges it on recorded views of tracks that nobody has seen; and drives 20 unseen tracks through the
endpoint. Prints the table of the closed loop.

It may be interrupted at any time: all processes end with it, and the next start finds the data, or those tracks of it
that are recorded, and a job that had ended. ``make clean`` removes the job; the data are kept with the course's other
data.
"""

import hashlib
import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

import byom.local
from byom.driving import Comparison, Recipe, compare, driving_data

HERE = Path(__file__).parent
STATE = HERE.parents[1] / "out" / "robostig"
TRAINING = Recipe()
HYPERPARAMETERS = {"epochs": 10, "batch_size": 64, "learning_rate": 0.0001}
UNSEEN = Recipe(train_tracks=1, valid_tracks=20, frames=100, seed=1)
"""Of its validation part: tracks that neither training nor the choice of the best epoch has met."""


def train(session, role: str, recipe: Recipe, hyperparameters: dict):
    """Train by a job, or find the one that did the same before; return its estimator."""
    from sagemaker.inputs import TrainingInput
    from sagemaker.mxnet import MXNet

    data, work = driving_data(recipe), Path(tempfile.mkdtemp(prefix="robostig-"))
    shutil.copy(HERE / "robostig.py", work / "model.py")
    shutil.copy(HERE / "source" / "train.py", work)
    made_from = f"{data.name} {sorted(hyperparameters.items())}".encode()
    made_from += b"".join(path.read_bytes() for path in sorted(work.iterdir()))
    name = f"robostig-{hashlib.sha256(made_from).hexdigest()[:10]}"
    try:
        done = session.sagemaker_client.list_training_jobs(NameContains=name, StatusEquals="Completed")
        if jobs := done["TrainingJobSummaries"]:
            return MXNet.attach(jobs[0]["TrainingJobName"], sagemaker_session=session)
        estimator = MXNet(
            entry_point="train.py",
            source_dir=str(work),
            framework_version="1.9.0",
            py_version="py38",
            instance_type="ml.m5.large",
            instance_count=1,
            hyperparameters=dict(hyperparameters),  # the SDK adds its own to it
            role=role,
            sagemaker_session=session,
            container_log_level=30,
        )
        # not uploaded: a gigabyte need not be kept twice
        estimator.fit({"train": TrainingInput(f"file://{data}")}, job_name=f"{name}-{time.strftime('%Y%m%d%H%M%S')}")
        return estimator
    finally:
        shutil.rmtree(work)


def host(estimator):
    """Host the trained model behind an endpoint that reads and writes NPY; return its predictor."""
    from sagemaker.deserializers import NumpyDeserializer
    from sagemaker.serializers import NumpySerializer

    return estimator.deploy(
        initial_instance_count=1,
        instance_type="ml.m5.large",
        entry_point="model.py",
        serializer=NumpySerializer(),
        deserializer=NumpyDeserializer(),
    )


def main(
    recipe: Recipe = TRAINING,
    hyperparameters: dict | None = None,
    unseen: Recipe = UNSEEN,
    tracks: Sequence[int] = range(20),
    state: Path = STATE,
) -> Comparison:
    """Train, host, judge and drive; print what came out, and remove the endpoint.

    Args:
        recipe: what to train with.
        hyperparameters: of the job; by default those of the full length.
        unseen: whose validation part to judge by.
        tracks: which to drive.
        state: the folder of local SageMaker.
    """
    session, role = byom.local.activate(root=state)
    estimator = train(session, role, recipe, hyperparameters or HYPERPARAMETERS)
    about = session.describe_training_job(estimator.latest_training_job.name)
    folder = driving_data(unseen)
    views, steering = np.load(folder / "valid_X.npy"), np.load(folder / "valid_Y.npy")
    predictor = host(estimator)
    try:
        batches = np.array_split(views.astype("uint8"), -(-len(views) // 100))  # a request holds 6 MB
        answers = np.concatenate([predictor.predict(batch)[:, 0] for batch in batches])
        table = compare(tracks, {"endpoint": lambda view: np.clip(predictor.predict(view), -1, 1)})
    finally:
        predictor.delete_model()
        predictor.delete_endpoint()
    errors = answers - steering
    print(f"\ntraining job: {about['TrainingTimeInSeconds']} s for {recipe}")
    print(
        f"recorded views of {unseen.valid_tracks} unseen tracks: R² {1 - np.mean(errors**2) / np.var(steering):.3f}, "
        f"mean absolute error {np.abs(errors).mean():.3f}"
    )
    print(f"driving {len(tracks)} unseen tracks:\n{table}")
    return table


if __name__ == "__main__":
    main()
