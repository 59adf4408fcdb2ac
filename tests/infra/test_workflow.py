from __future__ import annotations

import importlib
import json
import re
from typing import Any, get_args

import botocore.session
import jsonata
import msgspec
import pytest
from aws_cdk import Stack
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_stepfunctions_tasks as tasks
from hypothesis import example, given
from hypothesis import strategies as st

from infra import diagram
from infra.functions import STEPS
from infra.shards import FIRST_FAILURE
from infra.state_machine import EXECUTION_TIMEOUT
from infra.states import CAUSE
from infra.workflow import (
    JUDGING_PATIENCE,
    SLOT_PATIENCE,
    THROUGHPUT_PATIENCE,
    TRAINING_PATIENCE,
)
from tunedrop.contracts import Resume, ResumePoint

WITHOUT_CATCH = {
    "RefuseUpload": "the sweep starts the upload again, and reports it",
    "Notify": "a failure to tell must fail the execution, which raises an alarm",
}

CAUGHT_BEFORE = {"SetUpThroughput": ((["DeploymentsFull"], "AwaitDeployment"),)}
"""What a state catches that does not end the run."""

STEP_OF = {
    "RefuseUpload": "register_run",
    "AwaitApproval": "wait_for_completion",
    "AwaitSlot": "wait_for_completion",
    "AwaitDeployment": "wait_for_completion",
    "AwaitThroughput": "wait_for_completion",
    "AwaitProduction": "wait_for_completion",
    "AwaitJudging": "wait_for_completion",
    "BuyThroughput": "set_up_throughput",
}
"""The function of each state whose name is not the state's own."""


