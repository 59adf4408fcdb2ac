from __future__ import annotations

from contextlib import nullcontext
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from tests import builders
from tests.unit.fake_bedrock import FakeBedrock, aws_of, refusal
from tests.unit.tables import spoil
from tunedrop import clock
from tunedrop.aws import Aws
from tunedrop.contracts import DeploymentSettings, Released
from tunedrop.errors import ModelDeleted, ThroughputFailed
from tunedrop.registry import Registry
from tunedrop.registry.aliases import Aliases
from tunedrop.registry.claims import Claims
from tunedrop.registry.troubles import Troubles
from tunedrop.serving.removal import Removal
from tunedrop.serving.sweep import Sweeper, in_service
from tunedrop.stage import Stage
from tunedrop.steps import sweep_throughput
from tunedrop.steps.sweep_throughput import Sweep

RUN = "persona-0123456789"
CREATED = datetime(2026, 11, 23, tzinfo=UTC)
FUTURE = "2126-01-01T00:00:00Z"


def bedrock(way: str, expires: str = FUTURE, stage: str = "test", **answers: Any) -> Any:
    """One deployment or one provisioned throughput, tagged as ours."""
    tags = {"tunedrop:stage": stage, "tunedrop:run": RUN, "tunedrop:expires": expires}
    deployment = {
        "customModelDeploymentArn": builders.DEPLOYMENT_ARN,
        "customModelDeploymentName": f"tunedrop-test-{RUN}",
        "status": "Active",
        "modelArn": builders.MODEL_ARN,
        "createdAt": CREATED,
    }
    provisioned = {
        "provisionedModelArn": builders.PROVISIONED_ARN,
        "provisionedModelName": f"tunedrop-test-{RUN}",
        "status": "InService",
        "modelArn": builders.MODEL_ARN.replace(builders.NOVA_LITE, builders.LLAMA_3_1),
        "creationTime": CREATED,
        "modelUnits": 2,
    }
    usual = {
        "list_custom_model_deployments": {"modelDeploymentSummaries": [deployment] * (way == "on-demand")},
        "list_provisioned_model_throughputs": {
            "provisionedModelSummaries": [provisioned] * (way == "provisioned")
        },
        "list_tags_for_resource": {"tags": [{"key": key, "value": value} for key, value in tags.items()]},
        "delete_custom_model_deployment": {},
        "delete_provisioned_model_throughput": {},
    }
    return FakeBedrock(**(usual | answers))


def sweep(aws: Aws, stage: Stage, found: Any) -> Released:
    aws.bedrock = found
    return Sweeper(aws, stage, Troubles(aws.dynamodb, stage.registry_table)).sweep()[0]


@pytest.mark.parametrize("way", ["on-demand", "provisioned"])
def test_the_sweep_releases_what_no_live_run_owns(
    aws: Aws, stage: Stage, registry: Registry, way: str
) -> None:
    registry.register(builders.run())
    registry.end(RUN, "failed", None)

    swept = sweep(aws, stage, bedrock(way))

    assert len(swept.released) == 1


def test_what_goes_while_the_sweep_looks_needs_no_release(stage: Stage) -> None:
    found = bedrock("on-demand", list_tags_for_resource=refusal("ResourceNotFoundException"))

    assert list(in_service(aws_of(found), stage)) == []


@pytest.mark.parametrize("way", ["on-demand", "provisioned"])
def test_what_a_live_run_owns_stays(aws: Aws, stage: Stage, registry: Registry, way: str) -> None:
    registry.register(builders.run())

    assert sweep(aws, stage, bedrock(way)).released == ()


def test_what_has_outlived_its_expiry_goes_whoever_owns_it(
    aws: Aws, stage: Stage, registry: Registry
) -> None:
    registry.register(builders.run())

    swept = sweep(aws, stage, bedrock("provisioned", expires="2026-01-01T00:00:00Z"))

    assert swept.released == (builders.PROVISIONED_ARN,)


def test_a_deployment_in_production_stays_for_ever(aws: Aws, stage: Stage, registry: Registry) -> None:
    Aliases(aws.ssm, aws.dynamodb, stage).promote("persona", RUN, builders.MODEL_ARN, builders.DEPLOYMENT_ARN)

    swept = sweep(aws, stage, bedrock("on-demand", expires="2026-01-01T00:00:00Z"))

    assert swept.kept == (builders.DEPLOYMENT_ARN,)


