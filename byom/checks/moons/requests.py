"""`make_estimator` and `make_model`: judged on what they would ask SageMaker for."""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from byom.checks.criteria import Challenge, Check, Exhibits, Outcome, criterion, expect
from byom.checks.evidence import Record


class MakeEstimator(Check):
    """`make_estimator`: judged on the training job it would ask SageMaker for."""

    name = "make_estimator"
    answer = "notebook"
    needs_reference = False

    def challenge(self, rng: np.random.Generator) -> Challenge:
        """A role, a place and hyperparameters of this run alone."""
        tag = int(rng.integers(10**9))
        return Challenge(
            {
                "role": f"arn:aws:iam::123456789012:role/Learner{tag}",
                "output_path": f"s3://bucket-{tag}/moons",
                "hyperparameters": {
                    "epochs": int(rng.integers(5, 90)),
                    "hidden_dim": int(rng.integers(5, 90)),
                    "input_dim": 2,
                },
            }
        )

    def probe(self, learner: Any, given: Mapping[str, Any]) -> Record:
        """The request of ``fit``, which is answered here."""
        from byom.checks.aws import Recorder

        record = Record()

        def request() -> dict[str, Any]:
            with Recorder() as recorder:
                arguments = given["role"], given["output_path"], dict(given["hyperparameters"])
                estimator = learner(recorder.session, *arguments)
                _speaks_to(recorder, estimator)
                estimator.fit({"train": "s3://bucket/train"}, wait=False)
                return _request(recorder, "CreateTrainingJob")

        record.attempt("request", request)
        return record

    @criterion(
        1, "It asks SageMaker for a training job", "What does the function return, and which arguments does it use?"
    )
    def asks(self, seen: Exhibits) -> Outcome:
        """A request that bears something of this run: the role or the place."""
        given = seen.challenge.given
        output = str(_at(seen, "OutputDataConfig", "S3OutputPath")).rstrip("/")
        met = _at(seen, "RoleArn") == given["role"] or output == given["output_path"]
        return expect(met, "a job with your arguments", "one" if met else "one with none of them")

    @criterion(
        1, "The job runs train.py", "Which argument names the script that the container starts?", rests_on="asks"
    )
    def entry_point(self, seen: Exhibits) -> Outcome:
        """The program's name, and the file in the uploaded archive."""
        program = _text(_at(seen, "HyperParameters", "sagemaker_program"))
        files = _files(seen)
        return expect(
            program == "train.py" and "train.py" in files,
            "train.py, uploaded",
            f"{program}, uploaded: {files}",
        )

    @criterion(
        1, "model.py travels with it", "train.py imports model. Which argument sends the whole folder?", rests_on="asks"
    )
    def source_dir(self, seen: Exhibits) -> Outcome:
        """The archive holds the module too, from the whole folder or by name."""
        files = _files(seen)
        return expect("model.py" in files, "model.py, uploaded", f"uploaded: {files}")

    @criterion(
        1,
        "It runs in the PyTorch 2.6.0 container for Python 3.12",
        "Two arguments choose the container's versions.",
        rests_on="asks",
    )
    def versions(self, seen: Exhibits) -> Outcome:
        """The container image."""
        image = _at(seen, "AlgorithmSpecification", "TrainingImage")
        return expect(_image("training", image), "pytorch-training:2.6.0-cpu-py312", image)

    @criterion(1, "It runs on one ml.m5.large", "Type and count are two arguments.", rests_on="asks")
    def instance(self, seen: Exhibits) -> Outcome:
        """The machine."""
        kind, count = (
            _at(seen, "ResourceConfig", "InstanceType"),
            _at(seen, "ResourceConfig", "InstanceCount"),
        )
        return expect((kind, count) == ("ml.m5.large", 1), "1 × ml.m5.large", f"{count} × {kind}")

    @criterion(
        1,
        "The script gets its hyperparameters",
        "What the estimator is given, the script reads from its command line.",
        rests_on="asks",
    )
    def hyperparameters(self, seen: Exhibits) -> Outcome:
        """Each asked hyperparameter, as SageMaker passes it: JSON text."""
        asked = {k: str(v) for k, v in seen.challenge.given["hyperparameters"].items()}
        sent = _at(seen, "HyperParameters")
        got = {k: v for k, v in sent.items() if not k.startswith("sagemaker_")} if isinstance(sent, dict) else sent
        met = isinstance(got, dict) and all(_text(got.get(k)) == v for k, v in asked.items())
        return expect(met, asked, got)

    @criterion(
        1, "Role and output folder are those that were given", "Both are arguments of the function.", rests_on="asks"
    )
    def role_and_output(self, seen: Exhibits) -> Outcome:
        """Who the job runs as, and where the model goes."""
        given = seen.challenge.given
        got = (_at(seen, "RoleArn"), str(_at(seen, "OutputDataConfig", "S3OutputPath")).rstrip("/"))
        return expect(
            got == (given["role"], given["output_path"]),
            f"{given['role']}, {given['output_path']}",
            ", ".join(map(str, got)),
        )


