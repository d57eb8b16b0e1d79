"""`host_finished_job` and `host_archive`: judged on what they would ask SageMaker for."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from byom.checks.criteria import Challenge, Check, Exhibits, Outcome, criterion, expect
from byom.checks.evidence import Record

INSTANCES = ("ml.c5.large", "ml.c5.xlarge", "ml.m5.xlarge", "ml.t2.medium")
MXNET = re.compile(r"/mxnet-inference:1\.9\.0-cpu-py38")
PYTORCH = re.compile(r"/pytorch-inference:2\.6\.0-cpu-py312")


class HostFinishedJob(Check):
    """`host_finished_job`: judged on the endpoint it would ask SageMaker for."""

    name = "host_finished_job"
    answer = "notebook"
    needs_reference = False

    def challenge(self, rng: np.random.Generator) -> Challenge:
        """A job whose name, roles and places are of this run alone; none tells another."""
        tags = [f"{tag:08d}" for tag in rng.choice(10**8, size=6, replace=False).tolist()]
        job = f"digits-{tags[0]}"
        return Challenge(
            {
                "role": f"arn:aws:iam::123456789012:role/Endpoint{tags[1]}",
                "job_name": job,
                "instance_type": str(rng.choice(INSTANCES)),
                "model_data": f"s3://bucket-{tags[2]}/{tags[3]}/output/model.tar.gz",
                "job_role": f"arn:aws:iam::123456789012:role/Job{tags[4]}",
                "code": f"s3://bucket-{tags[2]}/{tags[5]}/source/sourcedir.tar.gz",
            }
        )

    def probe(self, learner: Any, given: Mapping[str, Any]) -> Record:
        """The requests, which are answered here."""
        return _asked(
            lambda session: learner(session, given["role"], given["job_name"], given["instance_type"]),
            jobs=[_finished(given)],
            archive={"model-symbol.json": "{}", "train.py": ""},
        )

    @criterion(
        1,
        "It hosts the model that the job has left",
        "The name of a job is enough: what does SageMaker tell about a job, and which method of MXNet asks for it?",
    )
    def hosts(self, seen: Exhibits) -> Outcome:
        """A model, made of the job's archive."""
        return _serves(seen)

    @criterion(
        1,
        "serve.py answers, in the container of the job's versions",
        "Unless told otherwise, an estimator hosts the script that trained. Which arguments of deploy name another?",
        rests_on="hosts",
    )
    def script(self, seen: Exhibits) -> Outcome:
        """The program's name, its file beside the model, and the image."""
        return _runs(seen, "serve.py", MXNET, "MXNet 1.9.0 for Python 3.8")

    @criterion(
        1,
        "The endpoint runs under the role that was given",
        "The job had a role of its own. Which one does the endpoint get, unless told otherwise?",
        rests_on="hosts",
    )
    def role(self, seen: Exhibits) -> Outcome:
        """Who the endpoint runs as."""
        got, role = _at(seen, "CreateModel", "ExecutionRoleArn"), seen.challenge.given["role"]
        return expect(got == role, role, got)

    @criterion(
        1,
        "It returns a predictor for an endpoint on one machine of the asked type",
        "What does deploy return, and which two arguments of it choose the machine?",
        rests_on="hosts",
    )
    def endpoint(self, seen: Exhibits) -> Outcome:
        """The endpoint's machine, its model, and what came back."""
        return _deployed(seen)


class HostArchive(Check):
    """`host_archive`: judged on the endpoint it would ask SageMaker for."""

    name = "host_archive"
    answer = "notebook"
    needs_reference = False

    def challenge(self, rng: np.random.Generator) -> Challenge:
        """A role and an archive of this run alone."""
        tags = [f"{tag:08d}" for tag in rng.choice(10**8, size=3, replace=False).tolist()]
        return Challenge(
            {
                "role": f"arn:aws:iam::123456789012:role/Endpoint{tags[0]}",
                "model_data": f"s3://bucket-{tags[1]}/{tags[2]}/model.tar.gz",
                "instance_type": str(rng.choice(INSTANCES)),
            }
        )

    def probe(self, learner: Any, given: Mapping[str, Any]) -> Record:
        """The requests, which are answered here."""
        return _asked(
            lambda session: learner(session, given["role"], given["model_data"], given["instance_type"]),
            archive={"model.pth": "", "code/transform.py": ""},
        )

    @criterion(
        1,
        "It hosts the archive, under the role that was given",
        "A model is described by its data, a role and a container; no job is needed. Which class describes one?",
    )
    def hosts(self, seen: Exhibits) -> Outcome:
        """A model, made of the archive."""
        served = _serves(seen)
        got, role = _at(seen, "CreateModel", "ExecutionRoleArn"), seen.challenge.given["role"]
        return expect(got == role, role, got) if served.met else served

    @criterion(
        1,
        "transform.py answers, in the container of PyTorch 2.6.0 for Python 3.12",
        "The script lies in the archive already. Who tells the container its name? Look for SAGEMAKER_PROGRAM.",
        rests_on="hosts",
    )
    def script(self, seen: Exhibits) -> Outcome:
        """The program's name, its file beside the model, and the image."""
        return _runs(seen, "transform.py", PYTORCH, "PyTorch 2.6.0 for Python 3.12")

    @criterion(
        1,
        "It returns a predictor for an endpoint on one machine of the asked type",
        "What does deploy return, and which two arguments of it choose the machine?",
        rests_on="hosts",
    )
    def endpoint(self, seen: Exhibits) -> Outcome:
        """The endpoint's machine, its model, and what came back."""
        return _deployed(seen)