def test_throughput_that_a_run_asked_to_keep_stays_until_it_expires(
    aws: Aws, stage: Stage, registry: Registry
) -> None:
    registry.register(builders.run(deployment=DeploymentSettings(keep_for_seconds=3600)))
    registry.save(RUN, released=Released(kept=(builders.PROVISIONED_ARN,)))
    registry.end(RUN, "promoted", None)

    assert sweep(aws, stage, bedrock("provisioned")).kept == (builders.PROVISIONED_ARN,)
    late = bedrock("provisioned", expires=clock.now())
    assert sweep(aws, stage, late).released == (builders.PROVISIONED_ARN,)


def test_another_stages_throughput_is_not_ours_to_release(aws: Aws, stage: Stage, registry: Registry) -> None:
    swept = sweep(aws, stage, bedrock("provisioned", stage="test2"))

    assert swept == Released()


def test_throughput_says_what_it_bills_an_hour(stage: Stage) -> None:
    (provisioned,) = in_service(aws_of(bedrock("provisioned")), stage)
    (deployment,) = in_service(aws_of(bedrock("on-demand")), stage)

    assert provisioned.hourly_usd == pytest.approx(2 * 24.0)
    assert deployment.hourly_usd == 0.0


def test_expired_provisioned_throughput_goes_though_it_is_in_production(
    aws: Aws, stage: Stage, registry: Registry
) -> None:
    """It bills by the hour whoever asks it; the name stands for the model itself from then on."""
    model = builders.MODEL_ARN.replace(builders.NOVA_LITE, builders.LLAMA_3_1)
    aliases = Aliases(aws.ssm, aws.dynamodb, stage)
    aliases.promote("persona", RUN, model, builders.PROVISIONED_ARN)

    early = sweep(aws, stage, bedrock("provisioned"))
    late = sweep(aws, stage, bedrock("provisioned", expires="2026-01-01T00:00:00Z"))

    assert early.kept == (builders.PROVISIONED_ARN,)
    assert late.released == (builders.PROVISIONED_ARN,)
    assert aliases.current("persona") == model


@pytest.mark.parametrize("by_hand", ["us.amazon.nova-lite-v1:0", None])
def test_expired_provisioned_throughput_goes_though_somebody_has_changed_its_alias(
    aws: Aws, stage: Stage, registry: Registry, by_hand: str | None
) -> None:
    registry.register(builders.run(run_id=RUN, name="persona"))
    aliases = Aliases(aws.ssm, aws.dynamodb, stage)
    aliases.promote("persona", RUN, builders.MODEL_ARN, builders.PROVISIONED_ARN)
    aws.ssm.delete_parameter(Name=aliases.parameter("persona"))
    if by_hand is not None:
        aws.ssm.put_parameter(Name=aliases.parameter("persona"), Value=by_hand, Type="String")

    late = sweep(aws, stage, bedrock("provisioned", expires="2026-01-01T00:00:00Z"))

    assert late.released == (builders.PROVISIONED_ARN,)
    assert aliases.current("persona") == by_hand


@pytest.mark.parametrize(
    ("way", "expires", "late"),
    [
        ("provisioned", FUTURE, 0),
        ("provisioned", "2026-01-01T00:00:00Z", 1),
        ("on-demand", "2026-01-01T00:00:00Z", 0),  # it bills nothing by the hour
        ("none", FUTURE, 0),
    ],
)
def test_throughput_that_has_outlived_its_expiry_is_counted(
    aws: Aws, stage: Stage, registry: Registry, way: str, expires: str, late: int
) -> None:
    del registry
    aws.bedrock = bedrock(way, expires)
    sweeper = Sweeper(aws, stage, Troubles(aws.dynamodb, stage.registry_table))

    assert sweeper.sweep()[1] == late
    assert len(sweeper.found) == (way != "none")


def test_what_cannot_be_looked_at_or_released_is_a_trouble_of_its_own(
    aws: Aws, stage: Stage, registry: Registry
) -> None:
    del registry
    troubles = Troubles(aws.dynamodb, stage.registry_table)
    aws.bedrock = bedrock("on-demand", list_tags_for_resource=refusal("AccessDeniedException"))
    assert Sweeper(aws, stage, troubles).sweep() == (Released(), 0)
    aws.bedrock = bedrock("on-demand", delete_custom_model_deployment=refusal("AccessDeniedException"))
    released, _ = Sweeper(aws, stage, troubles).sweep()

    assert [one.subject for one in troubles.failed] == [
        f"tags of {builders.DEPLOYMENT_ARN}", f"release of {builders.DEPLOYMENT_ARN}",
    ]  # fmt: skip
    assert (released.released, released.kept, len(released.failed)) == ((), (), 1)
    assert released.failed[0].startswith(f"{builders.DEPLOYMENT_ARN}: ")


