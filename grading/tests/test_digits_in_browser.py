"""A digit drawn in JupyterLab is read by the endpoint: from the pointer on the pad to the answer on the page."""

import math
import re
import shutil

import pytest
from playwright.sync_api import expect

from grading.bank.work import preamble, solved
from grading.run import ROOT
from tests import browser

chromium, jupyter, folder = browser.chromium, browser.jupyter, browser.folder

ANSWERS = solved("digits").cells
CELLS = {
    "answers": "\n\n\n".join([preamble("digits"), *ANSWERS.values(), "print('ready')"]),
    "train": """from byom.data.digits import digits_folder, load_digits
data = load_digits(digits_folder())
model = train(build_graph(), data, epochs=12)
archive = export_model(model, "model")
print(archive)""",
    "deploy": """import byom.local
from sagemaker.deserializers import JSONDeserializer
from sagemaker.mxnet import MXNetModel
from sagemaker.serializers import NumpySerializer

session, role = byom.local.activate()
hosted = MXNetModel(
    model_data=session.upload_data(str(archive), key_prefix="digits/model"),
    role=role,
    entry_point="host.py",
    source_dir="source",
    framework_version="1.9.0",
    py_version="py38",
    sagemaker_session=session,
)
predictor = hosted.deploy(
    initial_instance_count=1,
    instance_type="ml.m5.large",
    serializer=NumpySerializer(dtype="float32"),
    deserializer=JSONDeserializer(),
)
print("in service:", len(session.sagemaker_client.list_endpoints(StatusEquals="InService")["Endpoints"]))""",
    "pad": """from byom.pad import DrawingPad
pad = DrawingPad(sample=255 * data["test_data"][0, 0])
pad""",
    "ask": """picture = preprocess_drawing(pad.pixels())
[labelled] = label_predictions(predictor.predict(picture[None, None]))
(digit, probability), (second, _), *_ = labelled
print(f"{'sample' if pad.is_sample else 'drawing'}: {digit} ({probability:.1%}), perhaps {second}")""",
    "truth": """print("label:", int(data["test_label"][0]))""",
    "clean": """predictor.delete_model()
predictor.delete_endpoint()
client = session.sagemaker_client
left = [
    *client.list_endpoints()["Endpoints"],
    *client.list_endpoint_configs()["EndpointConfigs"],
    *client.list_models()["Models"],
]
print("left:", left)""",
}

SEVEN = [(70, 60), (210, 60), (120, 240)]
SMALL_ZERO = [(60 + 25 * math.sin(a), 210 - 40 * math.cos(a)) for a in (i * math.pi / 12 for i in range(25))]


@pytest.fixture(scope="module")
def notebook(chromium, jupyter, folder):
    """A notebook with the answers to all exercises, in JupyterLab."""
    shutil.copytree(ROOT / "solutions" / "digits" / "source", folder / "source")
    with browser.opened("lab", CELLS, chromium, jupyter, folder) as page:
        yield browser.Notebook(page, folder, CELLS)


def shown(notebook: browser.Notebook, cell: str, pattern: str) -> re.Match[str]:
    """Run a cell, and find what it prints; when nothing like it comes, the test fails."""
    notebook.run(cell)
    expect(notebook.output(cell).last).to_contain_text(re.compile(pattern))
    found = re.search(pattern, notebook.output(cell).last.inner_text())
    assert found is not None
    return found


def test_a_drawn_digit_is_read_by_the_endpoint_and_nothing_is_left_behind(notebook):
    shown(notebook, "answers", "ready")
    shown(notebook, "train", r"model/model\.tar\.gz")
    shown(notebook, "deploy", "in service: 1")
    notebook.run("pad")
    expect(notebook.status).to_have_text("A stored sample. Draw to replace it.")
    answer = shown(notebook, "ask", r"sample: (\d) \(")
    assert answer[1] == shown(notebook, "truth", r"label: (\d)")[1]
    for digit, stroke in (("7", SEVEN), ("0", SMALL_ZERO)):
        clear = notebook.page.get_by_role("button", name="Clear")
        if clear.is_enabled():
            clear.click()
        notebook.draw(*stroke)
        expect(notebook.status).to_have_text("Your drawing: 1 stroke.")
        answer = shown(notebook, "ask", rf"drawing: {digit} \((\d+\.\d)%\), perhaps \d")
        assert float(answer[1]) > 50
    shown(notebook, "clean", r"left: \[\]")
