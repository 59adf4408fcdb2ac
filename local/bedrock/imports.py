"""Model import jobs: they assume the role, read a Hugging Face folder from S3, and make an imported model."""

from __future__ import annotations

import json
import threading
import traceback
from collections.abc import Mapping
from typing import Any

import boto3
from botocore.exceptions import ClientError

from local import ministack
from local.bedrock.files import JobFailed
from local.bedrock.weights import unpack
from local.bedrock.wire import Refusal
from local.bedrock.world import Imported, World, new_id, now
from tunedrop.naming import place_of

IMPORT_MINUTES = 20.0
"""A belief without a source: AWS documents no duration of an import."""

REGIONS = ("us-east-1", "us-east-2", "us-west-2", "eu-central-1")

ARCHITECTURES: Mapping[str, str] = {
    "MistralForCausalLM": "mistral",
    "MixtralForCausalLM": "mixtral",
    "T5ForConditionalGeneration": "flan-t5",
    "LlamaForCausalLM": "llama",
    "MllamaForConditionalGeneration": "mllama",
    "GPTBigCodeForCausalLM": "gpt_bigcode",
    "Qwen2ForCausalLM": "qwen2",
    "Qwen2VLForConditionalGeneration": "qwen2_vl",
    "Qwen2_5_VLForConditionalGeneration": "qwen2_5_vl",
    "Qwen3ForCausalLM": "qwen3",
    "Qwen3MoeForCausalLM": "qwen3_moe",
    "GptOssForCausalLM": "gpt_oss",
}
"""Architectures that can be imported, with Bedrock's names (user guide, model-customization-import-model)."""

NO_CONVERSE = ("qwen", "gpt_oss")
"""Prefixes of architectures without Converse (user guide, invoke-imported-model)."""

MOST_BYTES = 200_000_000_000
LONGEST_CONTEXT = 131_072

UNITS = ((10e9, 1), (40e9, 2), (100e9, 4), (MOST_BYTES, 8))
"""Custom model units of a copy, by the maximum size of its weights in bytes."""


class Imports:
    """The operations on import jobs, and the work behind them."""

    def __init__(self, world: World) -> None:
        self._world = world

    def create(self, request: dict[str, Any]) -> dict[str, Any]:
        account, region = ministack.account(), ministack.region()
        world, token = self._world, request.get("clientRequestToken", "")
        with world.lock:
            if token and ("import", token) in world.tokens:
                return {"jobArn": world.tokens["import", token]}
            self._refuse_if_impossible(request, region)
            arn = f"arn:aws:bedrock:{region}:{account}:model-import-job/{new_id()}"
            if ministack.assume_role(request["roleArn"], "bedrock.amazonaws.com", account, arn) is None:
                raise Refusal("ValidationException", "Could not assume provided IAM role.")
            job = _new(arn, request)
            world.imports[arn] = job
            if token:
                world.tokens["import", token] = arn
        threading.Thread(target=self._work, args=(job, account, region), daemon=True).start()
        return {"jobArn": arn}

    def get(self, request: dict[str, Any]) -> dict[str, Any]:
        for job in self._world.imports.values():
            if request["jobIdentifier"] in (job["jobArn"], job["jobName"]):
                return {name: value for name, value in job.items() if name[0] != "_"}
        raise Refusal("ResourceNotFoundException", f"No import job {request['jobIdentifier']}")

    def list(self, request: dict[str, Any]) -> dict[str, Any]:
        wanted, part = request.get("statusEquals"), request.get("nameContains", "")
        kept = ("jobArn", "jobName", "status", "creationTime", "lastModifiedTime", "endTime",
                "importedModelArn", "importedModelName")  # fmt: skip
        found = [
            {name: job[name] for name in kept if name in job}
            for job in self._world.imports.values()
            if wanted in (None, job["status"]) and part in job["jobName"] and _is_here(job["jobArn"])
        ]
        return {"modelImportJobSummaries": found}

    def _refuse_if_impossible(self, request: dict[str, Any], region: str) -> None:
        world = self._world
        if region not in REGIONS:
            raise Refusal("ValidationException", f"Model import is not supported in {region}.")
        if any(job["jobName"] == request["jobName"] for job in world.imports.values()):
            raise Refusal("ConflictException", f"An import job named {request['jobName']} exists.")
        name = request["importedModelName"]
        if any(one.name == name and _is_here(one.arn) for one in world.imported.values()):
            raise Refusal("ConflictException", f"An imported model named {name} exists.")
        running = sum(
            job["status"] == "InProgress" and _is_here(job["jobArn"]) for job in world.imports.values()
        )
        if running >= world.quota("import_jobs"):
            raise Refusal(
                "ServiceQuotaExceededException",
                "You have reached the limit of concurrent model import jobs.",
            )
        here = sum(_is_here(arn) for arn in world.imported)
        if here + running >= world.quota("imported_models"):
            raise Refusal("ServiceQuotaExceededException", "You have reached the limit of imported models.")

    # --- the work ------------------------------------------------------------------------------------------

    def _work(self, job: dict[str, Any], account: str, region: str) -> None:
        try:
            self._world.pass_minutes(self._world.faults.minutes("import", IMPORT_MINUTES))
            if failure := self._world.faults.import_failure(job["jobName"]):
                raise JobFailed(failure)
            model = self._imported(job, account, region)
        except JobFailed as error:
            _end(job, "Failed", failureMessage=str(error)[:2048])
        except Exception as error:
            traceback.print_exc()
            _end(job, "Failed", failureMessage=f"Internal error: {type(error).__name__}")
        else:
            with self._world.lock:
                self._world.imported[model.arn] = model
            _end(job, "Completed", importedModelArn=model.arn)

    def _imported(self, job: dict[str, Any], account: str, region: str) -> Imported:
        credentials = ministack.assume_role(job["roleArn"], "bedrock.amazonaws.com", account, job["jobArn"])
        if credentials is None:
            raise JobFailed("Could not assume provided IAM role.")
        session = boto3.Session(region_name=region, **credentials)
        folder = _Folder(session.client("s3", endpoint_url=self._world.endpoint_url or None), job)
        config = folder.document("config.json")
        architecture = str(next(iter(config.get("architectures", ())), ""))
        _refuse_unsupported(architecture, config, region)
        if not folder.has("tokenizer.json") and not folder.has("tokenizer.model"):
            raise JobFailed(f"The tokenizer could not be found in {folder.uri}.")
        index = folder.document("model.safetensors.index.json")
        size = int(index.get("metadata", {}).get("total_size", 0))
        if size > MOST_BYTES:
            raise JobFailed(f"The model in {folder.uri} is larger than 200 GB.")
        tokenizer = folder.document("tokenizer_config.json")
        brain, metadata = unpack(folder.read(folder.weights()))
        usual = next(units for most, units in UNITS if size <= most)
        return Imported(
            arn=f"arn:aws:bedrock:{region}:{account}:imported-model/{new_id()}",
            name=job["importedModelName"],
            job=job,
            created=now(),
            brain=brain,
            architecture=ARCHITECTURES[architecture],
            converses=not ARCHITECTURES[architecture].startswith(NO_CONVERSE),
            has_template="chat_template" in tokenizer or folder.has("chat_template.jinja"),
            reasons=metadata.get("reasons") == "true",
            units=self._world.faults.model_units(usual),
            tags=job["_model_tags"],
        )