def test_a_list_that_is_refused_stops_no_release_of_others(
    aws: Aws, stage: Stage, registry: Registry
) -> None:
    del registry
    troubles = Troubles(aws.dynamodb, stage.registry_table)
    refused = refusal("AccessDeniedException")
    aws.bedrock = bedrock(
        "provisioned", list_custom_model_deployments=refused, expires="2026-01-01T00:00:00Z"
    )

    released, _ = Sweeper(aws, stage, troubles).sweep()

    assert released.released == (builders.PROVISIONED_ARN,)
    (trouble,) = troubles.failed
    assert trouble.subject.startswith("the list of each ")


def test_throughput_of_a_commitment_stays_in_production_until_the_commitment_ends(
    aws: Aws, stage: Stage, registry: Registry
) -> None:
    """Bedrock deletes it only then, and bills it until then: its alias had been taken away all the same."""
    aliases = Aliases(aws.ssm, aws.dynamodb, stage)
    aliases.promote("persona", RUN, builders.MODEL_ARN, builders.PROVISIONED_ARN)
    troubles = Troubles(aws.dynamodb, stage.registry_table)

    def swept(ends: datetime) -> tuple[Released, int]:
        aws.bedrock = found = bedrock("provisioned", expires="2026-01-01T00:00:00Z")
        (listed,) = found.list_provisioned_model_throughputs()["provisionedModelSummaries"]
        listed |= {"commitmentDuration": "OneMonth", "commitmentExpirationTime": ends}
        return Sweeper(aws, stage, troubles).sweep()

    early, late = swept(datetime(2126, 1, 1, tzinfo=UTC))
    assert (early.kept, late, troubles.failed) == ((builders.PROVISIONED_ARN,), 0, [])
    assert aliases.current("persona") == builders.PROVISIONED_ARN

    registry.register(builders.run())
    registry.end(RUN, "rejected", None)
    aliases.withdraw("persona")
    early, _ = swept(datetime(2126, 1, 1, tzinfo=UTC))
    assert (early.kept, troubles.failed) == ((builders.PROVISIONED_ARN,), [])  # whoever owns it

    ended, late = swept(datetime(2026, 2, 1, tzinfo=UTC))
    assert (ended.released, late) == ((builders.PROVISIONED_ARN,), 1)


def test_throughput_is_released_though_the_row_of_its_run_cannot_be_read(
    aws: Aws, stage: Stage, registry: Registry
) -> None:
    """It was billed until somebody repaired the row."""
    registry.register(builders.run())
    key = {"pk": {"S": f"RUN#{RUN}"}, "sk": {"S": "RUN"}}
    aws.dynamodb.update_item(
        TableName=stage.registry_table, Key=key, UpdateExpression="SET #run = :none",
        ExpressionAttributeNames={"#run": "run"}, ExpressionAttributeValues={":none": {"S": "{"}},
    )  # fmt: skip

    swept = sweep(aws, stage, bedrock("provisioned", expires="2026-01-01T00:00:00Z"))

    assert swept.released == (builders.PROVISIONED_ARN,)
    assert registry.name_of(RUN) == "persona"


@pytest.mark.parametrize("spoiled", ["run", "released"])
@pytest.mark.parametrize(
    ("expires", "ended", "stays"),
    [("2026-01-01T00:00:00Z", True, False), (FUTURE, True, True), (FUTURE, False, True)],
)
def test_a_deployment_is_released_though_the_row_of_its_run_cannot_be_read(
    aws: Aws, stage: Stage, registry: Registry, spoiled: str, expires: str, ended: bool, stays: bool
) -> None:
    registry.register(builders.run())
    if ended:
        registry.end(RUN, "rejected", None)
    spoil(aws, stage.registry_table, {"pk": f"RUN#{RUN}", "sk": "RUN"}, spoiled)

    swept = sweep(aws, stage, bedrock("on-demand", expires=expires))

    assert swept.kept == ((builders.DEPLOYMENT_ARN,) if stays else ())
    assert swept.released == (() if stays else (builders.DEPLOYMENT_ARN,))


