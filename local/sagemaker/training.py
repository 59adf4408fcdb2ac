"""The work of a training job: assume the role, read the channels, learn, write weights, register, tell."""

from __future__ import annotations

import traceback
from typing import Any

import boto3
from botocore.exceptions import ClientError

from local import ministack
from local.bedrock.brain import Brain
from local.bedrock.files import JobFailed
from local.bedrock.language import pieces
from local.bedrock.lessons import (
    Learned,
    Tries,
    imitate,
    pairs_of,
    prefer,
    preferred_of,
    reinforce,
)
from local.bedrock.weights import unpack
from local.bedrock.world import now
from local.sagemaker import channels, rewards, statuses, weights
from local.sagemaker.hub import HubModel
from local.sagemaker.packages import Packages
from local.sagemaker.private_hubs import function_of
from local.sagemaker.state import Package, State
from tunedrop.naming import place_of

JOB_MINUTES = 60.0
"""How long a serverless job takes: no page says."""

MINI_BATCH = 32
"""Prompts after which the local model is updated; verl parts a batch too."""

TICK_MINUTES = JOB_MINUTES * 0.05
"""The interval in which a job checks whether it was stopped."""

Record = dict[str, Any]


class Stopped(Exception):
    """Somebody has stopped the job, or a limit has: the secondary status that it ends with."""


