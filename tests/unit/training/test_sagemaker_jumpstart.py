"""The engine of continued pre-training; botocore's own service models check every request and answer.

The hub's document is a whole one of AWS's, from the tests of its SDK (`tests/recorded`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import boto3
import msgspec
import pytest
from botocore.stub import ANY, Stubber
from hypothesis import given
from hypothesis import strategies as st

from tests import builders
from tests.recorded import recorded
from tests.unit.fake_bedrock import FakeBedrock, refusal
from tunedrop import catalog
from tunedrop.aws import Aws
from tunedrop.contracts import Dataset, DatasetFile, Run, StartedJob
from tunedrop.cost._training import training
from tunedrop.errors import CustomizationFailed, RunStopped, TransientError
from tunedrop.planning.hyperparameters import resolve
from tunedrop.planning.plan import plan
from tunedrop.stage import Stage
from tunedrop.training import engines
from tunedrop.training.engine import outcome
from tunedrop.training.engines.sagemaker_jumpstart import checks, inventory, limits, weights
from tunedrop.training.engines.sagemaker_jumpstart import template as templates
from tunedrop.training.job import QuotaFull

NAME = "pretrain-test-persona-0123456789"
SAGEMAKER = "arn:aws:sagemaker:us-east-1:111122223333"
JOB = f"{SAGEMAKER}:training-job/{NAME}"
FOLDER = f"s3://artifacts/runs/persona-0123456789/training/{NAME}/"
BASE = catalog.find("mistral.mistral-7b")
ENGINE = engines.named("sagemaker-jumpstart")
MOMENT = datetime(2026, 11, 29, tzinfo=UTC)
DOCUMENT: dict[str, Any] = recorded("hub-content-llama-2-13b")
OPEN = DOCUMENT | {"GatedBucket": False, "HostingEulaUri": None}
FILES = {"config.json", "tokenizer.json", "model-00001-of-00002.safetensors", "generation_config.json"}
LIMIT = (
    "The account-level service limit 'ml.g5.24xlarge for training job usage' is {} Instances, with current "
    "utilization of {} Instances and a request delta of 1 Instances. Please use AWS Service Quotas to "
    "request an increase for this quota."
)


@pytest.fixture
def stage() -> Stage:
    roles = {name: f"arn:aws:iam::111122223333:role/{name}" for name in ("training", "import")}
    return builders.stage(
        region="us-east-1",
        training_role_arns={"sagemaker-jumpstart": roles["training"]},
        import_role_arn=roles["import"],
    )


class Copies:
    """S3, as far as a start uses it."""

    def __init__(self) -> None:
        self.made: list[tuple[str, str]] = []

    def copy(self, CopySource: dict[str, str], Bucket: str, Key: str) -> None:  # noqa: N803
        self.made.append((f"s3://{CopySource['Bucket']}/{CopySource['Key']}", f"s3://{Bucket}/{Key}"))


@pytest.fixture
def aws() -> Aws:
    found = Aws()
    found.sagemaker = boto3.client("sagemaker", region_name="us-east-1")
    found.service_quotas = boto3.client("service-quotas", region_name="us-east-1")
    found.s3 = Copies()
    return found


@pytest.fixture
def stubber(aws: Aws) -> Iterator[Stubber]:
    with Stubber(aws.sagemaker) as found:
        yield found


def run(**changes: Any) -> Run:
    values = resolve(BASE, "continued-pretraining", {"epoch": 2})
    return builders.run(
        base_model=BASE.id, method="continued-pretraining", **{"hyperparameters": values} | changes
    )


def dataset(tokens: int = 500_000, **changes: Any) -> Dataset:
    def file(split: str, count: int) -> DatasetFile:
        uri = f"s3://artifacts/runs/persona-0123456789/dataset/{split}.jsonl"
        return DatasetFile(uri=uri, records=count // 100, tokens=count)

    files = {"train": file("train", tokens), "validation": file("validation", tokens // 10)}
    return builders.dataset(
        method="continued-pretraining", target_format="text", **{**files, "test": None} | changes
    )


def start(aws: Aws, stage: Stage, run: Run) -> StartedJob:
    (planned,) = plan(run, dataset())
    return ENGINE.start(aws, stage, run, planned, BASE, "")


def hub(**document: Any) -> dict[str, Any]:
    return {
        "HubContentName": "m", "HubContentArn": f"{SAGEMAKER}:hub-content/h/Model/m", "HubName": "h",
        "HubContentVersion": "2.9.1", "HubContentType": "Model", "DocumentSchemaVersion": "2.3.0",
        "HubArn": f"{SAGEMAKER}:hub/h", "HubContentStatus": "Available", "CreationTime": MOMENT,
        "HubContentDocument": json.dumps(document or OPEN),
    }  # fmt: skip


def free(stubber: Stubber) -> None:
    """No job of this name is there, and the hub answers."""
    stubber.add_client_error("describe_training_job", "ValidationException", "Requested resource not found.")
    stubber.add_response("describe_hub_content", hub(), {
        "HubName": "SageMakerPublicHub", "HubContentType": "Model",
        "HubContentName": "huggingface-llm-mistral-7b",
    })  # fmt: skip


def described(**changes: Any) -> dict[str, Any]:
    return {
        "TrainingJobName": NAME, "TrainingJobArn": JOB,
        "ModelArtifacts": {"S3ModelArtifacts": f"{FOLDER}output/model"},
        "TrainingJobStatus": "Completed", "SecondaryStatus": "Completed", "CreationTime": MOMENT,
        "StoppingCondition": {"MaxRuntimeInSeconds": 7_200},
        "FinalMetricDataList": [
            {"MetricName": "huggingface-textgeneration:train-loss", "Value": 0.75, "Timestamp": MOMENT},
            {"MetricName": "huggingface-textgeneration:eval-loss", "Value": 1.25, "Timestamp": MOMENT},
        ],
        **changes,
    }  # fmt: skip


def asked_of(aws: Aws) -> dict[str, Any]:
    """What CreateTrainingJob is asked, once it is."""
    asked: dict[str, Any] = {}
    aws.sagemaker.meta.events.register(
        "provide-client-params.sagemaker.CreateTrainingJob", lambda params, **_: asked.update(params)
    )
    return asked


def test_a_job_is_the_one_that_the_hubs_page_describes(aws: Aws, stage: Stage, stubber: Stubber) -> None:
    free(stubber)
    stubber.add_response("create_training_job", {"TrainingJobArn": JOB})
    asked = asked_of(aws)

    started = start(aws, stage, run())

    assert started == StartedJob(outcome="started", job_arn=JOB, job_name=NAME)
    assert asked["AlgorithmSpecification"] == {
        "TrainingImage": DOCUMENT["TrainingEcrUri"],
        "TrainingInputMode": "File",
        "MetricDefinitions": DOCUMENT["TrainingMetrics"],
    }
    assert asked["ResourceConfig"] == {
        "InstanceType": "ml.g5.24xlarge", "InstanceCount": 1, "VolumeSizeInGB": 256,
    }  # fmt: skip
    assert asked["OutputDataConfig"] == {
        "S3OutputPath": "s3://artifacts/runs/persona-0123456789/training",
        "KmsKeyId": stage.key_arn, "CompressionType": "NONE",
    }  # fmt: skip
    assert asked["EnableNetworkIsolation"] is True
    assert asked["RoleArn"] == "arn:aws:iam::111122223333:role/training"
    assert {"Key": "tunedrop:stage", "Value": "test"} in asked["Tags"]
    assert "VpcConfig" not in asked


def test_the_channels_are_a_file_each_of_the_data_and_jumpstarts_weights_and_script(
    aws: Aws, stage: Stage, stubber: Stubber
) -> None:
    """The SDK sends the script of an isolated job by a channel, and names it inside the container."""
    free(stubber)
    stubber.add_response("create_training_job", {"TrainingJobArn": JOB})
    asked = asked_of(aws)

    start(aws, stage, run())

    channels = {
        one["ChannelName"]: one["DataSource"]["S3DataSource"]["S3Uri"] for one in asked["InputDataConfig"]
    }
    assert channels == {
        "train": f"{FOLDER}input/train/", "validation": f"{FOLDER}input/validation/",
        "model": DOCUMENT["TrainingArtifactUri"], "code": DOCUMENT["TrainingScriptUri"],
    }  # fmt: skip
    made = "s3://artifacts/runs/persona-0123456789/dataset"
    assert aws.s3.made == [
        (f"{made}/train.jsonl", f"{FOLDER}input/train/train.json"),
        (f"{made}/validation.jsonl", f"{FOLDER}input/validation/validation.json"),
    ]
    given_ = asked["HyperParameters"]
    assert json.loads(given_["sagemaker_submit_directory"]) == "/opt/ml/input/data/code/sourcedir.tar.gz"
    assert json.loads(given_["sagemaker_program"]) == "transfer_learning.py"


GPU = "763104351884.dkr.ecr.us-east-1.amazonaws.com/huggingface-pytorch-training:2.0.0-gpu-py310"
ALIASES = {"cpu_ecr_uri_1": "cpu", "gpu_ecr_uri_1": GPU}


@pytest.mark.parametrize(
    "variants",
    [
        {"Aliases": ALIASES, "Variants": {"g5": {"Properties": {"ImageUri": "$gpu_ecr_uri_1"}}}},
        {"Aliases": ALIASES, "Variants": {"ml.g5": {"properties": {"image_uri": "$gpu_ecr_uri_1"}}}},
        {"Aliases": None, "Variants": {"g5": {"properties": {"image_uri": GPU}}}},
        {"Variants": {"ml.g5.24xlarge": {"Properties": {"ImageUri": GPU}}, "g5": {"Properties": {}}}},
    ],
)
def test_an_instances_image_is_found_however_a_document_names_it(variants: dict[str, Any]) -> None:
    """Documents of AWS's hub have `"$gpu_ecr_uri_1"` beside `"Aliases": {"gpu_ecr_uri_1": ...}`, and families
    with and without `ml.` (those in the tests of its SDK): an alias for an image would be refused."""
    read = templates.read(json.dumps(OPEN | {"TrainingInstanceTypeVariants": variants}), "1")

    assert read.image_on("ml.g5.24xlarge") == GPU


def test_an_alias_that_a_document_does_not_explain_is_no_image() -> None:
    variants = {"Aliases": {}, "Variants": {"g5": {"Properties": {"ImageUri": "$gpu_ecr_uri_1"}}}}
    read = templates.read(json.dumps(OPEN | {"TrainingInstanceTypeVariants": variants}), "1")

    assert read.image_on("ml.g5.24xlarge") == OPEN["TrainingEcrUri"]


def test_hyperparameters_are_the_hubs_made_to_go_on_reading_and_the_plans(
    aws: Aws, stage: Stage, stubber: Stubber
) -> None:
    free(stubber)
    stubber.add_response("create_training_job", {"TrainingJobArn": JOB})
    asked = asked_of(aws)

    start(aws, stage, run())

    given_ = asked["HyperParameters"]
    assert (given_["instruction_tuned"], given_["chat_dataset"]) == (
        "False",
        "False",
    )
    assert (given_["epoch"], given_["max_input_length"]) == ("2", "1024")
    assert given_["learning_rate"] == "0.0001"  # the hub's own, where the plan says auto
    assert "peft_type" not in given_  # this template knows none
    assert "auto" not in given_.values()


def test_a_licence_is_accepted_only_where_a_person_has(stage: Stage) -> None:
    (planned,) = plan(run(), dataset())
    gated = templates.read(json.dumps(DOCUMENT), "1")

    def model_channel(accepted: bool) -> dict[str, Any]:
        from tunedrop.training.engines.sagemaker_jumpstart.jobs import request

        asked = request(stage, run(accept_eula=accepted), planned, BASE, gated, NAME, {})
        source: dict[str, Any] = asked["InputDataConfig"][0]["DataSource"]["S3DataSource"]
        return source

    assert model_channel(accepted=True)["ModelAccessConfig"] == {"AcceptEula": True}
    assert "ModelAccessConfig" not in model_channel(accepted=False)


def test_a_job_that_is_there_is_found_and_nothing_copied(aws: Aws, stage: Stage, stubber: Stubber) -> None:
    stubber.add_response("describe_training_job", described(TrainingJobStatus="InProgress"))

    assert start(aws, stage, run()).job_arn == JOB
    assert aws.s3.made == []


@pytest.mark.parametrize(
    ("code", "message", "raised", "said"),
    [
        (
            "ResourceLimitExceeded",
            LIMIT.format(0, 0),
            CustomizationFailed,
            "billed. Ask for 1 of",
        ),
        ("ResourceLimitExceeded", LIMIT.format(1, 1), QuotaFull, "is 1 Instances"),
        ("ThrottlingException", "Rate exceeded", TransientError, "Rate exceeded"),
        ("ValidationException", "Could not assume role", TransientError, "assume role"),
        ("ValidationException", "No such image", CustomizationFailed, "No such image"),
    ],
)
def test_what_a_refusal_means(
    aws: Aws, stage: Stage, stubber: Stubber, code: str, message: str, raised: type[Exception], said: str
) -> None:
    free(stubber)
    stubber.add_client_error("create_training_job", code, message)

    with pytest.raises(raised, match=said):
        start(aws, stage, run())


def test_a_hub_that_trains_it_no_more_fails_the_start(aws: Aws, stage: Stage, stubber: Stubber) -> None:
    stubber.add_client_error("describe_training_job", "ValidationException", "Requested resource not found.")
    stubber.add_response("describe_hub_content", hub(**OPEN | {"TrainingSupported": False}))

    with pytest.raises(CustomizationFailed, match="is not trained by JumpStart"):
        start(aws, stage, run())


class Listing:
    """S3, as far as a result is looked at."""

    def __init__(self, names: set[str]) -> None:
        self._names = names

    def get_paginator(self, operation: str) -> Listing:
        assert operation == "list_objects_v2"
        return self

    def paginate(self, Bucket: str, Prefix: str) -> list[dict[str, Any]]:  # noqa: N803
        assert (Bucket, Prefix[-7:]) == ("artifacts", "/model/")
        return [{"Contents": [{"Key": f"{Prefix}{name}"} for name in sorted(self._names)]}]


def test_a_completed_job_stands_for_its_model_and_says_where_it_is(aws: Aws, stubber: Stubber) -> None:
    aws.s3 = Listing(FILES)
    stubber.add_response("describe_training_job", described(), {"TrainingJobName": NAME})

    done = outcome(engines.of_job(JOB), aws, JOB)

    assert done is not None
    assert (done.model_arn, done.output_uri) == (JOB, f"{FOLDER}output/model/")
    assert (done.training_loss, done.validation_loss) == (0.75, 1.25)
    assert engines.of_model(done.model_arn) is ENGINE


@pytest.mark.parametrize(
    ("files", "said"),
    [
        (set(), "nothing"),
        ({"model.tar.gz"}, "an archive"),
        ({"adapter_config.json", "adapter_model.safetensors", "tokenizer.json"}, "an adapter"),
        ({"config.json", "pytorch_model.bin", "tokenizer.model"}, "a folder without \\*.safetensors"),
        ({"config.json", "model.safetensors"}, "tokenizer.json or tokenizer.model"),
        ({f"checkpoint-500/{name}" for name in FILES}, "nothing|a folder without"),
    ],
)
def test_what_bedrock_could_not_import_is_no_result(
    aws: Aws, stubber: Stubber, files: set[str], said: str
) -> None:
    aws.s3 = Listing(files)
    stubber.add_response("describe_training_job", described())

    with pytest.raises(CustomizationFailed, match=said):
        outcome(ENGINE, aws, JOB)


@given(st.sets(st.sampled_from([*FILES, "README.md", "training_args.bin", "checkpoint-500/config.json"])))
def test_more_files_never_make_a_folder_less_importable(more: set[str]) -> None:
    assert weights.problem(FILES | more) == ""


@pytest.mark.parametrize(
    ("changes", "raised", "said"),
    [
        (
            {"TrainingJobStatus": "Failed", "SecondaryStatus": "Failed",
             "FailureReason": "CapacityError: Unable to provision requested ML compute capacity."},
            CustomizationFailed, "CapacityError",
        ),
        (
            {"TrainingJobStatus": "Failed", "SecondaryStatus": "Failed",
             "FailureReason": "AlgorithmError: ExecuteUserScriptError"},
            CustomizationFailed, "AlgorithmError",
        ),
        (
            {"TrainingJobStatus": "Stopped", "SecondaryStatus": "MaxRuntimeExceeded"},
            CustomizationFailed, "run-time limit of 2 hours",
        ),
        ({"TrainingJobStatus": "Stopped", "SecondaryStatus": "Stopped"}, RunStopped, "was stopped"),
    ],
)  # fmt: skip
def test_a_job_that_did_not_end_well_says_why(
    aws: Aws, stubber: Stubber, changes: dict[str, Any], raised: type[Exception], said: str
) -> None:
    stubber.add_response("describe_training_job", described(**changes))

    with pytest.raises(raised, match=said):
        outcome(ENGINE, aws, JOB)


def test_a_job_that_waits_for_an_instance_has_not_started(aws: Aws, stubber: Stubber) -> None:
    job = described(TrainingJobStatus="InProgress", SecondaryStatus="Pending")
    stubber.add_response("describe_training_job", job)

    found = ENGINE.describe(aws, JOB)

    assert found is not None
    assert found.has_not_started


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({}, "s3://jumpstart-cache-prod-us-east-1/mistral/"),
        ({"HostingArtifactUri": "s3://jumpstart-cache-prod-us-east-1/mistral/model.tar.gz"}, ""),
        ({"HostingArtifactUri": "s3://elsewhere/mistral/"}, ""),
        ({"HostingArtifactCompressionType": "Gzip"}, ""),
        ({"HostingEulaUri": "s3://jumpstart-cache-prod-us-east-1/eula.txt"}, ""),
        ({"GatedBucket": True}, ""),
    ],
)
def test_the_base_model_is_imported_from_where_anybody_may_read_it(
    aws: Aws, stubber: Stubber, changes: dict[str, Any], found: str
) -> None:
    plain = OPEN | {
        "HostingArtifactUri": "s3://jumpstart-cache-prod-us-east-1/mistral/",
        "HostingArtifactCompressionType": "None",
    }
    stubber.add_response("describe_hub_content", hub(**plain | changes))

    assert ENGINE.base_weights(aws, BASE) == found


# --- what is looked at before anything is paid


def quota(value: float, name: str = "ml.g5.24xlarge for training job usage") -> dict[str, Any]:
    one = {"QuotaName": name, "QuotaCode": "L-ED7BD217", "Value": value, "Adjustable": True}
    return {"Quotas": [{"QuotaName": "ml.g5.24xlarge for spot training job usage", "Value": 9.0}, one]}


def failed(
    aws: Aws,
    stage: Stage,
    stubber: Stubber,
    *,
    document: dict[str, Any] = OPEN,
    instances: float = 1,
    base: catalog.BaseModel = BASE,
    data: Dataset | None = None,
    run_: Run | None = None,
) -> dict[str, str]:
    """The checks that have not passed: the detail and hint of each."""
    stubber.add_response("describe_hub_content", hub(**document))
    with Stubber(aws.service_quotas) as quotas:
        quotas.add_response(
            "list_service_quotas", quota(instances), {"ServiceCode": "sagemaker", "MaxResults": ANY}
        )
        found = [*checks.every(aws, stage, run_ or run(), data or dataset(), base)]
    return {one.name: f"{one.detail}. {one.hint}" for one in found if not one.passed}


def test_a_run_that_can_be_trained_passes_every_check(aws: Aws, stage: Stage, stubber: Stubber) -> None:
    assert failed(aws, stage, stubber) == {}


def test_an_account_without_an_instance_is_told_how_to_ask_for_one(
    aws: Aws, stage: Stage, stubber: Stubber
) -> None:
    said = failed(aws, stage, stubber, instances=0)

    assert said.keys() == {"instances"}
    assert "'ml.g5.24xlarge for training job usage' (L-ED7BD217) is 0" in said["instances"]
    assert "--service-code sagemaker --quota-code L-ED7BD217 --desired-value 1" in said["instances"]


@pytest.mark.parametrize(
    ("changes", "which", "said"),
    [
        ({"document": OPEN | {"TrainingSupported": False}}, "hub", "is not trained by JumpStart (any more)"),
        ({"document": OPEN | {"TrainingScriptUri": None}}, "hub", "without TrainingScriptUri"),
        ({"document": OPEN | {"TrainingScriptUri": "s3://elsewhere/x.tar.gz"}}, "hub", "s3://elsewhere"),
        ({"document": DOCUMENT}, "license", "which nobody has accepted"),
        (
            {"document": OPEN | {"DefaultTrainingInstanceType": "ml.p5.48xlarge",
                                 "SupportedTrainingInstanceTypes": ["ml.p5.48xlarge"]}},
            "instance", "Set training_instance of mistral.mistral-7b in the catalog to ml.p5.48xlarge",
        ),
        ({"data": dataset(8_000)}, "length", "the data have fewer: validation about 800"),
        ({"data": dataset(900_000_000)}, "run time", "is stopped after 100.0 h"),
        ({"base": msgspec.structs.replace(BASE, architecture="GPTJForCausalLM")}, "architecture", "not impo"),
        ({"run_": run(parent_model=JOB)}, "from", "name the base model"),
    ],
)  # fmt: skip
def test_what_would_fail_on_a_paid_instance_is_found_before(
    aws: Aws, stage: Stage, stubber: Stubber, changes: dict[str, Any], which: str, said: str
) -> None:
    found = failed(aws, stage, stubber, **changes)

    assert found.keys() == {which}
    assert said in found[which]


def test_a_quota_that_is_not_listed_fails_nothing(aws: Aws, stage: Stage, stubber: Stubber) -> None:
    stubber.add_response("describe_hub_content", hub())
    with Stubber(aws.service_quotas) as quotas:
        for operation in ("list_service_quotas", "list_aws_default_service_quotas"):
            quotas.add_response(operation, {"Quotas": []}, {"ServiceCode": ANY, "MaxResults": ANY})
        found = {one.name: one for one in checks.every(aws, stage, run(), dataset(), BASE)}

    assert found["instances"].passed
    assert "not listed" in found["instances"].detail


# --- time and money


@given(tokens=st.integers(0, 10**10), epochs=st.integers(1, 1_000), most=st.sampled_from([0, 360_000]))
def test_the_run_time_limit_is_one_that_sagemaker_takes_and_never_less_than_likely(
    tokens: int, epochs: int, most: int
) -> None:
    (planned,) = plan(run(hyperparameters={"epoch": str(epochs)}), dataset(tokens))
    seconds = limits.run_seconds(planned, most)

    assert 7_200 <= seconds <= (most or 432_000)
    if limits.fits(planned, most):
        assert limits.hours(planned)[1] * 3600 <= seconds


@pytest.mark.parametrize(
    ("tokens", "most", "seconds", "fits"),
    [
        (0, 0, 7_200, True),  # two hours at least
        (1_350_000, 0, 7_200, True),
        (2_500_000, 0, 1_800 + 10_000, True),  # by the slowest guess, and the time to set up
        (2_500_000, 9_000, 9_000, True),  # the template's own limit
        (5_300_000, 9_000, 9_000, False),  # it likely takes longer
        (1_000_000_000, 0, 432_000, False),  # five days are the most
        (1_000_000_000, 900_000, 432_000, False),
    ],
)
def test_a_job_may_run_as_long_as_the_slowest_guess_within_what_sagemaker_allows(
    tokens: int, most: int, seconds: int, fits: bool
) -> None:
    (planned,) = plan(run(hyperparameters={"epoch": "1"}), dataset(tokens))

    assert limits.run_seconds(planned, most) == seconds
    assert limits.fits(planned, most) is fits
    hours = [round(1_800 / 3600 + tokens / rate / 3600, 6) for rate in (1_500, 700, 250)]
    assert [round(one, 6) for one in limits.hours(planned)] == hours


def test_the_estimate_is_by_the_hour_and_names_the_usage_type_that_has_no_price() -> None:
    (planned,) = plan(run(), dataset())
    unpriced = msgspec.structs.replace(BASE.prices, training_per_hour=None)

    (line,) = training(run(), planned, msgspec.structs.replace(BASE, prices=unpriced))

    assert (line.low, line.high, line.sku) == (0.0, 0.0, "USE1-Train:ml.g5.24xlarge")
    assert "no dated price is known of USE1-Train:ml.g5.24xlarge" in line.basis


def test_a_price_an_hour_is_paid_for_the_hours_of_the_guess() -> None:
    assert BASE.prices.training_per_hour is not None
    assert BASE.prices.training_per_hour.doubt  # the list that it was read in has no date
    price = catalog.model.Price(usd=10.0, source="a list", priced_on="2026-11-29")
    prices = msgspec.structs.replace(BASE.prices, training_per_hour=price)
    base = msgspec.structs.replace(BASE, prices=prices)
    (planned,) = plan(run(), dataset(1_260_000))  # twice: 2,520,000 tokens, an hour at the likely rate

    (line,) = training(run(), planned, base)

    assert line.likely == pytest.approx(15.0)
    assert line.low < line.likely < line.high


def test_the_refusal_of_another_service_is_no_answer_of_the_hub(aws: Aws, stage: Stage) -> None:
    error = refusal("ThrottlingException", "Rate exceeded")

    class Throttled:
        def describe_hub_content(self, **_: Any) -> None:
            raise error

    aws.sagemaker = Throttled()
    with pytest.raises(type(error)):
        list(checks.every(aws, stage, run(), dataset(), BASE))


@pytest.mark.parametrize(
    ("weights_at", "listed"),
    [
        (f"{FOLDER}output/model/", 1),
        (f"{FOLDER.replace('artifacts', 'another')}output/model/", 0),
        (f"s3://artifacts/output/{NAME}/output/model/", 0),
    ],
)
def test_a_job_whose_files_are_not_a_runs_is_none_of_the_stages(
    stage: Stage, weights_at: str, listed: int
) -> None:
    """Deleting the folder of the last one would empty the bucket: its `output/` is the first."""
    job = {
        "TrainingJobName": NAME, "TrainingJobArn": JOB, "TrainingJobStatus": "Completed",
        "CreationTime": MOMENT,
    }  # fmt: skip
    found = Aws()
    found.s3 = FakeBedrock(list_objects_v2={"KeyCount": 1})
    found.sagemaker = FakeBedrock(
        list_training_jobs=[{"TrainingJobSummaries": [job]}, {"TrainingJobSummaries": []}],
        list_tags={"Tags": [{"Key": "tunedrop:stage", "Value": stage.name}]},
        describe_training_job={"ModelArtifacts": {"S3ModelArtifacts": weights_at}},
    )

    assert len(list(inventory.of_stage(found, stage, "pretrain-test-", ["trained model"]))) == listed
