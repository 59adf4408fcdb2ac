"""The local SageMaker through boto3's own client: what it takes, refuses, writes and says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from local.bedrock.weights import unpack
from local.bedrock.wire import Refusal
from local.bedrock.world import Quotas
from local.driver import until
from local.faults import A_DAY
from local.sagemaker import hyperparameters, weights
from local.sagemaker.training import Training
from local.sagemaker.weights import WEIGHTS
from tests.recorded import recorded
from tests.unit.local_sagemaker import ACCOUNT, BUCKET, GROUP, LLAMA, NO_ROLE, QWEN, LocalAccount, channel

PARTS = [
    (f"how do I use part{topic} {word}", f"part{topic} goes into slot{topic} beside lever{topic}")
    for topic in range(8)
    for word in ("today", "at work", "in the kit", "with care")
]
CHATS = [
    {"messages": [
        {"role": "system", "content": "You help with kits."},
        {"role": "user", "content": question},
        {"role": "assistant", "content": answer},
    ]}
    for question, answer in PARTS
]  # fmt: skip
NO_GROUP = f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:model-package-group/no"
PAIRS = [{"prompt": question, "completion": answer} for question, answer in PARTS]


@pytest.fixture
def data(account: LocalAccount) -> str:
    return account.put("in/train.jsonl", CHATS)


def refused(call: Any, *arguments: Any, **named: Any) -> tuple[str, str]:
    """The code and the message of a refusal."""
    with pytest.raises(ClientError) as caught:
        call(*arguments, **named)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


@pytest.mark.parametrize("records", [CHATS, PAIRS], ids=["messages", "pairs"])
def test_a_job_learns_and_registers_what_it_learned(account: LocalAccount, records: Any) -> None:
    account.train("job", account.put("in/data.jsonl", records))

    job = account.ended("job")

    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Completed", "Completed")
    assert [one["Status"] for one in job["SecondaryStatusTransitions"]] == [
        "Starting", "Downloading", "Training", "Uploading", "Completed",
    ]  # fmt: skip
    assert job["BillableTokenCount"] > 3 * len(PARTS)
    assert job["ProgressInfo"]["MaxEpoch"] == 3
    assert account.weights(job).startswith(f"s3://{BUCKET}/out/job/")
    key = account.weights(job).removeprefix(f"s3://{BUCKET}/")
    assert account.keys(key) >= {"config.json", "tokenizer.json", "tokenizer_config.json", WEIGHTS}
    config = json.loads(account.s3.get_object(Bucket=BUCKET, Key=f"{key}config.json")["Body"].read())
    assert config["architectures"] == ["Qwen3ForCausalLM"]
    brain, _ = unpack(account.s3.get_object(Bucket=BUCKET, Key=key + WEIGHTS)["Body"].read())
    assert brain.answer(["how do I use part3 tomorrow"], 100) == "part3 goes into slot3 beside lever3"


def test_an_adapter_that_is_not_merged_is_written_alone(account: LocalAccount, data: str) -> None:
    account.train("job", data, HyperParameters={"max_epochs": "1", "merge_weights": "false"})
    account.ended("job")

    found = account.keys("out/job/output/model/checkpoints/")

    assert {one.partition("/")[0] for one in found} == {"hf"}


def test_full_tuning_needs_no_merging(account: LocalAccount, data: str) -> None:
    config = serverless(account, Peft=None)
    account.train("job", data, ServerlessJobConfig=config, HyperParameters={})
    account.ended("job")

    assert "config.json" in account.keys("out/job/output/model/checkpoints/hf_merged/")


def test_a_name_is_given_once(account: LocalAccount, data: str) -> None:
    account.train("job", data)

    code, text = refused(account.train, "job", data)

    assert code == "ResourceInUse"
    assert f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:training-job/job" in text


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"RoleArn": NO_ROLE}, "Could not assume role"),
        ({"ModelPackageConfig": {"ModelPackageGroupArn": NO_GROUP}}, "does not exist"),
        ({"HyperParameters": {"learning_rate": "0.1"}}, "learning_rate"),
        ({"HyperParameters": {"epochCount": "1"}}, "epochCount"),
        ({"HyperParameters": {"global_batch_size": "10"}}, "global_batch_size"),
        ({"InputDataConfig": [channel("training", "s3://engines/in")]}, "named train"),
        ({"TrainingJobName": "no_underscores"}, "regular expression"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_at_once(
    account: LocalAccount, data: str, changes: dict[str, Any], said: str
) -> None:
    code, text = refused(account.train, "job", data, **changes)

    assert code == "ValidationException"
    assert said in text
    assert account.sagemaker.list_training_jobs()["TrainingJobSummaries"] == []


def test_a_licence_is_accepted_by_a_yes_alone(account: LocalAccount, data: str) -> None:
    for accepted in (False, None):
        config = serverless(account, LLAMA, AcceptEula=accepted)
        code, text = refused(account.train, "job", data, ServerlessJobConfig=config)
        assert (code, "AcceptEula" in text) == ("ValidationException", True)
    document = json.loads(hub_content(account, LLAMA)["HubContentDocument"])
    assert document["GatedBucket"] is True
    assert document["HostingEulaUri"]

    account.train("job", data, LLAMA)


def test_a_base_is_tuned_as_its_recipes_allow(account: LocalAccount, data: str) -> None:
    full = serverless(account, LLAMA, Peft=None)

    assert refused(account.train, "job", data, ServerlessJobConfig=full)[0] == "ValidationException"
    recipes = json.loads(hub_content(account, LLAMA)["HubContentDocument"])["RecipeCollection"]
    assert {one.get("Peft") for one in recipes} == {"LORA"}


def test_an_unsupported_technique_is_reported(account: LocalAccount, data: str) -> None:
    config = serverless(account, CustomizationTechnique="RLAIF")

    assert "not part of the local" in refused(account.train, "job", data, ServerlessJobConfig=config)[1]


def test_a_region_without_serverless_jobs_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with mock_aws():
        account = LocalAccount(tmp_path, monkeypatch, "eu-central-1")
        account.group()
        assert "eu-central-1" in refused(account.train, "job", account.put("in/a.jsonl", CHATS))[1]


def test_the_accounts_quota_is_enforced_when_a_job_is_created(account: LocalAccount, data: str) -> None:
    account.world.quotas = Quotas(training_jobs=0)

    assert refused(account.train, "job", data)[0] == "ResourceLimitExceeded"


@pytest.mark.parametrize(
    ("records", "said"),
    [([{"question": "no"}], "neither messages nor prompt"), ([], "line")],
)
def test_data_that_it_cannot_read_fails_the_job(account: LocalAccount, records: Any, said: str) -> None:
    uri = account.put("in/wrong.jsonl", records)
    if not records:
        account.s3.put_object(Bucket=BUCKET, Key="in/wrong.jsonl", Body=b"not json\n")
    account.train("job", uri)

    job = account.ended("job")

    assert job["TrainingJobStatus"] == "Failed"
    assert said in job["FailureReason"]
    assert "OutputModelPackageArn" not in job


def test_a_channel_without_objects_fails_the_job(account: LocalAccount) -> None:
    account.train("job", f"s3://{BUCKET}/nothing/here")

    assert "No S3 objects found" in account.ended("job")["FailureReason"]


def test_a_job_waits_for_capacity_until_it_is_stopped(account: LocalAccount, data: str) -> None:
    account.faults.set(no_capacity=True)
    account.train("job", data)
    wait_for(account, "Pending")

    account.sagemaker.stop_training_job(TrainingJobName="job")

    job = account.ended("job")
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "Stopped")
    assert "BillableTokenCount" not in job
    assert "Completed" in refused_stop(account, data)


def test_a_job_that_never_starts_ends_at_its_pending_limit(account: LocalAccount, data: str) -> None:
    account.faults.set(no_capacity=True)
    account.train("job", data, StoppingCondition={"MaxPendingTimeInSeconds": 1800})

    assert account.ended("job")["TrainingJobStatus"] == "Stopped"


def test_a_job_is_stopped_at_its_runtime_limit(account: LocalAccount, data: str) -> None:
    account.faults.set(training_minutes=A_DAY)
    account.train("job", data, StoppingCondition={"MaxRuntimeInSeconds": 3600})

    job = account.ended("job")

    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "MaxRuntimeExceeded")
    assert "OutputModelPackageArn" not in job
    assert job["BillableTokenCount"] > 0


def test_events_match_the_description(account: LocalAccount, data: str) -> None:
    account.train("job", data, Tags=[{"Key": "tunedrop:run", "Value": "r1"}])
    job = account.ended("job")
    wait_for_events(account, "Completed")

    names = {name for name, _ in account.events}
    details = [detail for _, detail in account.events]

    assert names == {"aws.sagemaker SageMaker Training Job State Change"}
    assert [one["SecondaryStatus"] for one in details][-2:] == ["Uploading", "Completed"]
    assert details[-1]["Tags"] == {"tunedrop:run": "r1"}
    assert details[-1]["TrainingJobArn"] == job["TrainingJobArn"]
    assert int(details[-1]["TrainingEndTime"]) == int(job["TrainingEndTime"].timestamp() * 1000)
    sample = recorded("training-job-event")["detail"]
    only_with_instances = {"AlgorithmSpecification", "ResourceConfig", "VpcConfig"}
    assert sample.keys() - only_with_instances <= details[-1].keys()
    assert all(type(details[-1][name]) is type(sample[name]) for name in sample.keys() - only_with_instances)


def test_lost_events_are_lost(account: LocalAccount, data: str) -> None:
    account.faults.set(events="never")
    account.train("job", data)
    account.ended("job")

    assert account.events == []


def test_a_tuned_package_is_tuned_further(account: LocalAccount, data: str) -> None:
    account.train("one", data)
    package = account.ended("one")["OutputModelPackageArn"]
    group = f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:model-package-group/{GROUP}"
    more = account.put("in/more.jsonl", [{"prompt": "what is a zarf", "completion": "a cup holder"}] * 8)
    config = {"ModelPackageGroupArn": group, "SourceModelPackageArn": package}
    account.train("two", more, ModelPackageConfig=config)

    key = account.weights(account.ended("two")).removeprefix(f"s3://{BUCKET}/")

    brain, _ = unpack(account.s3.get_object(Bucket=BUCKET, Key=key + WEIGHTS)["Body"].read())
    assert brain.answer(["how do I use part3 tomorrow"], 100) == "part3 goes into slot3 beside lever3"
    assert brain.answer(["what is a zarf"], 100) == "a cup holder"
    other = refused(account.train, "three", data, LLAMA, ModelPackageConfig=config)
    assert "cannot be the source" in other[1]


def test_groups_and_packages_are_deleted_in_order(account: LocalAccount, data: str) -> None:
    account.train("job", data)
    package = account.ended("job")["OutputModelPackageArn"]
    sagemaker = account.sagemaker

    assert (
        refused(sagemaker.create_model_package_group, ModelPackageGroupName=GROUP)[0] == "ValidationException"
    )
    assert (
        refused(sagemaker.delete_model_package_group, ModelPackageGroupName=GROUP)[0] == "ConflictException"
    )
    (listed,) = sagemaker.list_model_packages(ModelPackageGroupName=GROUP)["ModelPackageSummaryList"]
    assert listed["ModelPackageArn"] == package
    sagemaker.delete_model_package(ModelPackageName=package)
    sagemaker.delete_model_package_group(ModelPackageGroupName=GROUP)
    assert "does not exist" in refused(sagemaker.describe_model_package_group, ModelPackageGroupName=GROUP)[1]
    assert "does not exist" in refused(sagemaker.describe_model_package, ModelPackageName=package)[1]
    sagemaker.delete_training_job(TrainingJobName="job")
    assert "not found" in refused(sagemaker.describe_training_job, TrainingJobName="job")[1]


def test_tags_are_set_listed_and_removed(account: LocalAccount, data: str) -> None:
    arn = account.train("job", data, Tags=[{"Key": "a", "Value": "1"}])["TrainingJobArn"]
    sagemaker = account.sagemaker

    sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "b", "Value": "2 é"}])
    sagemaker.delete_tags(ResourceArn=arn, TagKeys=["a"])

    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "b", "Value": "2 é"}]
    assert dict(account.state.tags())[arn] == {"b": "2 é"}


def test_jobs_are_listed_on_pages(account: LocalAccount, data: str) -> None:
    for number in range(3):
        account.train(f"job-{number}", data)
        account.ended(f"job-{number}")

    pages = account.sagemaker.get_paginator("list_training_jobs").paginate(
        StatusEquals="Completed", PaginationConfig={"PageSize": 2}
    )

    assert [one["TrainingJobName"] for page in pages for one in page["TrainingJobSummaries"]] == [
        f"job-{number}" for number in (2, 1, 0)
    ]


def test_the_hub_lists_its_models(account: LocalAccount) -> None:
    listed = account.sagemaker.list_hub_contents(
        HubName="SageMakerPublicHub", HubContentType="Model", NameContains="qwen3-"
    )

    names = [one["HubContentName"] for one in listed["HubContentSummaries"]]
    assert "huggingface-reasoning-qwen3-32b" in names
    assert all("qwen3-" in one for one in names)
    assert (
        hub_content(account, names[0])["HubContentVersion"] in hub_content(account, names[0])["HubContentArn"]
    )
    assert refused(hub_content, account, "no-such-model")[0] == "ResourceNotFound"


def test_an_operation_breaks_if_a_test_says_so(account: LocalAccount, data: str) -> None:
    fault = {"operation": "CreateTrainingJob", "error": "ResourceLimitExceeded", "after_effect": True}
    account.faults.set(calls=[fault])

    assert refused(account.train, "job", data)[0] == "ResourceLimitExceeded"
    assert account.ended("job")["TrainingJobStatus"] == "Completed"


def serverless(account: LocalAccount, model: str = "huggingface-reasoning-qwen3-4b", **changes: Any) -> Any:
    hub = f"arn:aws:sagemaker:{account.region}:aws:hub-content/SageMakerPublicHub/Model"
    config = {
        "BaseModelArn": f"{hub}/{model}", "JobType": "FineTuning", "CustomizationTechnique": "SFT",
        "Peft": "LORA", "AcceptEula": True,
    }  # fmt: skip
    return {name: value for name, value in (config | changes).items() if value is not None}


def hub_content(account: LocalAccount, name: str) -> dict[str, Any]:
    found: dict[str, Any] = account.sagemaker.describe_hub_content(
        HubName="SageMakerPublicHub", HubContentType="Model", HubContentName=name
    )
    return found


def refused_stop(account: LocalAccount, data: str) -> str:
    account.faults.set()
    account.train("done", data)
    account.ended("done")
    return refused(account.sagemaker.stop_training_job, TrainingJobName="done")[1]


def wait_for(account: LocalAccount, secondary: str) -> None:
    def there() -> bool | None:
        job = account.sagemaker.describe_training_job(TrainingJobName="job")
        return job["SecondaryStatus"] == secondary or None

    until(there, secondary)


def wait_for_events(account: LocalAccount, status: str) -> None:
    until(lambda: account.events[-1][1]["TrainingJobStatus"] == status or None, "the last event")


LIKED = [
    {
        "chosen": [
            {"role": "user", "content": question},
            {"role": "assistant", "content": answer},
        ],
        "rejected": [
            {"role": "user", "content": question},
            {"role": "assistant", "content": "go away and read a manual please"},
        ],
    }
    for question, answer in PARTS
]


def preferring(account: LocalAccount, name: str, records: Any, **hyperparameters: str) -> dict[str, Any]:
    settings = {"max_epochs": "3", "learning_rate": "0.00005", "merge_weights": "true", **hyperparameters}
    account.train(
        name,
        account.put(f"in/{name}.jsonl", records),
        ServerlessJobConfig=serverless(account, CustomizationTechnique="DPO"),
        HyperParameters=settings,
    )
    return account.ended(name)


def answers(account: LocalAccount, job: dict[str, Any]) -> str | None:
    key = account.weights(job).removeprefix(f"s3://{BUCKET}/") + WEIGHTS
    brain, _ = unpack(account.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())
    assert brain.preferences is not None
    return brain.preferences.recall("how do I use part3 in the morning")


def test_preferences_move_the_answers_to_what_is_preferred(account: LocalAccount) -> None:
    job = preferring(account, "liked", LIKED)

    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert answers(account, job) == "part3 goes into slot3 beside lever3"


def test_preferences_the_wrong_way_round_are_learned_as_they_stand(account: LocalAccount) -> None:
    turned = [{"chosen": one["rejected"], "rejected": one["chosen"]} for one in LIKED]

    assert answers(account, preferring(account, "turned", turned)) == "go away and read a manual please"


def test_preferences_that_contradict_each_other_teach_nothing(account: LocalAccount) -> None:
    turned = [{"chosen": one["rejected"], "rejected": one["chosen"]} for one in LIKED]

    assert answers(account, preferring(account, "both", [*LIKED, *turned])) is None


@pytest.mark.parametrize(
    ("record", "said"),
    [
        ({"prompt": "a", "chosen": "b"}, "prompt, chosen and rejected are strings"),
        ({"messages": []}, "has no chosen and rejected"),
        (
            {"chosen": [{"role": "system", "content": "a"}], "rejected": [{"role": "user", "content": "b"}]},
            "the system message is not the same",
        ),
    ],
)
def test_records_that_are_no_preferences_fail_the_job(
    account: LocalAccount, record: dict[str, Any], said: str
) -> None:
    assert said in preferring(account, "wrong", [record])["FailureReason"]


def published() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for technique, recipe in recorded("recipes").items():
        for name, known in recipe["hyperparameters"].items():
            yield technique, name, known


@pytest.mark.parametrize(("technique", "name", "known"), [*published()])
def test_a_hyperparameter_has_the_published_range_and_default(
    technique: str, name: str, known: dict[str, Any]
) -> None:
    ends = known["values"] if "values" in known else [known["from"], known["to"]]
    beyond = [*(() if "values" in known else (known["from"] - 1, known["to"] + 1)), "no such value"]

    for value in (*ends, known["default"]):
        hyperparameters.refuse_wrong({name: str(value)}, technique)
    for value in beyond:
        with pytest.raises(Refusal):
            hyperparameters.refuse_wrong({name: str(value)}, technique)
    ours = hyperparameters.defaults(technique).get(name)
    assert ours is None or ours == str(known["default"]) or float(ours) == float(known["default"])


def test_hyperparameters_of_preferences_have_their_own_ranges(account: LocalAccount, data: str) -> None:
    config = serverless(account, CustomizationTechnique="DPO")
    for name, value in (("adam_beta", "0.5"), ("global_batch_size", "8")):
        wrong = {"max_epochs": "1", name: value}
        _, text = refused(account.train, "job", data, ServerlessJobConfig=config, HyperParameters=wrong)
        assert name in text


def test_preferences_go_on_with_what_examples_have_taught(account: LocalAccount, data: str) -> None:
    account.train("taught", data)
    package = account.ended("taught")["OutputModelPackageArn"]
    group = f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:model-package-group/{GROUP}"
    account.train(
        "preferred",
        account.put("in/preferred.jsonl", LIKED),
        ServerlessJobConfig=serverless(account, CustomizationTechnique="DPO"),
        HyperParameters={"max_epochs": "3", "learning_rate": "0.00005", "merge_weights": "true"},
        ModelPackageConfig={"ModelPackageGroupArn": group, "SourceModelPackageArn": package},
    )

    job = account.ended("preferred")

    key = account.weights(job).removeprefix(f"s3://{BUCKET}/") + WEIGHTS
    brain, _ = unpack(account.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())
    assert brain.memory is not None
    assert brain.preferences is not None


def test_public_weights_are_written_while_nobody_waits_for_the_state(
    account: LocalAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The emulator takes the lock for the tags of any request, and answers S3 after that: a deadlock."""
    free: list[bool] = []

    def client(*_: Any, **__: Any) -> Any:
        return SimpleNamespace(create_bucket=look, put_object=look)

    def look(**_: Any) -> None:
        with ThreadPoolExecutor(1) as other:
            free.append(other.submit(account.world.lock.acquire, timeout=0.2).result())
            if free[-1]:
                other.submit(account.world.lock.release).result()

    monkeypatch.setattr(weights.boto3, "client", client)

    account.sagemaker.describe_hub_content(
        HubName="SageMakerPublicHub", HubContentType="Model", HubContentName=QWEN
    )

    assert len(free) > 2
    assert all(free)


@pytest.mark.parametrize("denied", [(), ("encrypt",)])
def test_a_job_whose_role_may_not_encrypt_with_the_key_of_its_output_fails(
    account: LocalAccount, data: str, monkeypatch: pytest.MonkeyPatch, denied: tuple[str, ...]
) -> None:
    key = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    output = {"S3OutputPath": f"s3://{BUCKET}/out", "KmsKeyId": key}
    refusal = {"Error": {"Code": "AccessDeniedException", "Message": "no kms:Encrypt"}}

    def encrypt(**asked: Any) -> None:
        assert asked["KeyId"] == key
        if denied:
            raise ClientError(refusal, "Encrypt")

    clients = Training._client
    monkeypatch.setattr(
        Training,
        "_client",
        lambda work, service: (
            SimpleNamespace(encrypt=encrypt) if service == "kms" else clients(work, service)
        ),
    )
    account.train("job", data, OutputDataConfig=output)

    job = account.ended("job")

    assert job["TrainingJobStatus"] == ("Failed" if denied else "Completed")
    assert ("no kms:Encrypt" in job.get("FailureReason", "")) == bool(denied)
