"""Snippets as a reader runs them: against a server that answers as SSM and Bedrock do, and notes what it got.

LangChain and LiteLLM are run where they are installed (tried with langchain-aws 1.9.1 and litellm 1.110.2 on
2026-11-29); they are no dependencies of ours.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import redirect_stdout
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import StringIO
from typing import Any
from urllib.parse import quote

import pytest

from tests import builders
from tests.unit.reporting.test_model_card import PROMOTED, STAGE
from tunedrop.reporting import usage

CODE = {one.title: one.code for one in usage.snippets(STAGE, PROMOTED)}
LIBRARIES = {"Python (boto3)": "boto3", "LangChain (langchain-aws)": "langchain_aws", "LiteLLM": "litellm"}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The paths that were asked for; the system prompts are those of training."""
    paths: list[str] = []

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            sent = json.loads(self.rfile.read(int(self.headers["content-length"])))
            paths.append(self.path)
            is_ssm = "AmazonSSM" in self.headers.get("X-Amz-Target", "")
            assert is_ssm or sent["system"] == [{"text": usage.SYSTEM}]
            body = json.dumps(_parameter() if is_ssm else _answer()).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Nothing on stderr."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        for name in ("AWS_ENDPOINT_URL", "AWS_BEDROCK_RUNTIME_ENDPOINT"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{server.server_port}")
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.setenv(name, "test")
        yield paths
        server.shutdown()


def _parameter() -> dict[str, Any]:
    return {"Parameter": {"Value": builders.DEPLOYMENT_ARN}}


def _answer() -> dict[str, Any]:
    return {
        "output": {"message": {"role": "assistant", "content": [{"text": "Hello."}]}},
        "stopReason": "end_turn",
        "usage": {"inputTokens": 1, "outputTokens": 1, "totalTokens": 2},
        "metrics": {"latencyMs": 3},
    }


@pytest.mark.parametrize("title", LIBRARIES)
def test_a_snippet_asks_the_model_that_the_alias_names(asked: list[str], title: str) -> None:
    pytest.importorskip(LIBRARIES[title])

    with redirect_stdout(StringIO()) as said:
        exec(CODE[title], {})

    assert said.getvalue() == "Hello.\n"
    assert asked == ["/", f"/model/{quote(builders.DEPLOYMENT_ARN, safe='')}/converse"]
