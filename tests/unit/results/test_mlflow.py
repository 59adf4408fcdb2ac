"""Runs in MLflow: what is sent has the shapes of its REST API, and a run that is sent twice is there once.

The server here answers as MLflow 3 answered (`tests/recorded/mlflow.json`, recorded from a real one).
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import msgspec
import pytest

from tests import builders
from tests.recorded import recorded
from tunedrop.contracts import Ending, Failure
from tunedrop.errors import TransientError
from tunedrop.reporting import mlflow_run
from tunedrop.results import mlflow
from tunedrop.training.curves import Curves, Loss, Reward

ENDED = "2026-11-23T12:00:00Z"
ANSWERS = recorded("mlflow")


class Answering(BaseHTTPRequestHandler):
    """Answers each call as recorded; `server.missing` are those that find nothing, once."""

    server: Server

    def do_GET(self) -> None:
        self._answer(None)

    def do_POST(self) -> None:
        self._answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def _answer(self, body: Any) -> None:
        path = self.path.removeprefix("/api/2.0/mlflow/").partition("?")[0]
        self.server.calls.append((path, body, self.headers.get("Authorization", "")))
        status, answer = self.server.answer(path)
        self.send_response(status)
        if self.server.elsewhere:
            self.send_header("Location", self.server.elsewhere)
        self.end_headers()
        self.wfile.write(answer if isinstance(answer, bytes) else json.dumps(answer).encode())

    def log_message(self, *_: Any) -> None:
        """Nothing: a test says what it heard."""


class Server(HTTPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.calls: list[tuple[str, Any, str]] = []
        self.known = False
        self.broken: tuple[int, Any] | None = None
        self.elsewhere = ""

    @property
    def uri(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def answer(self, path: str) -> tuple[int, Any]:
        if self.broken is not None:
            return self.broken
        if path == "experiments/get-by-name" and not self.known:
            return 404, ANSWERS["experiments/get-by-name, missing"]
        if path == "runs/search" and not self.known:
            return 200, ANSWERS["runs/search, nothing"]
        return 200, ANSWERS[path]

    def body(self, path: str) -> Any:
        return next(body for called, body, _ in self.calls if called == path)


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    thread = threading.Thread(target=made.serve_forever, daemon=True)
    thread.start()
    yield made
    made.shutdown()
    made.server_close()


def ending(**changes: Any) -> Ending:
    run = builders.run(hyperparameters={"epoch_count": "2", "weird:name%": "x"})
    return Ending(
        run=run, dataset=builders.dataset(), job=builders.job(), evaluation=builders.evaluation(), **changes
    )


def sent(which: Ending, curves: Curves | None = None) -> mlflow_run.MlflowRun:
    return mlflow_run.of(builders.stage(), which, ENDED, curves or Curves())


def test_a_run_has_its_settings_scores_losses_and_links(server: Server) -> None:
    curves = Curves(
        training=tuple(Loss(step, 0, 1 / step) for step in range(1, 4)),
        rewards=(Reward(1, 0.2), Reward(5, 0.7)),
    )

    address = mlflow.Server(server.uri, "Bearer secret").send(sent(ending(), curves))

    assert [path for path, _, _ in server.calls] == [
        "experiments/get-by-name", "experiments/create", "runs/search", "runs/create", "runs/log-batch",
        "runs/update",
    ]  # fmt: skip
    batch = server.body("runs/log-batch")
    params = {one["key"]: one["value"] for one in batch["params"]}
    values = {(one["key"], one["step"]): one["value"] for one in batch["metrics"]}
    assert params["hyperparameters.epoch_count"] == "2"
    assert params["hyperparameters.weird_name_"] == "x"
    assert values["token_f1.tuned", 0] == pytest.approx(0.6)
    assert values["training_loss", 3] == pytest.approx(1 / 3)
    assert (values["training_reward", 1], values["training_reward", 5]) == (0.2, 0.7)
    assert server.body("runs/update")["status"] == "FINISHED"
    assert address.startswith(f"{server.uri}/#/experiments/")
    assert {header for _, _, header in server.calls} == {"Bearer secret"}


def test_a_run_that_is_there_is_completed_and_not_made_again(server: Server) -> None:
    server.known = True

    mlflow.Server(server.uri).send(sent(ending()))

    paths = [path for path, _, _ in server.calls]
    assert "runs/create" not in paths
    assert "experiments/create" not in paths
    assert (
        sent(ending()).metrics
        == mlflow_run.of(builders.stage(), ending(), "2027-01-01T00:00:00Z", Curves()).metrics
    )


@pytest.mark.parametrize(
    ("failure", "status"),
    [("RunStopped", "KILLED"), ("CustomizationFailed", "FAILED"), ("InvalidDataset", "FAILED")],
)
def test_how_a_run_ended_is_its_status(failure: str, status: str) -> None:
    which = Ending(run=builders.run(), failure=Failure(error=failure, cause="because"))

    assert sent(which).status == status
    assert sent(which).tags["tunedrop.failure"] == "because"


def test_text_of_an_uploader_is_in_no_search_and_keeps_to_one_line(server: Server) -> None:
    name = "x' OR tags.a = 'b\u202e\nX-Header: 1"
    run = builders.run(run_id=f"{name}-0123456789", name=name)

    mlflow.Server(server.uri).send(sent(Ending(run=run)))

    search = server.body("runs/search")
    assert name[:5] not in search["filter"]
    assert "\n" not in server.body("experiments/create")["name"]
    assert "\n" not in server.body("runs/create")["run_name"]


def test_what_one_request_may_hold_is_kept(server: Server) -> None:
    curves = Curves(training=tuple(Loss(step, 0, 1.0) for step in range(50_000)))

    mlflow.Server(server.uri).send(sent(ending(), curves))

    batch = server.body("runs/log-batch")
    assert len(batch["params"]) <= 100
    assert len(batch["tags"]) <= 100
    assert sum(len(batch[kind]) for kind in ("params", "tags", "metrics")) <= 1_000


def test_a_value_that_is_no_number_is_left_out(server: Server) -> None:
    mlflow.Server(server.uri).send(sent(ending(), Curves(training=(Loss(1, 0, float("nan")),))))

    assert "training_loss" not in {one["key"] for one in server.body("runs/log-batch")["metrics"]}


@pytest.mark.parametrize(
    ("broken", "error", "says"),
    [
        ((503, b"busy"), TransientError, "503 busy"),
        ((429, b"slowly"), TransientError, "429"),
        ((401, b"who are you"), mlflow.MlflowError, "401 who are you"),
        ((200, b"<html>a login page</html>"), mlflow.MlflowError, "does not answer as an MLflow server"),
    ],
)
def test_a_server_that_does_not_take_it_says_why(
    server: Server, broken: tuple[int, bytes], error: type[Exception], says: str
) -> None:
    server.broken = broken

    with pytest.raises(error, match=says):
        mlflow.Server(server.uri).send(sent(ending()))


def test_a_server_that_is_not_there_may_be_tried_again() -> None:
    with pytest.raises(TransientError, match="cannot be reached"):
        mlflow.Server("http://127.0.0.1:9").send(sent(ending()))


@pytest.mark.parametrize("uri", ["file:///etc/passwd", "mlflow.example.com", "sqlite:///mlflow.db", ""])
def test_what_is_no_web_address_is_refused(uri: str) -> None:
    with pytest.raises(mlflow.MlflowError, match="is not the address of a tracking server"):
        mlflow.Server(uri)


@pytest.mark.parametrize(
    ("environment", "header"),
    [
        ({}, ""),
        ({"MLFLOW_TRACKING_TOKEN": "t"}, "Bearer t"),
        ({"MLFLOW_TRACKING_USERNAME": "ana", "MLFLOW_TRACKING_PASSWORD": "p"}, "Basic YW5hOnA="),
    ],
)
def test_the_variables_of_mlflows_own_client_authorize(environment: dict[str, str], header: str) -> None:
    assert mlflow.authorization(environment) == header


def test_two_attempts_and_two_stages_are_two_runs() -> None:
    first = sent(Ending(run=builders.run(attempt=1)))
    second = sent(Ending(run=builders.run(attempt=2)))
    elsewhere = mlflow_run.of(
        msgspec.structs.replace(builders.stage(), region="eu-west-1"),
        Ending(run=builders.run()), ENDED, Curves(),
    )  # fmt: skip

    assert len({first.key, second.key, elsewhere.key}) == 3


@pytest.mark.parametrize("status", [301, 302, 303])
def test_the_authorization_is_not_sent_on_to_where_a_server_redirects(server: Server, status: int) -> None:
    server.broken = status, b""
    server.elsewhere = f"http://localhost:{server.server_port}/sign-in"

    with pytest.raises(mlflow.MlflowError, match=str(status)):
        mlflow.Server(server.uri, "Bearer secret").send(sent(ending()))

    assert [path for path, _, _ in server.calls] == ["experiments/get-by-name"]
