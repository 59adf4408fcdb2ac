"""The embedded SageMaker and Bedrock in the process of a test: boto3's own clients, S3 from moto.

Roles are not looked at here: `assume_role` answers for every role but `NO_ROLE`. Events are kept.
"""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.config import Config
from ministack.core import responses
from moto.core.models import botocore_stubber

from local import ministack
from local.bedrock.service import LocalService
from local.bedrock.service import services as bedrock_services
from local.bedrock.world import World
from local.driver import until
from local.faults import Faults
from local.mantle import jobs as mantle_jobs
from local.mantle import service as mantle_service
from local.mantle.state import State as MantleState
from local.sagemaker import rewards
from local.sagemaker.service import services as sagemaker_services
from local.sagemaker.state import State
from tests import builders
from tunedrop.aws import Aws, mantle
from tunedrop.stage import Stage
from tunedrop.training import engines

REGION, ACCOUNT = "us-east-1", "111122223333"
BUCKET = "engines"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/trains"
NO_ROLE = f"arn:aws:iam::{ACCOUNT}:role/nobody"
QWEN = "huggingface-reasoning-qwen3-4b"
LLAMA = "meta-textgeneration-llama-3-1-8b-instruct"
GROUP = "tuned"


class LocalAccount:
    """Clients of one account in one Region, whose SageMaker and Bedrock are ours."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch, region: str = REGION) -> None:
        self.world = World(Faults(folder / "faults.json"), clock_speed=1e9, endpoint_url="")
        self.state = State(self.world)
        self.faults = self.world.faults
        self.violations: list[str] = []
        self.world.report = self.violations.append
        self.region = region
        self.functions: dict[str, Callable[[Any], Any]] = {}
        patch.setattr(rewards, "invoking", lambda _: lambda name, payload: self.invoke(name, payload))
        patch.setattr(mantle_jobs, "_lambda", lambda *_: self)
        self.events: list[tuple[str, dict[str, Any]]] = []
        patch.setattr(ministack, "assume_role", _assume)
        patch.setattr(ministack, "put_event", self._keep_event)
        session = _session(region)
        ours = bedrock_services(self.world) | sagemaker_services(self.state)
        self.mantle_state = MantleState(self.world)
        self.mantle_service = mantle_service.services(self.mantle_state)[mantle_service.NAME]
        self.sagemaker = self._client(session, "sagemaker", ours["sagemaker"])
        self.bedrock = self._client(session, "bedrock", ours["bedrock"])
        self.runtime = self._client(session, "bedrock-runtime", ours["bedrock_runtime"])
        self.s3 = session.client("s3")
        self.s3.create_bucket(Bucket=BUCKET, **_location(region))

    def aws(self) -> Aws:
        """These clients as the domain has them."""
        found = Aws()
        found.sagemaker, found.bedrock, found.s3 = self.sagemaker, self.bedrock, self.s3
        found.bedrock_runtime = self.runtime
        found.lambda_ = found.grader = self
        found.mantle = found.mantle_chat = self.mantle()
        return found

    def mantle(self) -> Any:
        """A client of the OpenAI-compatible API."""
        client = mantle.client(_session(self.region), Config(retries={"total_max_attempts": 1}))
        return self._answered(client, mantle.SERVICE, self.mantle_service)

    def put(self, key: str, records: Iterable[Mapping[str, Any]]) -> str:
        """Write records as JSONL; gives their URI."""
        body = "".join(f"{json.dumps(one)}\n" for one in records).encode()
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=body)
        return f"s3://{BUCKET}/{key}"

    def keys(self, prefix: str) -> set[str]:
        """The names of the objects under a prefix."""
        found = self.s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])
        return {one["Key"].removeprefix(prefix) for one in found}

    def group(self, name: str = GROUP) -> str:
        return str(
            self.sagemaker.create_model_package_group(ModelPackageGroupName=name)["ModelPackageGroupArn"]
        )

    def train(self, name: str, data: str, model: str = QWEN, **changes: Any) -> dict[str, Any]:
        """Ask for a job; what a test changes replaces what would be asked for."""
        group = f"arn:aws:sagemaker:{self.region}:{ACCOUNT}:model-package-group/{GROUP}"
        hub = f"arn:aws:sagemaker:{self.region}:aws:hub-content/SageMakerPublicHub"
        request = {
            "TrainingJobName": name,
            "RoleArn": ROLE,
            "ServerlessJobConfig": {
                "BaseModelArn": f"{hub}/Model/{model}",
                "JobType": "FineTuning", "CustomizationTechnique": "SFT", "Peft": "LORA", "AcceptEula": True,
            },
            "HyperParameters": {"max_epochs": "3", "learning_rate": "0.0001", "merge_weights": "true"},
            "InputDataConfig": [channel("train", data)],
            "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/out"},
            "ModelPackageConfig": {"ModelPackageGroupArn": group},
        }  # fmt: skip
        answer: dict[str, Any] = self.sagemaker.create_training_job(**request | changes)
        return answer

    def ended(self, name: str) -> dict[str, Any]:
        """A job when it is over."""

        def over() -> dict[str, Any] | None:
            found: dict[str, Any] = self.sagemaker.describe_training_job(TrainingJobName=name)
            return None if found["TrainingJobStatus"] in ("InProgress", "Stopping") else found

        return until(over, f"the end of {name}")

    def function(self, name: str, answer: Callable[[Any], Any]) -> str:
        """Make a Lambda function of a call; gives its ARN."""
        arn = f"arn:aws:lambda:{self.region}:{ACCOUNT}:function:{name}"
        self.functions[arn] = answer
        return arn

    def invoke(self, FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803
        """As Lambda's Invoke: what a function raises is in its answer."""
        try:
            said = self.functions[FunctionName](json.loads(Payload))
        except Exception as error:
            failed = {"errorMessage": str(error), "errorType": type(error).__name__}
            return {"FunctionError": "Unhandled", "Payload": io.BytesIO(json.dumps(failed).encode())}
        return {"Payload": io.BytesIO(json.dumps(said).encode())}

    def finish(self) -> None:
        """Wait until no job is at work, so that none meets the next test."""
        self.faults.set()
        for job in list(self.state.jobs.values()):
            self.ended(job["TrainingJobName"])
        for thread in threading.enumerate():
            if thread.daemon and thread.name.endswith("(run)"):
                thread.join(10)

    def weights(self, job: Mapping[str, Any]) -> str:
        """Where a job's merged weights are, by its model package."""
        package = self.sagemaker.describe_model_package(ModelPackageName=job["OutputModelPackageArn"])
        (container,) = package["InferenceSpecification"]["Containers"]
        return str(container["ModelDataSource"]["S3DataSource"]["S3Uri"]) + "checkpoints/hf_merged/"

    def _client(self, session: boto3.Session, name: str, service: ministack.Service) -> Any:
        client = session.client(name, config=Config(retries={"total_max_attempts": 1}))
        return self._answered(client, name, service)

    def _answered(self, client: Any, name: str, service: ministack.Service) -> Any:
        assert isinstance(service, LocalService)
        client.meta.events.unregister("before-send", botocore_stubber)  # all handlers are called
        client.meta.events.register(f"before-send.{name}", self._answering(service))
        return client

    def _answering(self, service: LocalService) -> Callable[..., AWSResponse]:
        def answer(request: AWSPreparedRequest, **_: Any) -> AWSResponse:
            responses.set_request_account_id(ACCOUNT)
            responses.set_request_region(self.region)
            url = urlsplit(request.url)
            body = request.body or b""
            content = body if isinstance(body, bytes) else str(body).encode()
            sent = {name.lower(): _text(value) for name, value in request.headers.items()}
            status, headers, answered = service._handle(
                request.method, url.path, sent, content, parse_qs(url.query)
            )
            return AWSResponse(request.url, status, headers, _Raw(answered))

        return answer

    def _keep_event(
        self, account: str, region: str, source: str, kind: str, resources: list[str], detail: Any
    ) -> None:
        assert (account, region, len(resources)) == (ACCOUNT, self.region, 1)
        self.events.append((f"{source} {kind}", dict(detail)))