class MakeModel(Check):
    """`make_model`: judged on the model it would ask SageMaker for."""

    name = "make_model"
    answer = "notebook"
    needs_reference = False

    def challenge(self, rng: np.random.Generator) -> Challenge:
        """A role and a trained model of this run alone."""
        tag = int(rng.integers(10**9))
        return Challenge(
            {
                "role": f"arn:aws:iam::123456789012:role/Learner{tag}",
                "model_data": f"s3://bucket-{tag}/moons/job/output/model.tar.gz",
            }
        )

    def probe(self, learner: Any, given: Mapping[str, Any]) -> Record:
        """The request of ``create``, which is answered here."""
        from byom.checks.aws import Recorder

        record = Record()

        def request() -> dict[str, Any]:
            with Recorder() as recorder:
                model = learner(recorder.session, given["role"], given["model_data"])
                _speaks_to(recorder, model)
                record["model_data"] = str(model.model_data)  # before the SDK packs the code beside it
                model.create(instance_type="ml.m5.large")
                return _request(recorder, "CreateModel")

        record.attempt("request", request)
        return record

    @criterion(1, "It asks SageMaker for a model", "What does the function return, and which arguments does it use?")
    def asks(self, seen: Exhibits) -> Outcome:
        """A request that bears something of this run: the role or the trained model."""
        given = seen.challenge.given
        met = _at(seen, "ExecutionRoleArn") == given["role"] or seen.evidence.text("model_data") == given["model_data"]
        return expect(met, "a model with your arguments", "one" if met else "one with none of them")

    @criterion(
        1,
        "The endpoint runs predict.py",
        "Training and serving are two scripts. Which one answers requests?",
        rests_on="asks",
    )
    def entry_point(self, seen: Exhibits) -> Outcome:
        """The program's name, and the file in the uploaded archive."""
        program = _at(seen, "PrimaryContainer", "Environment", "SAGEMAKER_PROGRAM")
        files = _files(seen)
        met = program == "predict.py" and "predict.py" in files
        return expect(met, "predict.py, uploaded", f"{program}, uploaded: {files}")

    @criterion(
        1,
        "model.py travels with it",
        "predict.py imports model. Which argument sends the whole folder?",
        rests_on="asks",
    )
    def source_dir(self, seen: Exhibits) -> Outcome:
        """The archive holds the module too, from the whole folder or by name."""
        files = _files(seen)
        return expect("model.py" in files, "model.py, uploaded", f"uploaded: {files}")

    @criterion(
        1, "It serves the model that was trained", "The training job says where it left model.tar.gz.", rests_on="asks"
    )
    def model_data(self, seen: Exhibits) -> Outcome:
        """The archive the model starts from."""
        got = seen.evidence.text("model_data")
        return expect(got == seen.challenge.given["model_data"], seen.challenge.given["model_data"], got)

    @criterion(
        1,
        "It runs in the PyTorch 2.6.0 container for Python 3.12",
        "Two arguments choose the container's versions.",
        rests_on="asks",
    )
    def versions(self, seen: Exhibits) -> Outcome:
        """The container image."""
        image = _at(seen, "PrimaryContainer", "Image")
        return expect(_image("inference", image), "pytorch-inference:2.6.0-cpu-py312", image)

    @criterion(1, "It runs under the role that was given", "The role is an argument of the function.", rests_on="asks")
    def role(self, seen: Exhibits) -> Outcome:
        """Who the endpoint runs as."""
        got = _at(seen, "ExecutionRoleArn")
        return expect(got == seen.challenge.given["role"], seen.challenge.given["role"], got)


def _speaks_to(recorder: Any, described: Any) -> None:
    """Refuse to go on with another session: behind that may be an account that pays for the job."""
    if described.sagemaker_session is not recorder.session:
        raise ValueError("it does not use the session that the function was given")


def _request(recorder: Any, operation: str) -> dict[str, Any]:
    """The parameters of a recorded call, with the names of the files in the code archive that it points to."""
    if operation not in recorder.calls:
        raise ValueError(f"no {operation} was asked for")
    uploaded = sorted({name for names in recorder.uploads.values() for name in names})
    return {**recorder.calls[operation], "uploaded": [name.removeprefix("code/") for name in uploaded]}


def _at(seen: Exhibits, *path: str) -> Any:
    """A value inside the recorded request, or None."""
    value: Any = seen.evidence.mapping("request", "a request to SageMaker")
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _text(value: Any) -> str:
    """A hyperparameter as the script gets it: the SDK sends JSON."""
    return str(value).strip('"')


def _image(kind: str, uri: Any) -> bool:
    """Whether a container is the asked one; CPU or GPU follows from the machine, which is judged on its own."""
    return re.search(rf"/pytorch-{kind}:2\.6\.0-[cg]pu-py312", str(uri)) is not None


def _files(seen: Exhibits) -> list[str]:
    return [str(name) for name in _at(seen, "uploaded") or []]