IMPORTED = "arn:aws:bedrock:us-west-2:111122223333:imported-model/abcdefghij12"
QWEN = "qwen.qwen3-4b"


def with_base(expires: str, stage: str = "test") -> Any:
    """A base model that was imported to compare with; it is no run's."""
    tags = {"tunedrop:stage": stage, "tunedrop:base": QWEN, "tunedrop:expires": expires}
    model = {"modelArn": IMPORTED, "modelName": "tunedrop-test-base-qwen3-4b-1", "creationTime": CREATED}
    return bedrock(
        "none",
        list_imported_models={"modelSummaries": [model]},
        list_tags_for_resource={"tags": [{"key": key, "value": value} for key, value in tags.items()]},
        delete_imported_model={},
    )


@pytest.mark.parametrize(
    ("expires", "running", "owner", "stays"),
    [
        (FUTURE, "", "test", True),
        (FUTURE, QWEN, "test", True),
        ("2026-01-01T00:00:00Z", QWEN, "test", True),
        ("2026-01-01T00:00:00Z", "qwen.qwen3-8b", "test", False),
        ("2026-01-01T00:00:00Z", "", "test", False),
        ("2026-01-01T00:00:00Z", "", "test2", True),
    ],
)
def test_an_imported_base_model_goes_once_no_run_has_needed_it_for_long(
    aws: Aws, stage: Stage, registry: Registry, expires: str, running: str, owner: str, stays: bool
) -> None:
    stage = msgspec.structs.replace(stage, engines=("bedrock", "sagemaker-serverless"))
    aws.sagemaker = FakeBedrock(
        list_training_jobs={"TrainingJobSummaries": []},
        list_model_package_groups={"ModelPackageGroupSummaryList": []},
    )
    registry.register(builders.run(base_model=QWEN))
    registry.end(RUN, "promoted", None)
    if running:
        registry.register(builders.run(run_id="other-0123456789", base_model=running))

    assert sweep(aws, stage, with_base(expires, owner)).released == (() if stays else (IMPORTED,))


def test_an_imported_base_model_that_somebody_has_put_into_production_stays(
    aws: Aws, stage: Stage, registry: Registry
) -> None:
    """Its alias was taken away, and the model deleted, once no run had needed it for days."""
    del registry
    stage = msgspec.structs.replace(stage, engines=("bedrock", "sagemaker-serverless"))
    aws.sagemaker = FakeBedrock(
        list_training_jobs={"TrainingJobSummaries": []},
        list_model_package_groups={"ModelPackageGroupSummaryList": []},
    )
    aliases = Aliases(aws.ssm, aws.dynamodb, stage)
    aws.ssm.put_parameter(Name=aliases.parameter("persona"), Value=IMPORTED, Type="String")

    swept = sweep(aws, stage, with_base("2026-01-01T00:00:00Z"))

    assert (swept.released, swept.kept) == ((), (IMPORTED,))
    assert aliases.current("persona") == IMPORTED


@pytest.mark.parametrize(("expires", "goes"), [("2026-01-01T00:00:00Z", True), (FUTURE, False)])
def test_an_imported_base_model_goes_also_after_its_engine_has_left_the_settings(
    aws: Aws, stage: Stage, registry: Registry, monkeypatch: pytest.MonkeyPatch, expires: str, goes: bool
) -> None:
    """However many runs have ended since."""
    monkeypatch.setattr(sweep_throughput, "LOOK_BACK", 1)
    registry.register(builders.run(base_model=QWEN))
    registry.note_engine(RUN, "sagemaker-serverless")
    registry.end(RUN, "promoted", None)
    registry.register(builders.run(run_id="new-0123456789", created_at="2027-01-01T00:00:00Z"))
    aws.bedrock = with_base(expires)

    swept = Sweep(aws, stage, lambda _: None).run()

    assert stage.engines == ("bedrock",)
    assert swept.released == [IMPORTED] * goes


def test_a_stage_that_has_never_imported_is_not_asked_for_imported_models(
    aws: Aws, stage: Stage, registry: Registry
) -> None:
    """Most Regions do not have them."""
    registry.register(builders.run())
    aws.bedrock = with_base(FUTURE)

    Sweep(aws, stage, lambda _: None).run()

    assert aws.bedrock.called("list_custom_model_deployments")
    assert not aws.bedrock.called("list_imported_models")


