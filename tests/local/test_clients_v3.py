"""SDK v3 as a client: its ModelTrainer, unmodified, in an environment of its own."""

import os
import subprocess
from pathlib import Path

import pytest

from byom.local.account import ROLE_ARN, client_environment

from .clients import IMAGE

PYTHON = Path(__file__).parents[2] / ".venv-clients/bin/python"
pytestmark = pytest.mark.skipif(not PYTHON.exists(), reason="SDK v3 is not installed: make clients")

TRAINER = f"""
import sys
from sagemaker.train import ModelTrainer
from sagemaker.train.configs import Compute, InputData, SourceCode

trainer = ModelTrainer(
    training_image={IMAGE.format("training")!r},
    source_code=SourceCode(source_dir="source", entry_script="train.py"),
    compute=Compute(instance_type="ml.m5.large", instance_count=1),
    hyperparameters={{"epochs": 3, "name": "moons"}},
    role={ROLE_ARN!r},
    base_job_name=sys.argv[1],
)
trainer.train(input_data_config=[InputData(channel_name="train", data_source="data")], logs=False)
print(trainer._latest_training_job.model_artifacts.s3_model_artifacts)
"""
SCRIPT = """
import argparse, os
parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int)
parser.add_argument("--name")
args = parser.parse_args()
text = open(os.path.join(os.environ["SM_CHANNEL_TRAIN"], "numbers.csv")).read()
print("SEEN", text, args.epochs, args.name)
if text == "bad":
    raise ValueError("no such number")
open(os.path.join(os.environ["SM_MODEL_DIR"], "weights"), "w").write(text)
"""


@pytest.fixture
def train(server, tmp_path):
    """Run the ModelTrainer on a channel with this text; the finished process."""
    for name, text in (("source/train.py", SCRIPT), ("trainer.py", TRAINER)):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "data").mkdir()

    def run(name, text):
        (tmp_path / "data/numbers.csv").write_text(text)
        settings = {**client_environment(server.url), "SAGEMAKER_USER_CONFIG_OVERRIDE": str(server.sdk_config)}
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "PYTHON"))} | settings
        command = [PYTHON, "trainer.py", name]
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    return run


def test_model_trainer_runs_a_job(train, aws):
    done = train("v3-good", "1,2")
    assert done.returncode == 0, done.stderr
    bucket, _, key = done.stdout.split()[-1].removeprefix("s3://").partition("/")
    assert aws.s3.head_object(Bucket=bucket, Key=key)["ContentLength"] > 0
    (job,) = aws.sagemaker.list_training_jobs(NameContains="v3-good")["TrainingJobSummaries"]
    assert job["TrainingJobStatus"] == "Completed"
    assert "SEEN 1,2 3 moons" in aws.messages("/aws/sagemaker/TrainingJobs", job["TrainingJobName"])


def test_model_trainer_hears_why_a_job_failed(train, aws):
    done = train("v3-bad", "bad")
    assert done.returncode != 0
    assert "FailedStatusError" in done.stderr
    (job,) = aws.sagemaker.list_training_jobs(NameContains="v3-bad")["TrainingJobSummaries"]
    reason = aws.sagemaker.describe_training_job(TrainingJobName=job["TrainingJobName"])["FailureReason"]
    assert reason.startswith("AlgorithmError: ") and reason.endswith(
        "exit status 1., exit code: 1"
    )  # the SDK's own words
    assert "ValueError: no such number" in aws.messages("/aws/sagemaker/TrainingJobs", job["TrainingJobName"])
