"""The workers of one model: shared work, and what happens to one that ends, hangs or grows."""

import asyncio
import json
import os
import re
import uuid

import pytest

from byom.local.container import Container
from byom.local.logs import Logs
from byom.local.workers import NoWorkers, WorkerEnded, WorkerHangs, Workers

TOOLKIT = "sagemaker_inference.default_handler_service:DefaultHandlerService"
HANDLER = """
import os, sys, time

def model_fn(model_dir):
    count = len(os.listdir(model_dir))
    if os.path.exists(os.path.join(model_dir, "broken")):
        raise OSError("the weights are gone")
    return count

def transform_fn(model, body, content_type, accept, context):
    word = bytes(body).decode()
    if word == "exit":
        sys.exit(3)
    if word == "hang":
        time.sleep(600)
    if word == "leak":
        kept = []
        while True:
            kept.append(bytearray(os.urandom(2**20)))
    if word == "object":
        return object(), accept
    if word == "status":
        context.set_response_status(418, "a teapot")
    return {"pid": os.getpid(), "word": word}, accept
"""


class Served:
    """Workers of the toolkit's plain handler, without a framework, and their log."""

    def __init__(self, folder, count, timeout=30.0, memory=2**40):
        self.stream = Logs(folder / "logs").stream("group", uuid.uuid4().hex)
        self.container = Container(folder / uuid.uuid4().hex, "http://127.0.0.1:1", self.stream)
        code = self.container.base / "model/code"
        code.mkdir()
        (code / "inference.py").write_text(HANDLER)
        self.workers = Workers(self.container, timeout=timeout, memory=memory)
        self.workers.start(TOOLKIT, {}, count, 60)

    async def ask(self, word):
        answer = await self.workers.ask({"Content-Type": "text/plain", "Accept": "text/plain"}, word.encode())
        return answer.status, answer.body.decode()

    async def pid(self):
        return json.loads((await self.ask("pid"))[1])["pid"]

    async def logged(self, pattern):
        for _ in range(500):
            if found := re.search(pattern, "\n".join(self.stream.tail(100))):
                return found
            await asyncio.sleep(0.02)
        raise AssertionError(f"{pattern} is not in the log: {self.stream.tail(100)}")


@pytest.fixture
def served(tmp_path):
    made = []

    def make(*arguments, **more):
        made.append(Served(tmp_path, *arguments, **more))
        return made[-1]

    yield make
    for each in made:
        each.workers.close()


def test_requests_are_shared_and_one_that_ends_a_worker_fails_alone(served):
    serving = served(2)

    async def scene():
        words = [f"word {i}" for i in range(40)]
        words[7] = words[21] = "exit"
        answers = await asyncio.gather(*map(serving.ask, words), return_exceptions=True)
        for i, (word, answer) in enumerate(zip(words, answers, strict=True)):
            if word == "exit":
                assert isinstance(answer, WorkerEnded)
                await serving.logged(rf"byom\.local: worker {answer.pid} ended with exit code 3")
            else:
                assert (i, json.loads(answer[1])["word"]) == (i, word)
        first = {json.loads(answer[1])["pid"] for answer in answers if isinstance(answer, tuple)}
        assert len(first) >= 2
        assert serving.workers.in_hand == 0

    asyncio.run(scene())


def test_a_worker_that_hangs_is_ended_and_those_who_wait_are_served(served):
    serving = served(1, timeout=1.0)

    async def scene():
        pid = await serving.pid()
        hanging = asyncio.create_task(serving.ask("hang"))
        waiting = [asyncio.create_task(serving.ask(str(i))) for i in range(5)]
        with pytest.raises(WorkerHangs):
            await hanging
        answers = [json.loads(body) for _, body in await asyncio.gather(*waiting)]
        assert [answer["word"] for answer in answers] == ["0", "1", "2", "3", "4"]
        assert pid not in {answer["pid"] for answer in answers}
        await serving.logged(f"worker {pid} ended by SIGKILL")
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)

    asyncio.run(scene())


def test_a_worker_that_grows_too_large_is_ended_and_the_log_says_so(served):
    serving = served(1, memory=300 * 2**20)

    async def scene():
        with pytest.raises(WorkerEnded) as caught:
            await serving.ask("leak")
        said = await serving.logged(rf"worker {caught.value.pid} uses (\d+) MiB of memory; it may use 300 MiB")
        assert int(said[1]) >= 300
        assert (await serving.ask("after"))[0] == 200

    asyncio.run(scene())


def test_a_worker_killed_while_idle_costs_no_request(served):
    serving = served(2)

    async def scene():
        os.kill(await serving.pid(), 9)
        await serving.logged("ended by SIGKILL")
        for i in range(10):
            assert (await serving.ask(f"{i}"))[0] == 200

    asyncio.run(scene())


def test_a_worker_that_cannot_be_replaced_leaves_the_others_and_the_last_one_ends_all(served):
    serving = served(2)

    async def scene():
        (serving.container.base / "model/broken").touch()
        with pytest.raises(WorkerEnded):
            await serving.ask("exit")
        await serving.logged("the weights are gone")
        assert (await serving.ask("still"))[0] == 200
        with pytest.raises(WorkerEnded):
            await serving.ask("exit")
        with pytest.raises(NoWorkers):
            await serving.ask("nobody is left")
        assert serving.workers.ended and not serving.container.running

    asyncio.run(scene())


def test_requests_that_wait_when_all_is_closed_are_told_at_once(served):
    serving = served(1)

    async def scene():
        hanging = asyncio.create_task(serving.ask("hang"))
        await asyncio.sleep(0.2)
        waiting = [asyncio.create_task(serving.ask("wait")) for _ in range(3)]
        await asyncio.sleep(0)
        await asyncio.to_thread(serving.workers.close)
        async with asyncio.timeout(10):
            outcomes = await asyncio.gather(hanging, *waiting, return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [WorkerEnded, NoWorkers, NoWorkers, NoWorkers]

    asyncio.run(scene())


def test_what_a_handler_may_answer(served):
    serving = served(1)

    async def scene():
        status, text = await serving.ask("object")
        assert status == 500 and "not JSON serializable" in text
        assert (await serving.ask("status"))[0] == 418
        large = "x" * (6 * 2**20)
        assert json.loads((await serving.ask(large))[1])["word"] == large

    asyncio.run(scene())


def test_a_request_given_up_by_its_client_leaves_no_answer_to_the_next(served):
    serving = served(1)

    async def scene():
        hanging = asyncio.create_task(serving.ask("hang"))
        await asyncio.sleep(0.2)
        hanging.cancel()
        with pytest.raises(asyncio.CancelledError):
            await hanging
        assert json.loads((await serving.ask("mine"))[1])["word"] == "mine"
        assert serving.workers.in_hand == 0

    asyncio.run(scene())