def _finished(given: Mapping[str, Any]) -> dict[str, Any]:
    """What DescribeTrainingJob tells about the challenge's job."""
    bucket = given["model_data"].split("/")[2]
    settings = {"epochs": 5, "sagemaker_program": "train.py", "sagemaker_submit_directory": given["code"]}
    settings |= {"sagemaker_container_log_level": 20, "sagemaker_job_name": given["job_name"]}
    quoted = {key: f'"{value}"' if isinstance(value, str) else str(value) for key, value in settings.items()}
    return {
        "TrainingJobName": given["job_name"],
        "TrainingJobArn": f"arn:aws:sagemaker:us-east-1:123456789012:training-job/{given['job_name']}",
        "TrainingJobStatus": "Completed",
        "SecondaryStatus": "Completed",
        "ModelArtifacts": {"S3ModelArtifacts": given["model_data"]},
        "HyperParameters": quoted,
        "AlgorithmSpecification": {
            "TrainingImage": "763104351884.dkr.ecr.us-east-1.amazonaws.com/mxnet-training:1.9.0-cpu-py38",
            "TrainingInputMode": "File",
        },
        "RoleArn": given["job_role"],
        "OutputDataConfig": {"S3OutputPath": f"s3://{bucket}/", "KmsKeyId": ""},
        "ResourceConfig": {"InstanceType": "ml.m5.2xlarge", "InstanceCount": 2, "VolumeSizeInGB": 30},
        "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
        "CreationTime": 1587000000,
        "TrainingEndTime": 1587000300,
        "SecondaryStatusTransitions": [],
    }


def _asked(ask: Callable[[Any], Any], **answers: Any) -> Record:
    """The requests that ``ask(session)`` makes, and the name of the endpoint that its predictor asks."""
    from byom.checks.aws import Recorder

    record = Record()

    def asked() -> dict[str, Any]:
        with Recorder(**answers) as recorder:
            try:
                predictor = ask(recorder.session)
            except Exception as error:
                if not recorder.calls and not isinstance(error, NotImplementedError):
                    raise ValueError(
                        f"the session that the function was given was asked for nothing: {error}"
                    ) from None
                raise
            return {
                **recorder.calls,
                "predictor": str(getattr(predictor, "endpoint_name", None)),
                "downloads": sorted(recorder.downloads),
                "uploads": recorder.uploads,
            }

    record.attempt("asked", asked)
    return record


def _serves(seen: Exhibits) -> Outcome:
    """Whether the model is made of the challenge's archive: of itself, or as the SDK packs it again with code."""
    model_data = seen.challenge.given["model_data"]
    got = _at(seen, "CreateModel", "PrimaryContainer", "ModelDataUrl")
    repacked = got in _at(seen, "uploads") and model_data in _at(seen, "downloads")
    return expect(got == model_data or repacked, f"a model of {model_data}", got or "no model")


def _runs(seen: Exhibits, program: str, image: re.Pattern[str], versions: str) -> Outcome:
    """Whether the container is told the program's name, has its file, and is of the right versions."""
    container = _at(seen, "CreateModel", "PrimaryContainer")
    environment = container.get("Environment") or {}
    # an archive that is hosted as it was has the script that packed it
    files = _at(seen, "uploads").get(container.get("ModelDataUrl"), ["code/transform.py"])
    told = str(environment.get("SAGEMAKER_PROGRAM", ""))
    has = f"code/{program}" in files
    right = image.search(str(container.get("Image"))) is not None
    return expect(
        told.removesuffix(".py") == program.removesuffix(".py") and has and right,
        f"{program}, below code/, in {versions}",
        f"{told or 'no script'}, {'' if has else 'not '}below code/, in {container.get('Image')}",
    )


def _deployed(seen: Exhibits) -> Outcome:
    """Whether the endpoint runs the model on one machine of the asked type, and the predictor asks that endpoint."""
    variants = _at(seen, "CreateEndpointConfig", "ProductionVariants") or [{}]
    machine = (variants[0].get("InitialInstanceCount"), variants[0].get("InstanceType"))
    name = _at(seen, "CreateEndpoint", "EndpointName")
    met = (
        machine == (1, seen.challenge.given["instance_type"])
        and variants[0].get("ModelName") == _at(seen, "CreateModel", "ModelName")
        and _at(seen, "predictor") == name is not None
    )
    asks = _at(seen, "predictor") if name else "no endpoint"
    return expect(
        met,
        f"1 × {seen.challenge.given['instance_type']}, and a predictor for that endpoint",
        f"{machine[0]} × {machine[1]}, and {'that' if name and asks == name else f'a predictor for {asks}'}",
    )


def _at(seen: Exhibits, *path: str) -> Any:
    """A value inside what was asked, or None."""
    value: Any = seen.evidence.mapping("asked", "requests to SageMaker")
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value
