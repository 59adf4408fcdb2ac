"""The base model to compare with, against the embedded SageMaker and Bedrock, and what AWS may answer."""

from __future__ import annotations

import re

import botocore.session
import msgspec
import pytest
from botocore.exceptions import ClientError

from local.driver import until
from local.faults import A_DAY
from tests import builders
from tests.unit.fake_bedrock import FakeBedrock, aws_of, refusal
from tests.unit.local_sagemaker import BUCKET, LocalAccount, stage_of
from tests.unit.tables import make_registry_table
from tunedrop import catalog, naming
from tunedrop.aws import Aws
from tunedrop.contracts import Check, ImportedBase
from tunedrop.errors import TransientError
from tunedrop.preflight import _base as preflight
from tunedrop.registry import Registry
from tunedrop.results.teardown import Teardown
from tunedrop.serving import bases, inventory, throughput
from tunedrop.serving.sweep import in_service
from tunedrop.stage import Stage

QWEN, LLAMA = catalog.find("qwen.qwen3-4b"), catalog.find("meta.llama3-1-8b-instruct")
LONG_AGO, NOW = "2026-01-01T00:00:00Z", "2126-01-01T00:00:00Z"


@pytest.fixture
def aws(account: LocalAccount) -> Aws:
    return account.aws()


@pytest.fixture
def stage() -> Stage:
    return stage_of("sagemaker-serverless")


def ended(aws: Aws, base: ImportedBase) -> ImportedBase:
    return until(lambda: bases.outcome(aws.bedrock, base, NOW), "the import")


def jobs(aws: Aws) -> list[str]:
    pages = aws.bedrock.get_paginator("list_model_import_jobs").paginate()
    return sorted(job["jobName"] for page in pages for job in page["modelImportJobSummaries"])


def test_all_runs_of_a_stage_share_one_import_which_is_no_runs(aws: Aws, stage: Stage) -> None:
    first = bases.ensure(aws, stage, QWEN)
    second = bases.ensure(aws, stage, QWEN)
    base = ended(aws, first)

    assert ended(aws, second) == base == bases.ensure(aws, stage, QWEN)
    assert base.units == 1
    assert jobs(aws) == ["tunedrop-test-base-qwen3-4b-1"]
    (found,) = inventory.resources(aws, stage, ("imported model",))
    assert (found.arn, found.run_id, found.base_model) == (base.arn, "", QWEN.id)


def test_each_stage_and_each_base_model_has_its_own(aws: Aws, stage: Stage) -> None:
    other = stage_of("sagemaker-serverless", name="prod")
    for one, model in ((stage, QWEN), (other, QWEN), (stage, catalog.find("qwen.qwen3-8b"))):
        ended(aws, bases.ensure(aws, one, model))

    assert jobs(aws) == [
        "tunedrop-prod-base-qwen3-4b-1", "tunedrop-test-base-qwen3-4b-1", "tunedrop-test-base-qwen3-8b-1",
    ]  # fmt: skip
    assert len(list(inventory.resources(aws, other, ("imported model",)))) == 1


def test_after_an_import_that_failed_or_a_model_that_is_gone_comes_the_next(
    aws: Aws, account: LocalAccount, stage: Stage
) -> None:
    own = naming.base_prefix("qwen3-4b")
    account.s3.put_object(Bucket=BUCKET, Key=f"{own}config.json", Body=b'{"architectures": ["GemmaModel"]}')
    failed = ended(aws, bases.ensure(aws, stage, QWEN))
    account.s3.delete_object(Bucket=BUCKET, Key=f"{own}config.json")
    base = ended(aws, bases.ensure(aws, stage, QWEN))
    throughput.release(aws.bedrock, base.arn)
    last = ended(aws, bases.ensure(aws, stage, QWEN))

    assert "Bedrock could not import it: The model architecture GemmaModel is not supported" in failed.failure
    assert not base.failure
    assert last.arn not in ("", base.arn)
    assert [name[-1] for name in jobs(aws)] == ["1", "2", "3"]
    assert bases.outcome(aws.bedrock, base, NOW) == ImportedBase(
        failure=f"{base.arn} was deleted while the run needed it"
    )


PREFIX = "tunedrop-test-base-qwen3-4b-"
JOB = "arn:aws:bedrock:us-east-1:111122223333:model-import-job/"