def tasks_of(definition: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {name: state for name, state in definition["States"].items() if state["Type"] == "Task"}


def maps_of(definition: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {name: state for name, state in definition["States"].items() if state["Type"] == "Map"}


def all_tasks_of(definition: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The tasks of the journey and those of the shards."""
    found = tasks_of(definition)
    for each in maps_of(definition).values():
        found |= tasks_of(each["ItemProcessor"])
    return found


def step_of(state: str) -> str:
    snake = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in state).lstrip("_")
    return STEP_OF.get(state, snake)


def test_every_task_that_fails_goes_by_way_of_release(definition: dict[str, Any]) -> None:
    for name, task in tasks_of(definition).items():
        caught = [(catch["ErrorEquals"], catch["Next"]) for catch in task.get("Catch", [])]
        if name in WITHOUT_CATCH:
            assert caught == []
        elif name == "RegisterRun":
            assert caught == [(["States.ALL"], "RefuseUpload")]
        elif name == "ReleaseThroughput":
            assert caught == [(["States.ALL"], "Notify")]
        else:
            assert caught == [*CAUGHT_BEFORE.get(name, ()), (["States.ALL"], "ReleaseThroughput")]


OURS = {"TransientError", "PermissionMissing"}
KILLED = {
    "Lambda.Unknown", "Sandbox.Timedout",
    # Out of memory, by its old name and its new one (awslabs/aws-deployment-framework, issue 758).
    "Runtime.ExitError", "Runtime.OutOfMemory",
}  # fmt: skip
UNUSED = ("SnapStart", "CodeArtifact", "EFS", "S3Files", "Durable")
"""Features of Lambda that no function uses."""
PASSES = re.compile(r"\bWait |throttled|throughput limit|internal error|unexpected|limit for network|"
                    r"no available IP|another operation is in progress")  # fmt: skip
"""What Lambda's service model says of errors that pass by themselves."""


def passing_errors() -> set[str]:
    """The errors of Invoke after which AWS's own service model says to try again."""
    model = botocore.session.get_session().get_service_model("lambda")
    return {
        f"Lambda.{shape.name}"
        for shape in model.operation_model("Invoke").error_shapes
        if PASSES.search(shape.documentation) and not shape.name.startswith(UNUSED)
    }


def errors_that_cdk_retries() -> set[str]:
    """What CDK's own task retries by default (Step Functions guide, bp-lambda-serviceexception)."""
    stack = Stack()
    function = lambda_.Function.from_function_arn(
        stack, "F", "arn:aws:lambda:us-east-1:111122223333:function:f"
    )
    task: Any = tasks.LambdaInvoke.jsonata(stack, "Task", lambda_function=function).to_state_json()
    return {error for retrier in task["Retry"] for error in retrier["ErrorEquals"]}


def test_every_task_is_tried_again_after_throttling_service_errors_and_kills(
    definition: dict[str, Any],
) -> None:
    assert {"Lambda.ResourceNotReadyException", "Lambda.TooManyRequestsException"} <= passing_errors()
    for task in all_tasks_of(definition).values():
        retried = {error for retrier in task["Retry"] for error in retrier["ErrorEquals"]}
        assert errors_that_cdk_retries() - retried == set()
        assert passing_errors() - retried == set()
        assert retried - errors_that_cdk_retries() - passing_errors() == OURS | KILLED


def test_no_step_is_tried_for_ever(definition: dict[str, Any]) -> None:
    """What fails for good, as for want of a permission, reaches its Catch within four hours of tries."""
    for task in all_tasks_of(definition).values():
        for retrier in task["Retry"]:
            assert 0 < retrier["MaxAttempts"] * retrier["MaxDelaySeconds"] <= 4 * 3600


def test_every_step_is_a_state_and_calls_its_own_function(definition: dict[str, Any]) -> None:
    called = {}
    for name, task in all_tasks_of(definition).items():
        called[name] = task["Arguments"]["FunctionName"]

    assert {step_of(name) for name in called} == {one.name for one in STEPS}
    for name, arn in called.items():
        title = "".join(word.capitalize() for word in step_of(name).split("_"))
        assert arn.startswith(f"<Functions{title}")


def test_every_function_is_given_what_its_input_asks_for(definition: dict[str, Any]) -> None:
    for name, task in all_tasks_of(definition).items():
        shape = importlib.import_module(f"lambdas.{step_of(name)}.handler").Input
        required = {field.name for field in msgspec.structs.fields(shape) if field.required}
        assert required <= set(task["Arguments"]["Payload"]), name


@pytest.mark.parametrize(
    ("answer", "dataset", "sharding"),
    [
        ({"method": "instruction"}, {"method": "instruction"}, None),
        ({"work": {"kind": "check"}, "shards": [1]}, None, {"work": {"kind": "check"}, "shards": [1]}),
    ],
)
def test_a_dataset_in_shards_is_no_dataset_yet(
    definition: dict[str, Any], answer: Any, dataset: Any, sharding: Any
) -> None:
    """A run that fails meanwhile is told about without one."""
    assigned = definition["States"]["ValidateData"]["Assign"]

    assert evaluate(assigned["dataset"], result={"Payload": answer}) == dataset
    assert evaluate(assigned["sharding"], result={"Payload": answer}) == sharding


def test_shards_are_standard_child_executions_a_few_at_a_time(definition: dict[str, Any]) -> None:
    for each in maps_of(definition).values():
        assert each["ItemProcessor"]["ProcessorConfig"] == {
            "Mode": "DISTRIBUTED",
            "ExecutionType": "STANDARD",
        }
        assert each["MaxConcurrency"] == 8


def test_a_shard_reads_only_what_it_was_handed(definition: dict[str, Any]) -> None:
    """Child executions of a Distributed Map cannot see the variables of their parent."""
    for each in maps_of(definition).values():
        handed = {f"$states.input.{name}" for name in each["ItemSelector"]}
        text = json.dumps(each["ItemProcessor"]["States"])
        read = set(re.findall(r"\{% (\$[\w.]+) %\}", text))
        assert read <= handed | {"$states.result.Payload"}


def test_a_failed_shard_is_reported_as_the_runs_failure(definition: dict[str, Any]) -> None:
    for name, each in maps_of(definition).items():
        for title, task in tasks_of(each["ItemProcessor"]).items():
            assert [catch["Next"] for catch in task["Catch"]] == [f"{title}Failed"]
        assert [catch["Next"] for catch in each["Catch"]] == ["ReleaseThroughput"]
        decided = definition["States"][each["Next"]]
        assert each["Next"] == f"{name}Done?"
        assert decided["Choices"][0]["Next"] == "ReleaseThroughput"


def evaluate(expression: str, **states: Any) -> Any:
    """A JSONata expression as Step Functions evaluates it; its `$parse` is not JSONata's own."""
    parsed = jsonata.Jsonata(expression.removeprefix("{% ").removesuffix(" %}"))
    parsed.register_lambda("parse", json.loads)
    frame = parsed.create_frame()
    frame.bind("states", states)
    return parsed.evaluate(None, frame)


def test_the_first_failure_of_the_shards_counts() -> None:
    done = {"done": True}
    first, second = {"failure": {"error": "A"}}, {"failure": {"error": "B"}}

    assert evaluate(FIRST_FAILURE, result=[done, first, done, second]) == {"error": "A"}
    assert evaluate(FIRST_FAILURE, result=[first]) == {"error": "A"}
    assert evaluate(FIRST_FAILURE, result=[done, done]) is None


def strings_of(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for one in inner for text in strings_of(one)]


def has_regular_expression(expression: str) -> bool:
    without_texts = re.sub(r'"(?:[^"\\]|\\.)*"' + r"|'[^']*'", "", expression)
    return bool(re.search(r"/|\$(match|replace)\(", without_texts))


def test_no_expression_has_a_regular_expression(definition: dict[str, Any]) -> None:
    """One overflows a JVM's stack from 1,430 characters of a cause on (dashjoin/jsonata-java, 2026-11-29),
    which the reference engine does not show; which engine AWS runs is not known."""
    expressions = [text for text in strings_of(definition) if text.startswith("{%")]

    assert len(expressions) > 100
    assert [one for one in expressions if has_regular_expression(one)] == []
    assert has_regular_expression('{% $match($cause, /"errorMessage":"(.*)"/).groups[0] %}')


def test_the_waits_are_task_tokens_with_an_end(definition: dict[str, Any]) -> None:
    waits = {
        name: task
        for name, task in tasks_of(definition).items()
        if task["Resource"].endswith(":lambda:invoke.waitForTaskToken")
    }

    kinds = {name: task["Arguments"]["Payload"]["kind"] for name, task in waits.items()}
    assert kinds == {
        "AwaitApproval": "approval",
        "AwaitSlot": "slot",
        "AwaitDeployment": "deployment",
        "WaitForCompletion": "training",
        "AwaitThroughput": "throughput",
        "AwaitProduction": "throughput",
        "AwaitJudging": "judging",
    }
    assert all(task["TimeoutSeconds"] > 0 for task in waits.values())
    assert all(
        task["Arguments"]["Payload"]["token"] == "{% $states.context.Task.Token %}" for task in waits.values()
    )


def test_an_execution_outlasts_all_its_waits(definition: dict[str, Any]) -> None:
    patience = (SLOT_PATIENCE, TRAINING_PATIENCE, SLOT_PATIENCE, THROUGHPUT_PATIENCE, JUDGING_PATIENCE)

    assert definition["TimeoutSeconds"] == EXECUTION_TIMEOUT.to_seconds()
    assert definition["TimeoutSeconds"] > sum(each.to_seconds() for each in patience) + 30 * 86400


def test_nothing_polls(definition: dict[str, Any]) -> None:
    assert "Wait" not in {state["Type"] for state in definition["States"].values()}


def test_every_variable_is_assigned_before_it_can_be_read(definition: dict[str, Any]) -> None:
    first = definition["States"][definition["StartAt"]]["Assign"]
    read = {
        name.removeprefix("$")
        for task in tasks_of(definition).values()
        for value in task["Arguments"]["Payload"].values()
        if isinstance(value, str) and value.startswith("{% $")
        for name in [value.split()[1].split(".")[0]]
        if name != "$states"
    }

    assert read <= set(first)


@given(st.text(st.characters(codec="utf-8")))
@example('line 3: "x" is ü\nwrong {')
@example("back\\slash and / and \\")
def test_a_person_reads_the_message_that_the_function_raised(message: str) -> None:
    raised = {"errorMessage": message, "errorType": "InvalidDataset", "requestId": "1", "stackTrace": []}

    assert evaluate(CAUSE, errorOutput={"Error": "InvalidDataset", "Cause": json.dumps(raised)}) == message


@pytest.mark.parametrize(
    ("error_output", "cause"),
    [
        ({"Error": "RunStopped", "Cause": "stopped by Ada"}, "stopped by Ada"),
        (
            {"Error": "X", "Cause": r'{"errorMessage": "1. \"a\nb\" cut off in the \\ mid'},
            '1. "a\nb" cut off in the \\ mid',
        ),
        ({"Error": "States.Timeout"}, "it took longer than it may"),
        ({"Error": "Lambda.Unknown", "Cause": ""}, "no cause was given"),
    ],
)
def test_a_cause_that_is_no_functions_message_is_kept_as_it_is(
    error_output: dict[str, str], cause: str
) -> None:
    assert evaluate(CAUSE, errorOutput=error_output) == cause


@pytest.mark.parametrize(
    ("point", "state"),
    [
        ("validate_data", "ValidateData"),
        ("preflight", "Preflight"),
        ("estimate_cost", "EstimateCost"),
    ],
)
def test_a_run_that_goes_on_brings_all_that_is_known_of_it(
    definition: dict[str, Any], point: str, state: str
) -> None:
    (branch,) = (
        one for one in definition["States"]["Registered?"]["Choices"] if f'"{point}"' in one["Condition"]
    )

    known = [name for name in Resume.__struct_fields__ if name != "point"]
    assert branch["Next"] == state
    assert branch["Assign"] == {name: f"{{% $states.input.resume.{name} %}}" for name in known}
    assert point in get_args(ResumePoint)


def test_the_drawing_in_the_docs_is_up_to_date(definition: dict[str, Any]) -> None:
    assert diagram.PAGE.read_text() == diagram.page(definition), "run: python -m infra.diagram"
