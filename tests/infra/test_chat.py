"""The chat channel and its buttons, against AWS's API model and what a public stack writes."""

from __future__ import annotations

import re
from typing import Any

import botocore.session
import pytest

from infra.settings import SettingsError
from local.bedrock.shapes import problems
from tests import builders
from tests.infra.conftest import REGION, Resources, as_list, synthesize
from tunedrop.contracts import Estimate
from tunedrop.waiting import approval

SLACK = {"workspace": "T0123456789", "channel": "C0123456789"}
TEAMS = {
    "team": "11111111-2222-3333-4444-555555555555", "tenant": "66666666-7777-8888-9999-aaaaaaaaaaaa",
    "channel": "19%3Aabc_def-1%40thread.tacv2",
}  # fmt: skip
LONGEST_STAGE = "abcdefghijkl"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Resources:
    return Resources(synthesize(tmp_path_factory.mktemp("chat"), slack=SLACK, teams=TEAMS))


def buttons(made: Resources) -> dict[str, dict[str, Any]]:
    return {
        one["Attachments"][0]["ButtonText"]: one for one in made.of("AWS::Chatbot::CustomAction").values()
    }


def in_chat() -> dict[str, Any]:
    stage = builders.stage(name="dev", region=REGION)
    estimate = Estimate(lines=(), low=1, likely=2, high=3, budget_usd=1)
    return approval.in_chat(stage, builders.run(), estimate, "2026-11-24T10:00:00Z")


def resolved(button: dict[str, Any], message: dict[str, Any]) -> dict[str, str]:
    """The variables of a button as the chat client takes them out of a message."""
    found = {}
    for name, path in button["Attachments"][0]["Variables"].items():
        value: Any = {"event": message}
        for part in path.split("."):
            value = value.get(part, "") if isinstance(value, dict) else ""
        found[name] = value
    return found


def test_the_buttons_are_ones_that_aws_takes(made: Resources) -> None:
    """CloudFormation's schema is tried by cfn-lint; botocore's model is stricter about the command."""
    model = botocore.session.get_session().get_service_model("chatbot")
    shape = model.operation_model("CreateCustomAction").input_shape

    for button in buttons(made).values():
        request = {key: value for key, value in button.items() if key != "Tags"}
        assert list(problems(shape, request)) == []


def test_the_command_of_the_stage_with_the_longest_name_fits(made: Resources) -> None:
    for button in buttons(made).values():
        command = button["Definition"]["CommandText"].replace("tunedrop-dev-", f"tunedrop-{LONGEST_STAGE}-")
        assert len(command) <= 100


def test_a_button_approves_the_estimate_that_its_message_shows_and_holds_no_text_of_anybody(
    made: Resources,
) -> None:
    message = in_chat()
    shown = re.findall(r"--estimate (\S+)", message["content"]["nextSteps"][0])[0]

    for text, argument in (("Approve", "yes"), ("Refuse", "no")):
        button = buttons(made)[text]
        variables = resolved(button, message)
        command = button["Definition"]["CommandText"].replace("$c", variables["c"])
        assert command == (
            f'lambda invoke --function-name tunedrop-dev-answer --payload {{"{argument}":"{shown}"}} '
            f"--region {REGION}"
        )
        assert re.fullmatch(r"[0-9]+-[0-9a-f]{10}", variables["c"])


def test_a_button_is_on_the_messages_of_its_own_stage_and_region_that_ask(made: Resources) -> None:
    message = in_chat()
    for button in buttons(made).values():
        criteria = button["Attachments"][0]["Criteria"]
        variables = resolved(button, message)
        assert {one["VariableName"] for one in criteria} == set(variables)
        for one in criteria:
            wanted = one.get("Value")
            assert variables[one["VariableName"]] if wanted is None else True
            assert wanted in (None, variables[one["VariableName"]])


def test_who_presses_may_answer_and_do_nothing_else(made: Resources) -> None:
    (policy,) = (
        one
        for one in made.of("AWS::IAM::ManagedPolicy").values()
        if "chat channel" in one.get("Description", "")
    )
    statements = policy["PolicyDocument"]["Statement"]
    (role,) = (
        one
        for one in made.of("AWS::IAM::Role").values()
        if "chatbot.amazonaws.com" in str(one["AssumeRolePolicyDocument"])
    )

    assert [as_list(one["Action"]) for one in statements] == [
        ["lambda:InvokeFunction"], ["kms:Decrypt", "kms:GenerateDataKey"],
    ]  # fmt: skip
    assert "FunctionsAnswer" in str(statements[0]["Resource"])
    assert len(role["ManagedPolicyArns"]) == 1
    assert not [one for one in made.of("AWS::IAM::Policy").values() if "ChatChannelRole" in str(one["Roles"])]
    for kind in ("SlackChannelConfiguration", "MicrosoftTeamsChannelConfiguration"):
        (channel,) = made.of(f"AWS::Chatbot::{kind}").values()
        assert channel["GuardrailPolicies"] == role["ManagedPolicyArns"]
        assert len(channel["CustomizationResourceArns"]) == 2


def test_the_function_may_put_answers_and_nothing_into_the_registry(made: Resources) -> None:
    of_answer = [one for id_, one in made.statements() if id_.startswith("FunctionsAnswer")]
    writes = [one for one in of_answer if any("Put" in action for action in as_list(one["Action"]))]

    ours = [one for one in writes if one.get("Sid") == "Answer"]
    assert [one["Sid"] for one in ours] == ["Answer"]
    assert re.findall(r"/runs/\*/(\w+)/\*", str(ours[0]["Resource"])) == ["approve", "stop"]
    tables = [one for one in of_answer if any("dynamodb" in action for action in as_list(one["Action"]))]
    assert [as_list(one["Action"]) for one in tables] == [["dynamodb:Query"]]


def test_without_a_channel_there_are_buttons_and_no_role(tmp_path_factory: pytest.TempPathFactory) -> None:
    made = Resources(synthesize(tmp_path_factory.mktemp("manual"), chat_notifications=True))

    assert set(buttons(made)) == {"Approve", "Refuse"}
    assert not made.has("AWS::Chatbot::SlackChannelConfiguration")
    assert "chatbot.amazonaws.com" not in str(made.of("AWS::IAM::Role"))


@pytest.mark.parametrize(
    "settings",
    [
        {"slack": {"workspace": "#tuning", "channel": "C01"}},
        {"slack": {"workspace": "T01", "channel": "tuning-runs"}},
        {"slack": {"workspace": "T01"}},
        {"teams": {**TEAMS, "channel": "19:abc@thread.tacv2"}},
        {"teams": {**TEAMS, "team": "tuning"}},
    ],
)
def test_a_channel_that_is_none_is_refused(
    settings: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> None:
    with pytest.raises(SettingsError, match=rf"stages\.dev\.{next(iter(settings))}"):
        synthesize(tmp_path_factory.mktemp("wrong"), **settings)