@pytest.mark.parametrize(
    ("listed", "latest"),
    [
        ([], ""),
        ([f"{PREFIX}1"], f"{PREFIX}1"),
        ([f"{PREFIX}2", f"{PREFIX}1"], f"{PREFIX}2"),
        ([f"{PREFIX}9", f"{PREFIX}10"], f"{PREFIX}10"),  # as numbers
        ([f"my-{PREFIX}7", f"{PREFIX}8-mine", f"{PREFIX}x", f"{PREFIX}1"], f"{PREFIX}1"),
    ],
)
def test_the_latest_import_is_that_of_the_highest_number(
    stage: Stage, listed: list[str], latest: str
) -> None:
    """What only contains the name is another's: `nameContains` finds it too."""
    bedrock = FakeBedrock(
        list_model_import_jobs={
            "modelImportJobSummaries": [{"jobName": one, "jobArn": JOB + one} for one in listed]
        },
        get_model_import_job={"status": "InProgress"},
    )

    found = bases.latest(bedrock, stage, QWEN)

    assert bedrock.called("list_model_import_jobs") == [{"nameContains": PREFIX}]
    assert (found.number, found.base) == (
        (int(latest.rpartition("-")[2]), ImportedBase(arn=JOB + latest)) if latest else (0, None)
    )


