"""Training jobs on an instance that the caller chooses: an emulation of JumpStart's domain adaptation.

It reads the files that the script reads according to AWS's notebook, trains like the local Bedrock's
continued pre-training, and writes a Hugging Face folder, which SageMaker uploads unchanged or as an archive.
"""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Mapping
from typing import Any

from local.bedrock.brain import Brain
from local.bedrock.files import JobFailed
from local.bedrock.language import LanguageModel
from local.bedrock.lessons import Learned
from local.bedrock.wire import Refusal
from local.bedrock.world import now
from local.sagemaker import jumpstart, weights
from local.sagemaker.hub import HubModel, models
from local.sagemaker.state import State
from local.sagemaker.training import Training
from tunedrop.naming import place_of

ENDINGS = (".csv", ".json", ".txt")
"""The files that the script reads; exactly one a channel."""

SMALL = 100.0
"""The factor from a large model's learning rate to that of the small local one."""

KEPT = (
    "TrainingJobName", "RoleArn", "AlgorithmSpecification", "InputDataConfig", "OutputDataConfig",
    "ResourceConfig", "EnableNetworkIsolation", "EnableInterContainerTrafficEncryption", "VpcConfig",
    "HyperParameters",
)  # fmt: skip
"""What DescribeTrainingJob repeats of the request."""


def refuse_if_impossible(state: State, request: Mapping[str, Any], region: str) -> HubModel:
    """The hub's model whose weights the job begins with.

    Raises
    ------
    Refusal
        As CreateTrainingJob refuses a request on an instance.
    """
    if "AlgorithmSpecification" not in request or "ResourceConfig" not in request:
        raise Refusal("ValidationException", "AlgorithmSpecification and ResourceConfig are required.")
    resources = request["ResourceConfig"]
    if resources.get("VolumeKmsKeyId") and resources["InstanceType"].startswith("ml.g5."):
        raise Refusal("ValidationException", "VolumeKmsKeyId is not supported with local instance storage.")
    channels = {one["ChannelName"]: one["DataSource"]["S3DataSource"] for one in request["InputDataConfig"]}
    found = next(
        (
            one
            for one in models().values()
            if one.script and channels.get("model", {}).get("S3Uri") == jumpstart.artifact(one.name, region)
        ),
        None,
    )
    if found is None:
        raise Refusal("ValidationException", "only JumpStart's scripts are part of the local SageMaker")
    _refuse_over_the_quota(state, resources)
    return found


def _refuse_over_the_quota(state: State, resources: Mapping[str, Any]) -> None:
    instance, asked = resources["InstanceType"], int(resources["InstanceCount"])
    used = sum(
        int(job["ResourceConfig"]["InstanceCount"])
        for job in state.jobs.values()
        if job["TrainingJobStatus"] in ("InProgress", "Stopping")
        and job.get("ResourceConfig", {}).get("InstanceType") == instance
    )
    limit = state.world.quota("training_instances")
    if used + asked > limit:
        raise Refusal(
            "ResourceLimitExceeded",
            f"The account-level service limit '{instance} for training job usage' is {limit} Instances, with "
            f"current utilization of {used} Instances and a request delta of {asked} Instances. Please use "
            "AWS Service Quotas to request an increase for this quota.",
        )


def output(request: Mapping[str, Any]) -> str:
    """The upload location of a job's files: the folder itself only with CompressionType NONE."""
    folder = f"{request['OutputDataConfig']['S3OutputPath'].rstrip('/')}/{request['TrainingJobName']}/output/"
    is_plain = request["OutputDataConfig"].get("CompressionType") == "NONE"
    return folder + ("model/" if is_plain else "model.tar.gz")


class OnInstance(Training):
    """One running job, from the channels to its output files."""

    def _read(self, s3: Any, channel: dict[str, Any]) -> list[Any]:
        """The texts of a channel: each line of a TXT file, the column `text` or the first of the others."""
        name, uri = channel["ChannelName"], channel["DataSource"]["S3DataSource"]["S3Uri"]
        bucket, prefix = place_of(uri)
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        keys = [one["Key"] for page in pages for one in page.get("Contents", ())]
        if not keys:
            raise JobFailed(f"ClientError: Data download failed: No S3 objects found under S3 URL {uri}.")
        if len(keys) != 1 or not keys[0].endswith(ENDINGS):
            raise JobFailed(
                f"AlgorithmError: ExecuteUserScriptError: the {name} folder must hold exactly one CSV, JSON "
                f"or TXT file; found {', '.join(key.rpartition('/')[2] for key in keys)}"
            )
        lines = s3.get_object(Bucket=bucket, Key=keys[0])["Body"].read().splitlines()
        texts = (line.decode("utf-8") for line in lines if line)
        return [_text_of(text) if keys[0].endswith(".json") else text for text in texts]

    def _learn(self, s3: Any, train: list[Any], validation: list[Any]) -> Learned:
        del s3
        given = self._job["HyperParameters"]
        if given.get("instruction_tuned") != "False":
            raise JobFailed("AlgorithmError: ExecuteUserScriptError: no template.json in the train folder")
        language = LanguageModel()
        rate = SMALL * float(given["learning_rate"])
        steps = list(language.train(train, int(given["epoch"]), rate))
        losses = [language.loss_on(validation)] if validation else []
        self._pass(0.8)
        self._job["FinalMetricDataList"] = [
            {"MetricName": f"huggingface-textgeneration:{name}", "Value": value, "Timestamp": now()}
            for name, value in (("train-loss", steps[-1].loss), *(("eval-loss", one) for one in losses))
        ]
        return Learned(Brain(language=language), steps, losses)

    def _write(self, s3: Any, brain: Brain) -> None:
        job = self._job
        architecture = self._world.faults.architecture() or self._model.architecture
        files = weights.files(self._model, brain, architecture)
        if job["HyperParameters"].get("peft_type") == "lora":
            files = {"adapter_config.json": b"{}", "adapter_model.safetensors": files[weights.WEIGHTS]}
        bucket, place = place_of(job["ModelArtifacts"]["S3ModelArtifacts"])
        encryption = weights.encryption(self._client, job)
        if place.endswith("model.tar.gz"):
            s3.put_object(Bucket=bucket, Key=place, Body=_archive(files), **encryption)
            return
        for name, content in files.items():
            s3.put_object(Bucket=bucket, Key=f"{place}{name}", Body=content, **encryption)

    def _log(self) -> None:
        """Such a job registers nothing."""

    def _register(self, where: str) -> None:
        """As `_log`."""

    def _finish(self, status: str, secondary: str, reason: str = "") -> None:
        """A job that is stopped while it trains uploads what it has (API reference, StopTrainingJob)."""
        if status == "Stopped" and "TrainingStartTime" in self._job:
            self._write(self._client("s3"), Brain())
        super()._finish(status, secondary, reason)


def _text_of(line: str) -> str:
    record = json.loads(line)
    return str(record["text"] if "text" in record else next(iter(record.values())))


def _archive(files: Mapping[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, content in files.items():
            about = tarfile.TarInfo(name)
            about.size = len(content)
            archive.addfile(about, io.BytesIO(content))
    return packed.getvalue()