def stage_of(engine: str, region: str = REGION, **changes: Any) -> Stage:
    """A stage of this account that may use Bedrock and one engine more."""
    return builders.stage(
        account=ACCOUNT,
        region=region,
        artifacts_bucket=BUCKET,
        training_role_arns={one.name: ROLE for one in engines.every() if one.role is not None},
        import_role_arn=f"arn:aws:iam::{ACCOUNT}:role/imports",
        key_arn=f"arn:aws:kms:{region}:{ACCOUNT}:key/00000000-0000-0000-0000-000000000000",
        engines=("bedrock", engine),
        **changes,
    )


@cache
def _session(region: str) -> boto3.Session:
    """One for all tests: reading SageMaker's service model takes a second."""
    return boto3.Session("testing", "testing", region_name=region)


class _Raw(io.BytesIO):
    """The body of an answer, as botocore reads it: whole, or as a stream."""

    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.read()


def channel(name: str, uri: str) -> dict[str, Any]:
    """One data channel of a job."""
    source = {"S3DataType": "S3Prefix", "S3Uri": uri, "S3DataDistributionType": "FullyReplicated"}
    return {"ChannelName": name, "DataSource": {"S3DataSource": source}}


def _assume(role: str, service: str, account: str, source_arn: str) -> dict[str, str] | None:
    del service, account, source_arn
    if role == NO_ROLE:
        return None
    return {
        "aws_access_key_id": "testing",
        "aws_secret_access_key": "testing",
        "aws_session_token": "testing",
    }


def _location(region: str) -> dict[str, Any]:
    return {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
