"""Imported models of the local Bedrock: what is imported, what fails in the job, what is refused."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from moto import mock_aws

from local.bedrock.imported import THOUGHT
from local.driver import until
from local.faults import A_DAY
from tests.recorded import recorded
from tests.unit.local.test_sagemaker import CHATS, LIKED, preferring, refused
from tests.unit.local_sagemaker import ACCOUNT, BUCKET, LLAMA, NO_ROLE, QWEN, ROLE, LocalAccount

QUESTION = "how do I use part3 tomorrow"
ANSWER = "part3 goes into slot3 beside lever3"


def trained(account: LocalAccount, model: str = QWEN, name: str = "job") -> str:
    """The weights of a job, as an import takes them."""
    account.train(name, account.put("in/train.jsonl", CHATS), model)
    return account.weights(account.ended(name))


def begun(account: LocalAccount, weights: str, name: str = "tuned", **changes: Any) -> str:
    request = {
        "jobName": f"import-{name}", "importedModelName": name, "roleArn": ROLE,
        "modelDataSource": {"s3DataSource": {"s3Uri": weights}},
    } | changes  # fmt: skip
    return str(account.bedrock.create_model_import_job(**request)["jobArn"])


def imported(account: LocalAccount, weights: str, name: str = "tuned", **changes: Any) -> dict[str, Any]:
    """An import job when it is over."""
    arn = begun(account, weights, name, **changes)

    def over() -> dict[str, Any] | None:
        job: dict[str, Any] = account.bedrock.get_model_import_job(jobIdentifier=arn)
        return None if job["status"] == "InProgress" else job

    return until(over, f"the import of {name}")


def invoke(account: LocalAccount, model: str, **body: Any) -> dict[str, Any]:
    answer = account.runtime.invoke_model(modelId=model, body=json.dumps(body))
    found: dict[str, Any] = json.loads(answer["body"].read())
    return found


def awake(account: LocalAccount, model: str) -> str:
    """The model, woken."""
    account.world.imported[model].awake_from = time.monotonic()
    return model


def asked(content: Any = QUESTION) -> list[dict[str, Any]]:
    return [{"role": "system", "content": "You help with kits."}, {"role": "user", "content": content}]


def test_a_jobs_model_is_imported_and_used(account: LocalAccount) -> None:
    job = imported(account, trained(account), importedModelTags=[{"key": "tunedrop:run", "value": "r"}])
    model = job["importedModelArn"]

    found = account.bedrock.get_imported_model(modelIdentifier="tuned")
    answer = invoke(account, awake(account, model), messages=asked(), max_tokens=200)

    assert (job["status"], found["modelArn"]) == ("Completed", model)
    assert found["customModelUnits"] == {"customModelUnitsPerModelCopy": 1, "customModelUnitsVersion": "v1.0"}
    assert (found["modelArchitecture"], found["instructSupported"]) == ("qwen3", False)
    assert answer["choices"][0]["message"]["content"] == THOUGHT + ANSWER
    assert answer["choices"][0]["finish_reason"] == "stop"
    (tag,) = account.bedrock.list_tags_for_resource(resourceARN=model)["tags"]
    assert tag == {"key": "tunedrop:run", "value": "r"}
    assert model in dict(account.world.tags())


def test_a_preference_model_is_imported_and_used(account: LocalAccount) -> None:
    """The weights of DPO are written, imported and asked exactly as those of examples."""
    job = preferring(account, "liked", LIKED)

    model = imported(account, account.weights(job))["importedModelArn"]
    answer = invoke(account, awake(account, model), messages=asked(), max_tokens=200)

    assert answer["choices"][0]["message"]["content"] == THOUGHT + ANSWER


@pytest.mark.parametrize(
    "form", ["imported-openai-chat", "imported-openai-completion", "imported-bedrock-completion"]
)
def test_each_form_is_answered_as_the_guides_example_is(account: LocalAccount, form: str) -> None:
    model = awake(account, imported(account, trained(account))["importedModelArn"])
    folder = Path(__file__).parents[2] / "recorded"
    request = json.loads((folder / f"{form}.json").read_text())["request"]

    ours = invoke(account, model, **request)

    assert shape(ours) == shape(recorded(form))


def test_parts_of_a_message_are_read(account: LocalAccount) -> None:
    model = awake(account, imported(account, trained(account))["importedModelArn"])

    answer = invoke(account, model, messages=asked([{"type": "text", "text": QUESTION}]), max_tokens=200)

    assert answer["choices"][0]["message"]["content"].endswith(ANSWER)


def test_thoughts_take_their_part_of_the_tokens(account: LocalAccount) -> None:
    model = awake(account, imported(account, trained(account))["importedModelArn"])

    (choice,) = invoke(account, model, messages=asked(), max_tokens=5)["choices"]

    assert choice["finish_reason"] == "length"
    assert "</think>" not in choice["message"]["content"]


def test_a_model_sleeps_until_the_next_request(account: LocalAccount) -> None:
    model = imported(account, trained(account))["importedModelArn"]
    state = account.world.imported[model]

    first = refused(invoke, account, model, messages=asked())
    still = refused(invoke, account, model, messages=asked())
    invoke(account, awake(account, model), messages=asked())
    state.asked = state.awake_from = time.monotonic() - 5 * 60
    later = refused(invoke, account, model, messages=asked())

    assert first[0] == still[0] == later[0] == "ModelNotReadyException"
    assert state.windows == 1


def test_qwen_has_no_converse_and_llama_has(account: LocalAccount) -> None:
    qwen = awake(account, imported(account, trained(account), "qwen")["importedModelArn"])
    llama = awake(account, imported(account, trained(account, LLAMA, "two"), "llama")["importedModelArn"])
    messages = [{"role": "user", "content": [{"text": QUESTION}]}]

    code, _ = refused(account.runtime.converse, modelId=qwen, messages=messages)
    answer = account.runtime.converse(modelId=llama, messages=messages)

    assert code == "ValidationException"
    assert answer["output"]["message"]["content"][0]["text"] == ANSWER


def test_an_architecture_that_is_not_supported_fails_in_the_job(account: LocalAccount) -> None:
    weights = trained(account, "huggingface-vlm-qwen3-5-4b")

    job = imported(account, weights)

    assert job["status"] == "Failed"
    assert "Qwen3_5ForConditionalGeneration" in job["failureMessage"]
    assert account.bedrock.list_imported_models()["modelSummaries"] == []


def test_one_model_is_imported_at_a_time(account: LocalAccount) -> None:
    weights = trained(account)
    account.faults.set(import_minutes=A_DAY)
    begun(account, weights, "first")

    refusal = refused(begun, account, weights, "second")

    assert refusal[0] == "ServiceQuotaExceededException"
    assert "concurrent model import jobs" in refusal[1]


@pytest.mark.parametrize(("region", "ended"), [("us-east-1", "Completed"), ("us-west-2", "Failed")])
def test_gpt_oss_is_imported_in_us_east_1_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, region: str, ended: str
) -> None:
    with mock_aws():
        account = LocalAccount(tmp_path, monkeypatch, region)
        account.group()
        job = imported(account, trained(account, "openai-reasoning-gpt-oss-20b"))
        account.finish()

    assert job["status"] == ended


@pytest.mark.parametrize(
    "missing", ["config.json", "tokenizer.json", "model-00001-of-00001.safetensors"],
)  # fmt: skip
def test_a_folder_that_is_not_whole_fails_in_the_job(account: LocalAccount, missing: str) -> None:
    weights = trained(account)
    account.s3.delete_object(Bucket=BUCKET, Key=weights.removeprefix(f"s3://{BUCKET}/") + missing)

    assert imported(account, weights)["status"] == "Failed"


def test_weights_that_are_not_merged_are_not_there(account: LocalAccount) -> None:
    data = account.put("in/train.jsonl", CHATS)
    account.train("job", data, HyperParameters={"merge_weights": "False"})

    job = imported(account, account.weights(account.ended("job")))

    assert "config.json could not be found" in job["failureMessage"]


def test_a_model_without_a_chat_template_has_no_chat(account: LocalAccount) -> None:
    weights = trained(account)
    key = weights.removeprefix(f"s3://{BUCKET}/") + "tokenizer_config.json"
    account.s3.put_object(Bucket=BUCKET, Key=key, Body=b"{}")
    model = imported(account, weights)["importedModelArn"]

    assert "chat template" in refused(invoke, account, awake(account, model), messages=asked())[1]


def test_a_token_asks_for_one_job(account: LocalAccount) -> None:
    weights = trained(account)
    first = imported(account, weights, clientRequestToken="once")
    again = imported(account, weights, clientRequestToken="once")

    assert first["jobArn"] == again["jobArn"]
    assert len(account.bedrock.list_model_import_jobs()["modelImportJobSummaries"]) == 1
    assert refused(imported, account, weights)[0] == "ConflictException"


def test_three_models_are_all_that_there_may_be(account: LocalAccount) -> None:
    weights = trained(account)
    for name in ("a", "b", "c"):
        imported(account, weights, name)

    assert refused(imported, account, weights, "d")[0] == "ServiceQuotaExceededException"
    account.bedrock.delete_imported_model(modelIdentifier="a")
    assert imported(account, weights, "e")["status"] == "Completed"
    listed = account.bedrock.list_imported_models(nameContains="b")["modelSummaries"]
    assert [one["modelName"] for one in listed] == ["b"]


def test_the_role_is_checked_first(account: LocalAccount) -> None:
    assert refused(imported, account, f"s3://{BUCKET}/x/", roleArn=NO_ROLE)[0] == "ValidationException"


def test_a_region_without_imports_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with mock_aws():
        account = LocalAccount(tmp_path, monkeypatch, "ap-northeast-1")

        assert "ap-northeast-1" in refused(imported, account, f"s3://{BUCKET}/x/")[1]


def test_units_are_known_after_the_import_and_may_be_more(account: LocalAccount) -> None:
    weights = trained(account)
    account.faults.set(model_units=8)

    imported(account, weights)

    units = account.bedrock.get_imported_model(modelIdentifier="tuned")["customModelUnits"]
    assert units["customModelUnitsPerModelCopy"] == 8


def test_an_architecture_that_a_job_wrote_otherwise_is_found_in_the_import(account: LocalAccount) -> None:
    account.faults.set(architecture="BertForMaskedLM")

    assert "BertForMaskedLM" in imported(account, trained(account))["failureMessage"]


def test_a_deleted_model_answers_no_more(account: LocalAccount) -> None:
    model = imported(account, trained(account))["importedModelArn"]
    account.bedrock.delete_imported_model(modelIdentifier=model)

    assert refused(invoke, account, model, messages=asked())[0] == "ResourceNotFoundException"
    assert (
        refused(account.bedrock.get_imported_model, modelIdentifier=model)[0] == "ResourceNotFoundException"
    )
    assert model.startswith(f"arn:aws:bedrock:us-east-1:{ACCOUNT}:imported-model/")


def shape(value: Any) -> Any:
    """The names and the kinds of what an answer has."""
    if isinstance(value, dict):
        return {name: shape(item) for name, item in value.items()}
    return [shape(item) for item in value] if isinstance(value, list) else type(value).__name__
