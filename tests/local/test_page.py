"""The page in a browser: what it shows and does, whom it lets in, and that no log or name can act on it."""

import shutil

import httpx
import pytest
from botocore.exceptions import ClientError
from playwright.sync_api import expect, sync_playwright

from byom.local.account import DEFAULT_BUCKET

from .clients import IMAGE, targz

expect.set_options(timeout=30_000)  # milliseconds; a busy computer may need them
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
MARKUP = "<img src=x onerror=alert(1)><b>mauve</b>"
SCRIPT = f"""
import os, time
print({MARKUP!r})
for epoch in range(5):
    print(f"loss={{1 / (epoch + 1):.3f}};", flush=True)
while not os.path.exists(os.environ["GO_ON"]):
    time.sleep(0.05)
print("after", flush=True)
raise ValueError({MARKUP!r})
"""
HANDLER = b"""
def model_fn(folder):
    return None
def predict_fn(data, model):
    if data.sum() < 0:
        raise ValueError("<b>below zero</b>")
    return data * 2
"""


@pytest.fixture(scope="module")
def chromium():
    if CHROMIUM is None:
        pytest.skip("there is no Chromium: apt-get install chromium")
    with sync_playwright() as playwright:
        # Chromium's own sandbox can't be had by root, nor in many containers; the page here is our own
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(chromium, server):
    """A page of the browser; a test fails when it logs an error or opens a dialog of the browser's own."""
    page = chromium.new_page(base_url=server.url)
    faults = []
    page.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("dialog", lambda dialog: (faults.append(dialog.message), dialog.dismiss()))
    page.set_default_timeout(30_000)
    yield page
    # the browser itself logs each answer of 400 and above, also those that a test asks for
    assert [fault for fault in faults if not fault.startswith("Failed to load resource")] == []
    page.close()


def test_a_job_is_followed_to_its_end(aws, page, tmp_path):
    request = aws.job_request("page-job", SCRIPT, Environment={"GO_ON": str(tmp_path / "go-on")})
    request["AlgorithmSpecification"]["MetricDefinitions"] = [{"Name": "loss", "Regex": "loss=(?P<x>.*?);"}]
    aws.sagemaker.create_training_job(**request)
    page.goto("/")  # redirected
    page.get_by_label("Name contains").fill("page-job")
    page.get_by_role("link", name="page-job").press("Enter")
    expect(page.get_by_role("heading", name="page-job")).to_be_focused()
    log = page.get_by_role("log")
    expect(log).to_contain_text("loss=0.200;")
    expect(log).to_contain_text(MARKUP)  # as text
    expect(page.get_by_role("img", name="loss, 5 values, from 1 to 0.2")).to_be_visible()
    expect(page.locator("#detail .state")).to_have_text("InProgress")
    (tmp_path / "go-on").touch()
    expect(page.locator("#detail .state")).to_have_text("Failed")
    expect(log).to_contain_text("after")
    expect(page.locator(".reason")).to_contain_text("<b>mauve</b>")
    expect(page.get_by_role("table").filter(has_text="Last value")).to_contain_text("0.2")
    assert page.locator("main b, main img").count() == 0
    expect(page.get_by_role("button", name="Stop")).to_be_hidden()


def test_a_job_is_stopped_only_when_that_is_confirmed(aws, page):
    aws.sagemaker.create_training_job(**aws.job_request("page-stop", "import time\ntime.sleep(600)"))
    page.goto("/_byom/#/jobs/page-stop")
    page.get_by_role("button", name="Stop").click()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Stop").click()
    page.get_by_role("button", name="Keep it").click()
    assert aws.sagemaker.describe_training_job(TrainingJobName="page-stop")["TrainingJobStatus"] == "InProgress"
    page.get_by_role("button", name="Stop").click()
    page.get_by_role("dialog").get_by_role("button", name="Stop").click()
    expect(page.locator("#detail .state")).to_have_text("Stopped")
    assert aws.sagemaker.describe_training_job(TrainingJobName="page-stop")["TrainingJobStatus"] == "Stopped"


