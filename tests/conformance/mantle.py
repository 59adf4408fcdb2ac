"""The embedded bedrock-mantle for a client of somebody else's: `python -m tests.conformance.mantle PYTHON`.

Serves it on loopback, without signatures and with the stage's grader in place of Lambda, and runs
`openai_client.py` against it in the environment of the Python that is given.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
from ministack.core import responses

from local.bedrock.world import World
from local.faults import Faults
from local.mantle import jobs
from local.mantle.service import MantleService, Router
from local.mantle.state import State
from tunedrop.evaluation.reinforcement.grading import grade

CLIENT = Path(__file__).parent / "openai_client.py"


def main() -> int:
    """Gives the client's exit code."""
    with tempfile.TemporaryDirectory() as folder:
        world = World(Faults(Path(folder) / "faults.json"), clock_speed=1e9, endpoint_url="")
        jobs._lambda = lambda *_: SimpleNamespace(invoke=_graded)  # type: ignore[assignment]
        service = MantleService(world, Router(State(world)))
        server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(service))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/v1"
        return subprocess.run([sys.argv[1], CLIENT, address], check=False).returncode


def _graded(**request: Any) -> dict[str, Any]:
    answer = msgspec.json.encode(grade(json.loads(request["Payload"])))
    return {"Payload": SimpleNamespace(read=lambda: answer)}


def _handler(service: MantleService) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            responses.set_request_account_id("111122223333")
            responses.set_request_region("us-west-2")
            url = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            sent = {name.lower(): value for name, value in self.headers.items()}
            status, headers, answer = service._handle(self.command, url.path, sent, body, parse_qs(url.query))
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(answer))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer)

        do_POST = do_DELETE = do_GET  # noqa: N815 - as http.server calls them

        def log_message(self, *_: Any) -> None:
            """Say nothing: the client says what it found."""

    return Handler


if __name__ == "__main__":
    sys.exit(main())
