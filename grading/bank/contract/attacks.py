"""Attacks and mishaps that live in the scripts of the contract unit, and in the archives it packs."""

from grading.bank.attacks import attack
from grading.bank.submission import Submission


@attack("all answered, with noise in notebook and scripts", "all")
def noise(hand: Submission) -> None:
    loud = (
        "import logging, sys, warnings\n"
        "warnings.warn('only a warning'); logging.warning('so is this'); print('to stderr', file=sys.stderr)\n"
    )
    hand.begin(loud)
    for name in [name for name in hand.files if name.endswith(".py")]:
        docstring, first_import, rest = str(hand.files[name]).partition("\nimport ")
        hand.files[name] = f"{docstring}\n{loud}{first_import}{rest}"


def _only_scripts(hand: Submission, **scripts: str) -> None:
    """Scripts without a notebook to speak of: what is answered there is quick to examine."""
    hand.files = {f"source/{name}.py": text for name, text in scripts.items()}


@attack("transform.py: waits for ever", "nothing", says={"transform_fn": "was stopped"}, hasty=True)
def endless(hand: Submission) -> None:
    _only_scripts(hand, transform="import time\nwhile True: time.sleep(1)")


FORGES_ANSWERS = """
import os, sys
import numpy as np
import byom.checks.contract.handler as handler
import byom.checks.serving as asking
import byom.local.serving as serving

def even(*_, **__): return np.full((8, 10), 0.1)
handler.probabilities = even
handler.refused = handler.answered = asking.refused = asking.unopened = lambda *_: True
class Context(serving.Context):
    status = property(lambda self: 415, lambda self, value: None)
serving.Context = Context

def steal():
    frame = sys._getframe()
    while frame:
        for v in list(frame.f_locals.values()):
            if type(v).__name__ == "Record":
                names = [*handler.good_requests(even()), *handler.hostile_requests(even())]
                v.update({name: even() for name in names}, unpickled=False)
        frame = frame.f_back
steal()
def model_fn(model_dir): steal(); raise SystemExit
def transform_fn(*_): steal(); return "[]"
"""

NAN_FOR_EVERYTHING = """
import json
def model_fn(model_dir): return None
def transform_fn(model, body, content_type, accept): return json.dumps([[float("nan")] * 10] * (body.count("],") + 1))
"""

EQUAL_TO_EVERYTHING = """
class Equal(str):
    def __eq__(self, other): return True
    def __array__(self, *_): return self
    def __getattr__(self, name): return Equal()
    def __call__(self, *_): return Equal()
model_fn = input_fn = predict_fn = output_fn = transform_fn = Equal()
"""


@attack("serving scripts that forge evidence", "nothing")
def forges(hand: Submission) -> None:
    _only_scripts(hand, serve=FORGES_ANSWERS, transform=FORGES_ANSWERS)


@attack(
    "serving scripts that end on import, and print two gigabytes",
    "nothing",
    says={"serve": "exit code 5", "transform_fn": "more than 10 MB"},
)
def floods(hand: Submission) -> None:
    _only_scripts(hand, serve="import os; os._exit(5)", transform="while True: print('x' * 100_000)")


@attack("serving scripts that are equal to everything, and answer NaN", "nothing", says={"transform_fn": "NaN"})
def odd_answers(hand: Submission) -> None:
    _only_scripts(hand, serve=EQUAL_TO_EVERYTHING, transform=NAN_FOR_EVERYTHING)


@attack(
    "serving scripts that are no Python, and that need what isn't there",
    "nothing",
    says={"serve": "SyntaxError", "transform_fn": "ModuleNotFoundError"},
)
def no_scripts(hand: Submission) -> None:
    _only_scripts(hand, serve="def model_fn(model_dir)\n    return None", transform="import tensorflow_of_mine")


ARCHIVE_THAT_ESCAPES = """
def pack_model(model_dir, code_dir, archive):
    import io, tarfile
    with tarfile.open(archive, "w:gz") as tar:
        for name in ("/etc/passwd", "../../escaped.txt", "code/inference.py"):
            member = tarfile.TarInfo(name)
            member.size = 3
            tar.addfile(member, io.BytesIO(b"abc"))
        for name, target in (("code/link", "/etc/passwd"), ("device", "")):
            member = tarfile.TarInfo(name)
            member.type = tarfile.SYMTYPE if target else tarfile.CHRTYPE
            member.linkname = target
            tar.addfile(member)
"""

BOMB = """
def pack_model(model_dir, code_dir, archive):
    import gzip
    with gzip.open(archive, "wb", 1) as file:
        for _ in range(200):
            file.write(bytes(1_000_000))
"""


@attack("an archive that unpacks outside its folder", "nothing", says={"pack_model": "absolute path"})
def escaping_archive(hand: Submission) -> None:
    hand.answer("pack_model").source = ARCHIVE_THAT_ESCAPES


@attack("an archive that is nothing but zeros", "nothing", says={"pack_model": "there is no file code/inference.py"})
def bomb(hand: Submission) -> None:
    hand.answer("pack_model").source = BOMB


HOSTS_ELSEWHERE = """
def {name}(session, role, place, instance_type):
    import boto3, sagemaker
    for other in (boto3.Session(), boto3.Session(region_name="eu-west-1")):
        client = other.client("sagemaker")
        try: client.create_endpoint(EndpointName="mine", EndpointConfigName="mine")
        except Exception as error: print(type(error).__name__)
    return sagemaker.Predictor("mine", sagemaker_session=session)
"""


@attack("endpoints made in another account", "nothing")
def hosts_elsewhere(hand: Submission) -> None:
    for name in ("host_finished_job", "host_archive"):
        hand.answer(name).source = HOSTS_ELSEWHERE.format(name=name)


FORGED_TRAINING = """
import os, pickle
class Bad:
    def __reduce__(self): return os._exit, (7,)
folder = os.environ.get("SM_MODEL_DIR", "model")
os.makedirs(folder, exist_ok=True)
for name in ("model-symbol.json", "model-0000.params", "model-shapes.json"):
    pickle.dump(Bad(), open(os.path.join(folder, name), "wb"))
if __name__ == "__main__":
    print("test accuracy=1.0000 cross-entropy=0.00000")
"""

FORGED_HOSTS = """
import sys
import mxnet as mx, numpy as np
import byom.checks.contract.distributed as check
def kvstore_for(hosts, num_gpus):
    return ("dist_" if len(hosts) > 1 else "") + ("device" if num_gpus else "local")
def train(net, pixels, labels, hosts, *_):
    mx.gluon.Trainer = None
    frame = sys._getframe(1)
    frame.f_locals["used"].append("dist_sync")
    frame.f_locals["rows"].append(np.sort(pixels[:, 0])[:: len(hosts)])
    np.concatenate = lambda *_, **__: np.zeros(10, "float32")
    check._same_weights = lambda *_: check.expect(True, "", "")
"""

ENDS_ITS_PARENTS = """
import os, psutil, signal
for parent in psutil.Process().parents()[:2]:
    os.kill(parent.pid, signal.SIGKILL)
"""


@attack("training scripts that forge files and evidence", "nothing")
def forged_training(hand: Submission) -> None:
    _only_scripts(hand, train=FORGED_TRAINING, distributed=FORGED_HOSTS)


@attack("training scripts that kill what started them", "nothing")
def killers(hand: Submission) -> None:
    _only_scripts(hand, train=ENDS_ITS_PARENTS, distributed=ENDS_ITS_PARENTS)