PACKAGE = "arn:aws:sagemaker:us-west-2:111122223333:model-package/tunedrop-test-qwen3-4b/1"


@pytest.mark.parametrize(("model", "returns"), [(PACKAGE, True), (builders.MODEL_ARN, False)])
def test_only_an_arn_that_no_other_model_will_have_is_remembered_as_deleted(
    aws: Aws, stage: Stage, registry: Registry, model: str, returns: bool
) -> None:
    """A group of packages goes with its last one; made anew, it counts its versions from 1."""
    assert registry.recent() == []
    aws.sagemaker = FakeBedrock(describe_model_package=refusal("ResourceNotFound"))
    aws.bedrock = FakeBedrock(delete_custom_model=refusal("ResourceNotFoundException"))
    Removal(aws, stage).remove(model, "")

    claims = Claims(aws.dynamodb, stage.registry_table)
    with nullcontext() if returns else pytest.raises(ModelDeleted), claims.promoting(model):
        pass


FORBIDDEN, GONE = refusal("AccessDeniedException"), refusal("ResourceNotFoundException")


@pytest.mark.parametrize(
    ("arn", "deleted", "found", "expected"),
    [
        (builders.DEPLOYMENT_ARN, {}, {}, True),
        (builders.DEPLOYMENT_ARN, GONE, {}, False),
        # A policy that asks for a tag forbids what is not there: nothing has no tags.
        (builders.DEPLOYMENT_ARN, FORBIDDEN, GONE, False),
        (builders.DEPLOYMENT_ARN, FORBIDDEN, {"status": "Active"}, ThroughputFailed),
        (builders.MODEL_ARN, FORBIDDEN, GONE, False),
        (builders.MODEL_ARN, FORBIDDEN, {"modelStatus": "Active"}, ThroughputFailed),
        (builders.MODEL_ARN, refusal("ValidationException"), GONE, ThroughputFailed),
    ],
)
def test_what_is_forbidden_because_it_is_gone_is_gone(
    aws: Aws, stage: Stage, registry: Registry, arn: str, deleted: Any, found: Any, expected: Any
) -> None:
    del registry
    aws.bedrock = FakeBedrock(
        delete_custom_model_deployment=deleted, get_custom_model_deployment=found,
        delete_custom_model=deleted, get_custom_model=found,
    )  # fmt: skip
    removal = Removal(aws, stage)
    if isinstance(expected, bool):
        assert removal.remove(arn, "") is expected
    else:
        with pytest.raises(expected):
            removal.remove(arn, "")
        # It stays, and may go into production again.
        with Claims(aws.dynamodb, stage.registry_table).promoting(arn):
            pass


def test_what_is_gone_is_noted_with_its_run(aws: Aws, stage: Stage, registry: Registry) -> None:
    registry.register(builders.run())
    aws.bedrock = FakeBedrock(delete_custom_model_deployment={})

    Removal(aws, stage).remove(builders.DEPLOYMENT_ARN, RUN)

    record = registry.get(RUN)
    assert record is not None
    assert record.gone == {builders.DEPLOYMENT_ARN}


@pytest.mark.parametrize(
    ("kept", "kept_for", "expires", "stays"),
    [
        ((builders.DEPLOYMENT_ARN,), 3600, FUTURE, True),
        ((builders.DEPLOYMENT_ARN,), 3600, "2026-01-01T00:00:00Z", False),
        ((builders.DEPLOYMENT_ARN,), 0, FUTURE, False),  # nobody asked for it
        ((), 3600, FUTURE, False),  # the run did not pass
        (None, 3600, FUTURE, False),
    ],
)
def test_what_a_run_that_has_ended_asked_to_keep_stays_until_it_expires(
    aws: Aws, stage: Stage, registry: Registry, kept: tuple[str, ...] | None, kept_for: int, expires: str,
    stays: bool,
) -> None:  # fmt: skip
    registry.register(builders.run(deployment=DeploymentSettings(keep_for_seconds=kept_for)))
    if kept is not None:
        registry.save(RUN, released=Released(kept=kept))
    registry.end(RUN, "promoted", None)

    swept = sweep(aws, stage, bedrock("on-demand", expires))

    assert bool(swept.released) is not stays