class _Folder:
    """The objects under the job's prefix, read with the role that it was passed."""

    def __init__(self, s3: Any, job: dict[str, Any]) -> None:
        self._s3, self.uri = s3, str(job["modelDataSource"]["s3DataSource"]["s3Uri"])
        self._bucket, prefix = place_of(self.uri)
        self._prefix = f"{prefix.rstrip('/')}/"
        try:
            pages = s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=self._prefix)
            keys = [one["Key"] for page in pages for one in page.get("Contents", ())]
        except ClientError as error:
            raise JobFailed(_denied("ListBucket", self._bucket, self._prefix, error)) from error
        self._names = {key.removeprefix(self._prefix) for key in keys}

    def has(self, name: str) -> bool:
        return name in self._names

    def weights(self) -> str:
        """The first of the files with weights."""
        found: list[str] = sorted(name for name in self._names if name.endswith(".safetensors"))
        if not found:
            raise JobFailed(f"No safetensors files could be found in {self.uri}.")
        return found[0]

    def document(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.read(name))
        return found

    def read(self, name: str) -> bytes:
        if name not in self._names:
            raise JobFailed(f"The file {name} could not be found in {self.uri}.")
        key = self._prefix + name
        try:
            content: bytes = self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        except ClientError as error:
            raise JobFailed(_denied("GetObject", self._bucket, key, error)) from error
        return content


def _denied(action: str, bucket: str, key: str, error: ClientError) -> str:
    code = str(error.response["Error"]["Code"])
    return (
        f"Could not validate {action} permissions to access Amazon S3 bucket: {bucket} at key {key}. ({code})"
    )


def _refuse_unsupported(architecture: str, config: Mapping[str, Any], region: str) -> None:
    if architecture not in ARCHITECTURES or (architecture == "GptOssForCausalLM" and region != "us-east-1"):
        raise JobFailed(f"The model architecture {architecture} is not supported in {region}.")
    if int(config.get("max_position_embeddings", 0)) > LONGEST_CONTEXT:
        raise JobFailed(f"The context length of {config['max_position_embeddings']} is not supported.")


def _new(arn: str, request: dict[str, Any]) -> dict[str, Any]:
    moment = now()
    key = str(request.get("importedModelKmsKeyId", ""))
    return {
        "jobArn": arn,
        "jobName": request["jobName"],
        "importedModelName": request["importedModelName"],
        "roleArn": request["roleArn"],
        "modelDataSource": request["modelDataSource"],
        "status": "InProgress",
        "creationTime": moment,
        "lastModifiedTime": moment,
        **({"importedModelKmsKeyArn": key} if key.startswith("arn:") else {}),
        **({"vpcConfig": request["vpcConfig"]} if "vpcConfig" in request else {}),
        "_tags": {tag["key"]: tag["value"] for tag in request.get("jobTags", [])},
        "_model_tags": {tag["key"]: tag["value"] for tag in request.get("importedModelTags", [])},
    }


def _end(job: dict[str, Any], status: str, **more: Any) -> None:
    moment = now()
    job.update(status=status, lastModifiedTime=moment, endTime=moment, **more)


def _is_here(arn: str) -> bool:
    return arn.split(":")[3] == ministack.region()