def test_an_import_is_the_stages_and_ends_where_nobody_needs_it(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tunedrop.clock.now", lambda: "2026-11-29T00:00:00Z")
    stage = msgspec.structs.replace(stage, base_model_idle_seconds=86_400)
    bedrock = FakeBedrock(
        list_model_import_jobs={"modelImportJobSummaries": [{"jobName": f"{PREFIX}1", "jobArn": f"{JOB}1"}]},
        get_model_import_job=[{"status": "Failed"}, {"status": "InProgress"}],
        create_model_import_job={"jobArn": f"{JOB}2"},
    )
    aws = aws_of(bedrock)
    aws.s3 = FakeBedrock(list_objects_v2={"KeyCount": 1})

    assert bases.ensure(aws, stage, QWEN) == ImportedBase(arn=f"{JOB}2")

    (request,) = bedrock.called("create_model_import_job")
    tags = {"tunedrop:stage": "test", "tunedrop:base": QWEN.id, "tunedrop:expires": "2026-11-30T00:00:00Z"}
    assert request["jobName"] == request["importedModelName"] == f"{PREFIX}2"
    assert request["importedModelKmsKeyId"] == stage.key_arn
    assert request["modelDataSource"] == {"s3DataSource": {"s3Uri": f"s3://{BUCKET}/bases/qwen3-4b/"}}
    for given in ("jobTags", "importedModelTags"):
        assert {one["key"]: one["value"] for one in request[given]} == tags


def test_names_are_tried_until_one_is_free_and_not_for_ever(stage: Stage) -> None:
    """Where the list is behind, each name may be that of an import that has failed."""
    taken = refusal("ConflictException")
    bedrock = FakeBedrock(
        list_model_import_jobs={"modelImportJobSummaries": []},
        create_model_import_job=taken,
        get_model_import_job={"jobArn": f"{JOB}1", "status": "Failed"},
    )
    aws = aws_of(bedrock)
    aws.s3 = FakeBedrock(list_objects_v2={"KeyCount": 1})

    assert "5 imports of Qwen3 4B have failed or are gone" in bases.ensure(aws, stage, QWEN).failure
    tried = [one["jobName"] for one in bedrock.called("create_model_import_job")]
    assert tried == [f"{PREFIX}{number}" for number in range(1, 6)]


def test_a_list_that_is_behind_begins_no_second_import(aws: Aws, stage: Stage) -> None:
    begun = bases.ensure(aws, stage, QWEN)
    aws.bedrock.meta.events.register(
        "after-call.bedrock.ListModelImportJobs",
        lambda parsed, **_: parsed.update(modelImportJobSummaries=[]),
    )

    assert ended(aws, bases.ensure(aws, stage, QWEN)) == ended(aws, begun)
    assert len(jobs(aws)) == 0  # as the list says
    assert len(list(inventory.resources(aws, stage, ("imported model",)))) == 1


def test_files_that_nobody_offers_are_asked_of_a_person(
    aws: Aws, account: LocalAccount, stage: Stage
) -> None:
    refused = bases.ensure(aws, stage, LLAMA)
    account.s3.put_object(Bucket=BUCKET, Key="bases/llama3-1-8b-instruct/config.json", Body=b"{}")

    assert f"copy its Hugging Face folder to s3://{BUCKET}/bases/llama3-1-8b-instruct/" in refused.failure
    assert "the Llama 3.1 Community License" in refused.failure
    assert jobs(aws) == []
    assert bases.weights(aws, stage, LLAMA) == f"s3://{BUCKET}/bases/llama3-1-8b-instruct/"
    assert preflight.check(aws, stage, LLAMA).passed


def test_a_base_model_whose_files_have_no_chat_template_is_refused_before_anything_is_paid(
    aws: Aws, account: LocalAccount, stage: Stage
) -> None:
    def found(base: catalog.BaseModel = QWEN) -> Check:
        return preflight.chat_template(aws, stage, base)

    def own(name: str, body: bytes) -> None:
        account.s3.put_object(Bucket=BUCKET, Key=f"bases/qwen3-4b/{name}", Body=body)

    assert found(LLAMA).passed  # nobody offers its files: the copy to compare with is asked for instead
    assert "has a chat template in s3://jumpstart-cache-prod-us-east-1/" in found().detail

    own("config.json", b"{}")
    assert not found().passed
    for nothing in (b'{"model_max_length": 4096}', b'{"chat_template": ""}', b"[]", b"no JSON"):
        own("tokenizer_config.json", nothing)
        assert not found().passed
    assert "has no chat template in s3://" in found().detail
    own("tokenizer_config.json", b'{"chat_template": "{{ messages }}"}')
    assert found().passed
    own("tokenizer_config.json", b"{}")
    own("chat_template.jinja", b"{{ messages }}")
    assert found().passed


def test_files_that_may_not_be_read_refuse_no_run(aws: Aws, stage: Stage) -> None:
    aws.s3 = FakeBedrock(
        list_objects_v2={"KeyCount": 0}, get_object=refusal("AccessDenied", "no", status=403)
    )
    found = preflight.chat_template(aws, stage, QWEN)

    assert found.passed
    assert "could not be read" in found.detail
    aws.s3 = FakeBedrock(list_objects_v2=refusal("SlowDown", status=503))
    with pytest.raises(ClientError):
        preflight.chat_template(aws, stage, QWEN)


@pytest.mark.parametrize(
    ("document", "weights"),
    [
        ('{"HostingArtifactUri": "s3://jumpstart-cache-prod-us-east-1/a/b/"}', True),
        ('{"HostingArtifactUri": "s3://jumpstart-cache-prod-us-east-1/a/b.tar.gz"}', False),
        (
            '{"HostingArtifactUri": "s3://jumpstart-cache-prod-us-east-1/a/b/",'
            ' "HostingArtifactCompressionType": "Gzip"}',
            False,
        ),
        ('{"HostingArtifactUri": "s3://jumpstart-private-cache-prod-us-east-1/a/b/"}', False),
        ('{"HostingArtifactUri": "s3://jumpstart-cache-prod-us-east-1/a/b/", "GatedBucket": true}', False),
        ('{"HostingArtifactUri": "s3://somebody-elses-bucket/a/b/"}', False),
        ('{"HostingArtifactUri": null}', False),
        ("{}", False),
    ],
)
def test_only_a_folder_that_everybody_may_read_is_imported(
    stage: Stage, document: str, weights: bool
) -> None:
    aws = Aws()
    aws.sagemaker = FakeBedrock(
        describe_hub_content={"HubContentVersion": "1.0.0", "HubContentDocument": document}
    )
    aws.s3 = FakeBedrock(list_objects_v2={"KeyCount": 0})

    assert bool(bases.weights(aws, stage, QWEN)) is weights


def test_an_import_that_does_not_end_is_waited_for_no_longer(
    aws: Aws, account: LocalAccount, stage: Stage
) -> None:
    account.faults.set(import_minutes=1e9 * A_DAY)
    begun = bases.ensure(aws, stage, QWEN)

    assert bases.outcome(aws.bedrock, begun, NOW) is None
    late = bases.outcome(aws.bedrock, begun, LONG_AGO)
    assert late is not None
    assert "had not ended after about 6 hours" in late.failure


@pytest.mark.parametrize(
    ("quota", "code"), [("imported_models", "L-45B04988"), ("import_jobs", "L-5F098EFA")]
)
def test_a_full_quota_is_tried_again_and_other_refusals_are_told(
    aws: Aws, account: LocalAccount, stage: Stage, quota: str, code: str
) -> None:
    account.faults.set(quotas={quota: 0})
    with pytest.raises(TransientError, match=code):
        bases.ensure(aws, stage, QWEN)
    account.faults.set(calls=[{"operation": "CreateModelImportJob", "error": "AccessDeniedException"}])

    assert "Bedrock refused to serve the model" in bases.ensure(aws, stage, QWEN).failure


def test_what_is_asked_again_is_kept_as_if_it_were_new(aws: Aws, stage: Stage) -> None:
    base = ended(aws, bases.ensure(aws, stage, QWEN))
    aws.bedrock.tag_resource(resourceARN=base.arn, tags=[{"key": naming.EXPIRES_TAG, "value": LONG_AGO}])

    bases.ensure(aws, stage, QWEN)

    (found,) = inventory.resources(aws, stage, ("imported model",))
    assert found.expires_at > LONG_AGO


def test_what_is_still_imported_is_tagged_by_nobody(stage: Stage) -> None:
    """The policy of the step is on models alone."""
    job = "arn:aws:bedrock:us-east-1:111122223333:model-import-job/abcdefghij12"
    bedrock = FakeBedrock(
        list_model_import_jobs={
            "modelImportJobSummaries": [{"jobName": "tunedrop-test-base-qwen3-4b-1", "jobArn": job}]
        },
        get_model_import_job={"status": "InProgress", "jobArn": job},
    )

    assert bases.ensure(aws_of(bedrock), stage, QWEN) == ImportedBase(arn=job)


def test_the_sweep_and_the_teardown_of_the_stage_end_it_and_that_of_a_run_does_not(
    aws: Aws, stage: Stage
) -> None:
    base = ended(aws, bases.ensure(aws, stage, QWEN))
    other = ended(aws, bases.ensure(aws, stage_of("sagemaker-serverless", name="prod"), QWEN))

    left = list(inventory.of_run(aws, stage, "persona-0123456789", ("imported model",)))
    (found,) = in_service(aws, stage)

    assert left == []
    assert (found.arn, found.base_model, found.model_arn) == (base.arn, QWEN.id, "")
    assert throughput.release(aws.bedrock, base.arn)
    assert list(in_service(aws, stage)) == []
    assert [one.arn for one in in_service(aws, stage_of("sagemaker-serverless", name="prod"))] == [other.arn]


def test_a_teardown_ends_it_also_after_its_engine_has_left_the_settings(
    aws: Aws, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", stage.region)
    base = ended(aws, bases.ensure(aws, stage, QWEN))
    without = msgspec.structs.replace(stage, engines=("bedrock",))
    make_registry_table(aws, stage)
    Registry(aws.dynamodb, stage.registry_table).register(builders.run(base_model=QWEN.id))
    aws.step_functions = FakeBedrock(stop_execution={})

    done = Teardown(aws, without, None, lambda *_: None, lambda _: None).run()

    assert (done.released, done.remaining) == ([base.arn], {})
    assert list(in_service(aws, stage)) == []


def test_a_bedrock_that_does_not_answer_decides_nothing(stage: Stage) -> None:
    throttled = aws_of(FakeBedrock(get_model_import_job=refusal("ThrottlingException")))
    job = ImportedBase(arn="arn:aws:bedrock:us-east-1:111122223333:model-import-job/abcdefghij12")

    with pytest.raises(ClientError, match="ThrottlingException"):
        bases.outcome(throttled.bedrock, job, NOW)


def test_the_names_are_ones_that_bedrock_takes() -> None:
    model = botocore.session.get_session().get_service_model("bedrock")
    members = model.operation_model("CreateModelImportJob").input_shape.members
    needed = [one for one in catalog.load().values() if bases.is_needed(one)]
    names = [naming.base_import("a" * naming.MAX_STAGE, one.short_name, 99) for one in needed]

    assert names
    for name in names:
        for member in ("jobName", "importedModelName"):
            assert re.fullmatch(members[member].metadata["pattern"], name)
            assert len(name) <= members[member].metadata["max"]
        assert not naming.looks_like_a_run_id(name)
