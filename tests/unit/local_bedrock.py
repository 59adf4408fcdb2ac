"""The embedded Bedrock in the process of a test: boto3's own client, its answers from `local.bedrock`."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import boto3
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from ministack.core import responses
from moto.core.models import botocore_stubber

from local.bedrock.brain import Brain
from local.bedrock.service import LocalService, services
from local.bedrock.world import Endpoint, Tuned, World, now
from local.faults import Faults
from tests import builders
from tunedrop import catalog, naming

REGION = "us-east-1"
ACCOUNT = "111122223333"


class LocalBedrock:
    """A world with its client. Things are put into it directly, or made by its operations."""

    def __init__(self, folder: Path) -> None:
        self.world = World(Faults(folder / "faults.json"), clock_speed=1e9, endpoint_url="")
        self.calls: list[str] = []
        service = services(self.world)["bedrock"]
        assert isinstance(service, LocalService)
        self._service = service
        self.client = boto3.Session("testing", "testing", region_name=REGION).client("bedrock")
        self.client.meta.events.unregister("before-send", botocore_stubber)  # all handlers are called
        self.client.meta.events.register("before-send.bedrock", self._answer)

    def model(self, name: str, tags: dict[str, str] | None = None, base: str = builders.LLAMA_3_3) -> str:
        """A custom model; gives its ARN."""
        arn = f"arn:aws:bedrock:{REGION}:{ACCOUNT}:custom-model/{base}/{_new()}"
        model = catalog.find(base)
        self.world.models[arn] = Tuned(arn, name, "", model, "FINE_TUNING", now(), Brain(), dict(tags or {}))
        return arn

    def deployment(self, name: str, model_arn: str, tags: dict[str, str], status: str = "Active") -> str:
        arn = f"arn:aws:bedrock:{REGION}:{ACCOUNT}:custom-model-deployment/{_new()}"
        self.world.deployments[arn] = Endpoint(arn, name, model_arn, status, now(), tags=dict(tags))
        return arn

    def throughput(self, name: str, model_arn: str, tags: dict[str, str], status: str = "InService") -> str:
        arn = f"arn:aws:bedrock:{REGION}:{ACCOUNT}:provisioned-model/{_new()}"
        self.world.provisioned[arn] = Endpoint(arn, name, model_arn, status, now(), 1, tags=dict(tags))
        return arn

    def job(self, name: str, tags: dict[str, str], status: str = "InProgress") -> str:
        arn = f"arn:aws:bedrock:{REGION}:{ACCOUNT}:model-customization-job/{builders.LLAMA_3_3}/{_new()}"
        self.world.jobs[arn] = {
            "jobArn": arn,
            "jobName": name,
            "baseModelArn": f"arn:aws:bedrock:{REGION}::foundation-model/{builders.LLAMA_3_3}",
            "status": status,
            "statusDetails": {},
            "creationTime": now(),
            "customizationType": "FINE_TUNING",
            "_tags": dict(tags),
        }
        return arn

    def evaluation(self, name: str, tags: dict[str, str], status: str = "InProgress") -> str:
        arn = f"arn:aws:bedrock:{REGION}:{ACCOUNT}:evaluation-job/{_new()}"
        self.world.evaluations[arn] = {
            "jobArn": arn, "jobName": name, "status": status, "creationTime": now(),
            "jobType": "Automated", "_tags": dict(tags),
        }  # fmt: skip
        return arn

    def tagged(self, stage: str) -> dict[str, dict[str, str]]:
        """Everything that carries a stage's tag and bills, may bill or can be deleted: ARN to tags."""
        over = {
            arn for arn, job in self.world.jobs.items() if job["status"] not in ("InProgress", "Stopping")
        }
        return {
            arn: tags
            for arn, tags in self.world.tags()
            if tags.get(naming.STAGE_TAG) == stage and arn not in over
        }

    def settle(self) -> None:
        """Let what is in motion come to its end."""
        for job in (*self.world.jobs.values(), *self.world.evaluations.values()):
            if job["status"] == "Stopping":
                job["status"] = "Stopped"
        for one in self.world.deployments.values():
            one.status = "Active"
        for one in self.world.provisioned.values():
            one.status = "InService"

    def _answer(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        responses.set_request_account_id(ACCOUNT)
        responses.set_request_region(REGION)
        url = urlsplit(request.url)
        body = request.body or b""
        content = body if isinstance(body, bytes) else str(body).encode()
        query = parse_qs(url.query)
        status, headers, answer = self._service._handle(request.method, url.path, {}, content, query)
        self.calls.append(f"{request.method} {url.path}")
        response = AWSResponse(request.url, status, headers, None)
        response._content = answer
        return response


def tags(stage: str, run_id: str, **more: str) -> dict[str, str]:
    """A stage's tags, as runs set them."""
    return {one["key"]: one["value"] for one in naming.tags(stage, run_id)} | more


def _new() -> str:
    return "".join(secrets.choice("abcdefghij0123456789") for _ in range(12))