def test_an_endpoint_is_tried_and_deleted(aws, page, tmp_path):
    archive = targz({"code/inference.py": HANDLER})
    aws.create_endpoint("page-endpoint", aws.put("page/model.tar.gz", archive))
    aws.wait_for_endpoint("page-endpoint")
    page.set_viewport_size({"width": 320, "height": 640})
    page.goto("/_byom/#/endpoints/page-endpoint")
    page.get_by_label("Body").fill("[[1, 2]]")
    page.keyboard.press("Control+Enter")
    answer = page.locator(".answer")
    expect(answer).to_contain_text("[[2.0, 4.0]]")
    expect(answer).to_contain_text("application/json")
    expect(answer).to_contain_text(" ms")
    page.get_by_label("Body").fill("[[-1]]")
    page.get_by_role("button", name="Send").click()
    expect(answer).to_contain_text("424")
    expect(answer).to_contain_text("<b>below zero</b>")
    (tmp_path / "points.csv").write_text("1,2\n3,4\n")
    page.get_by_label("or a file").set_input_files(tmp_path / "points.csv")
    page.get_by_label("Content type").fill("text/csv")
    page.get_by_label("Accept").fill("application/x-npy")
    page.get_by_role("button", name="Send").click()
    expect(answer).to_contain_text("array <f8, shape (2, 2)\n2  4  6  8")
    expect(page.get_by_role("log")).to_contain_text("below zero")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_role("heading", name="Endpoints")).to_be_visible()
    expect(page.get_by_role("link", name="page-endpoint")).to_have_count(0)
    with pytest.raises(ClientError, match="Could not find endpoint"):
        aws.sagemaker.describe_endpoint(EndpointName="page-endpoint")
    page.get_by_role("navigation").get_by_role("link", name="Models").click()
    page.get_by_role("link", name="page-endpoint").click()
    expect(page.locator("#detail")).to_contain_text(IMAGE.format("inference"))
    with page.expect_download() as download:
        page.get_by_role("link", name="s3://").click()
    assert download.value.path().read_bytes() == archive
    page.get_by_role("link", name="← Models").click()
    page.get_by_role("navigation").get_by_role("link", name="Configurations").click()
    page.get_by_role("link", name="page-endpoint").click()
    expect(page.locator("#detail")).to_contain_text("Variant AllTraffic")


def test_it_says_when_the_server_is_gone_and_when_there_is_nothing(aws, page):
    page.goto("/_byom/#/jobs/no-such-job")
    expect(page.get_by_role("alert")).to_have_text("Requested resource not found.")
    page.goto("/_byom/#/models")
    page.get_by_label("Name contains").fill("no such model")
    expect(page.locator("#empty")).to_have_text("None whose name contains “no such model”.")
    page.get_by_label("Name contains").fill("")
    page.context.set_offline(True)
    expect(page.get_by_role("alert")).to_contain_text("The server does not answer.")
    page.context.set_offline(False)
    expect(page.get_by_role("alert")).to_be_hidden()


def test_who_may_open_it_and_what_it_may_load(server, aws):
    """A link may lead to it from anywhere; nothing else may come from another site, nor act in its name."""
    aws.put("page.html", b"<script>fetch('/_byom/status')</script>")
    follow = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    with httpx.Client(base_url=server.url, trust_env=False) as raw:
        answer = raw.get("/", headers=follow)
        assert (answer.status_code, answer.headers["location"]) == (307, "/_byom/")
        answer = raw.get("/_byom/", headers=follow)
        assert answer.status_code == 200
        for rule in ("default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "form-action 'none'"):
            assert rule in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        for path in ("/_byom/status", f"/{DEFAULT_BUCKET}/page.html"):
            assert raw.get(path, headers=follow).status_code == 403
        assert raw.post("/_byom/", headers=follow).status_code == 403
        assert (
            raw.get("/_byom/", headers={"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}).status_code == 403
        )
        assert raw.get("/_byom/", headers={**follow, "Host": "evil.example"}).status_code == 403
        for path in ("/_byom/../server.py", "/_byom/%2e%2e/server.py", "/_byom/__init__.py", "/_byom/index.html/"):
            assert "import" not in raw.get(path).text
        mine = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "navigate"}
        signed = aws.s3.generate_presigned_url("get_object", {"Bucket": DEFAULT_BUCKET, "Key": "page.html"})
        answer = raw.get(signed, headers=mine)
        assert (answer.status_code, answer.headers["content-security-policy"]) == (200, "sandbox")