class Training:
    """One job at work."""

    def __init__(
        self,
        state: State,
        packages: Packages,
        job: dict[str, Any],
        model: HubModel,
        account: str,
        region: str,
    ) -> None:
        self._world, self._packages, self._state = state.world, packages, state
        self._job, self._model = job, model
        self._account, self._region = account, region
        self._at_work = 0.0

    def run(self) -> None:
        """Work until the job is over, however it ends."""
        try:
            self._tell()
            self._work()
        except Stopped as stopped:
            self._finish("Stopped", str(stopped))
        except JobFailed as error:
            self._log()
            self._finish("Failed", "Failed", str(error)[:1024])
        except Exception as error:
            traceback.print_exc()
            self._finish("Failed", "Failed", f"InternalServerError: {type(error).__name__}")

    def _work(self) -> None:
        job, faults = self._job, self._world.faults
        if faults.events() == "early":
            self._tell(job | {"TrainingJobStatus": "Completed"})
        s3 = self._client("s3")
        self._pass(0.05)
        self._wait_for_capacity()
        self._enter("Downloading")
        channels = {one["ChannelName"]: one for one in job["InputDataConfig"]}
        train = self._read(s3, channels["train"])
        validation = self._read(s3, channels["validation"]) if "validation" in channels else []
        if failure := faults.take_job_failure(job["TrainingJobName"]):
            raise JobFailed(failure)
        self._pass(0.05)
        job["TrainingStartTime"] = now()
        self._enter("Training")
        learned = self._learn(s3, train, validation)
        self._enter("Uploading")
        self._pass(0.1)
        self._write(s3, learned.brain)
        self._register(job["ModelArtifacts"]["S3ModelArtifacts"])
        self._finish("Completed", "Completed")

    def _wait_for_capacity(self) -> None:
        waited = 0.0
        limit = self._job["StoppingCondition"].get("MaxPendingTimeInSeconds", float("inf")) / 60
        if self._world.faults.has_no_capacity():
            self._enter("Pending")
        while self._world.faults.has_no_capacity():
            self._look_for_stop()
            if waited >= limit:
                raise Stopped("Stopped")
            self._world.pass_minutes(TICK_MINUTES)
            waited += TICK_MINUTES

    def _learn(self, s3: Any, train: list[Record], validation: list[Record]) -> Learned:
        job = self._job
        epochs, rate = (
            int(job["HyperParameters"]["max_epochs"]),
            float(job["HyperParameters"]["learning_rate"]),
        )
        batches = -(-len(train) // int(job["HyperParameters"]["global_batch_size"]))
        tokens = sum(len(pieces(text)) for record in train for text in channels.texts(record))

        def progress(share: float) -> None:
            step = min(int(share * epochs * batches), epochs * batches - 1)
            job["ProgressInfo"] = {
                "TotalStepCountPerEpoch": batches, "CurrentStep": step % batches + 1,
                "CurrentEpoch": step // batches, "MaxEpoch": epochs,
            }  # fmt: skip
            job["BillableTokenCount"] = int(share * epochs * tokens)

        progress(0)
        self._pass(0.8, progress)
        learned = self._taught(self._parent(s3), epochs, rate, train, validation)
        progress(1)
        return learned

    def _taught(
        self, parent: Brain, epochs: int, rate: float, train: list[Record], validation: list[Record]
    ) -> Learned:
        if self._technique == "RLVR":
            return self._reinforced(parent, epochs, rate, train, validation)
        if self._technique == "DPO":
            beta = float(self._job["HyperParameters"].get("adam_beta", 0.1))
            liked, held_out = ([preferred_of(one) for one in part] for part in (train, validation))
            return prefer(parent, epochs, rate, beta, liked, held_out)
        pairs, others = ([pair for one in part for pair in pairs_of(one)] for part in (train, validation))
        return imitate(parent, epochs, rate, pairs, others)

    def _reinforced(
        self, parent: Brain, epochs: int, rate: float, train: list[Record], validation: list[Record]
    ) -> Learned:
        given = self._job["HyperParameters"]
        evaluator = self._job["ServerlessJobConfig"]["EvaluatorArn"]
        function = function_of(self._state, evaluator)
        if not function:
            raise JobFailed(f"ClientError: The evaluator {evaluator} could not be found.")
        invoke = rewards.invoking(self._client("lambda"))
        graded = [(part, rewards.grader(invoke, function, part)) for part in (train, validation)]
        batch = min(MINI_BATCH, int(given["global_batch_size"]))
        tries = Tries(epochs, rate, batch, int(given["rollout_n"]))
        return reinforce(parent, graded[0], graded[1], tries)

    @property
    def _technique(self) -> str:
        return str(self._job["ServerlessJobConfig"]["CustomizationTechnique"])

    def _parent(self, s3: Any) -> Brain:
        """What the job starts from: the base model, or what another job has made of it."""
        source = self._job["ModelPackageConfig"].get("SourceModelPackageArn")
        if source is None:
            return Brain()
        bucket, prefix = place_of(self._packages.package(source).weights)
        for folder in (weights.MERGED, weights.ADAPTER):
            try:
                found = s3.get_object(Bucket=bucket, Key=f"{prefix}{folder}{weights.WEIGHTS}")
            except ClientError:
                continue
            brain, _ = unpack(found["Body"].read())
            return brain
        raise JobFailed(f"ClientError: The weights of {source} could not be read.")

    def _read(self, s3: Any, channel: dict[str, Any]) -> list[Record]:
        return channels.read(s3, channel, self._technique)

    def _write(self, s3: Any, brain: Brain) -> None:
        job = self._job
        bucket, prefix = place_of(job["ModelArtifacts"]["S3ModelArtifacts"])
        encryption = weights.encryption(self._client, job)
        architecture = self._world.faults.architecture() or self._model.architecture
        is_merged = self._technique == "RLVR" or job["HyperParameters"]["merge_weights"].lower() == "true"
        lora = "Peft" in job["ServerlessJobConfig"]
        folders = [weights.ADAPTER] * lora + [weights.MERGED] * (is_merged or not lora)
        for folder in folders:
            for name, content in weights.files(self._model, brain, architecture).items():
                try:
                    s3.put_object(Bucket=bucket, Key=f"{prefix}{folder}{name}", Body=content, **encryption)
                except ClientError as error:
                    raise JobFailed(
                        f"ClientError: Failed to upload model artifacts to s3://{bucket}/{prefix}: "
                        f"{error.response['Error']['Code']}"
                    ) from error

    def _log(self) -> None:
        """A failed job's model: with a checkpoint if it has trained, else without files."""
        has_trained = "TrainingStartTime" in self._job
        where = str(self._job["ModelArtifacts"]["S3ModelArtifacts"]) if has_trained else ""
        try:
            if where:
                bucket, prefix = place_of(where)
                self._client("s3").put_object(
                    Bucket=bucket, Key=f"{prefix}checkpoints/step-1/{weights.WEIGHTS}", Body=b"",
                    **weights.encryption(self._client, self._job),
                )  # fmt: skip
        except (ClientError, JobFailed):
            where = ""
        self._register(where)

    def _register(self, where: str) -> None:
        job, config = self._job, self._job["ServerlessJobConfig"]
        with self._world.lock:
            group = self._packages.group(job["ModelPackageConfig"]["ModelPackageGroupArn"])
            group.last_version += 1
            arn = f"{group.arn.replace(':model-package-group/', ':model-package/')}/{group.last_version}"
            self._state.packages[arn] = Package(
                arn, group.name, group.last_version, now(), where, self._model.name,
                config["CustomizationTechnique"], config.get("Peft", ""),
            )  # fmt: skip
        if where:
            job["OutputModelPackageArn"] = arn

    # --- time, and what is said of it ----------------------------------------------------------------------

    def _pass(self, share: float, progress: Any = lambda _: None) -> None:
        """Let a share of the job's time pass, unless it is stopped or its limit is reached."""
        passed, limit = 0.0, self._job["StoppingCondition"]["MaxRuntimeInSeconds"] / 60
        length = share * self._world.faults.minutes("training", JOB_MINUTES)
        while passed < length:
            self._look_for_stop()
            self._world.pass_minutes(TICK_MINUTES)
            passed += TICK_MINUTES
            if "TrainingStartTime" in self._job:
                self._at_work += TICK_MINUTES
            if self._at_work > limit:
                raise Stopped("MaxRuntimeExceeded")
            progress(min(passed / length, 1))
        self._look_for_stop()

    def _look_for_stop(self) -> None:
        if self._job["TrainingJobStatus"] == "Stopping":
            raise Stopped("Stopped")

    def _enter(self, secondary: str) -> None:
        with self._world.lock:
            self._look_for_stop()
            statuses.enter(self._job, secondary)
        self._tell()

    def _finish(self, status: str, secondary: str, reason: str = "") -> None:
        job = self._job
        with self._world.lock:
            job["TrainingJobStatus"] = status
            statuses.enter(job, secondary)
            job["SecondaryStatusTransitions"][-1]["EndTime"] = job["TrainingEndTime"] = now()
            if reason:
                job["FailureReason"] = reason
        if self._world.faults.events() == "late":
            self._world.pass_minutes(60)
        self._tell()

    def _tell(self, job: dict[str, Any] | None = None) -> None:
        """Send the job's event, unless events are lost; twice where they are doubled."""
        mode = self._world.faults.events()
        for _ in range({"never": 0, "twice": 2}.get(mode, 1)):
            ministack.put_event(
                self._account,
                self._region,
                "aws.sagemaker",
                "SageMaker Training Job State Change",
                [self._job["TrainingJobArn"]],
                statuses.event_detail(job or self._job),
            )

    def _client(self, service: str) -> Any:
        arn = self._job["TrainingJobArn"]
        credentials = ministack.assume_role(
            self._job["RoleArn"], "sagemaker.amazonaws.com", self._account, arn
        )
        if credentials is None:
            raise JobFailed(f"ClientError: Could not assume role {self._job['RoleArn']}.")
        session = boto3.Session(region_name=self._region, **credentials)
        return session.client(service, endpoint_url=self._world.endpoint_url or None)
