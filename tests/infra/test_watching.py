"""What watches and wakes, what expires, what is tried again: numbers held by hand against the template."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.infra.conftest import Resources
from tests.infra.test_jsonata import reference
from tests.infra.test_workflow import all_tasks_of, tasks_of

DAY = 86_400

ALARMS = {
    # metric: namespace, statistic, whose
    "ExecutionsFailed": ("AWS/States", "Sum", ["WorkflowMachine"]),
    "ExecutionsTimedOut": ("AWS/States", "Sum", ["WorkflowMachine"]),
    "ExecutionThrottled": ("AWS/States", "Sum", ["WorkflowMachine"]),
    "Errors": ("AWS/Lambda", "Sum", ["RefreshPrices", "ResumeWaits", "SweepThroughput"]),
    "Throttles": ("AWS/Lambda", "Sum", ["ResumeWaits"]),
    "ApproximateNumberOfMessagesVisible": ("AWS/SQS", "Maximum", ["DeadLetters"]),
    "ExpiredThroughput": ("Tunedrop", "Maximum", ["tunedrop-dev"]),
    "FailingSubjects": ("Tunedrop", "Maximum", ["tunedrop-dev"]),
}

RULES = {
    # rule: what it listens to, the target, how long an event is tried, in seconds
    "StartRule": ("Object Created", "WorkflowMachine", DAY),
    "WaitsJobChanged": ("Model Customization Job State Change", "FunctionsResumeWaits", DAY),
    "WaitsSignalled": ("Object Created", "FunctionsResumeWaits", DAY),
    "WaitsRunBroken": ("Step Functions Execution Status Change", "FunctionsSweepThroughput", DAY),
    "WaitsResume": ("rate(1 minute)", "FunctionsResumeWaits", 60),
    "WaitsSweep": ("rate(5 minutes)", "FunctionsSweepThroughput", 300),
    "WaitsPrices": ("rate(1 day)", "FunctionsRefreshPrices", DAY),
}

WAITS = {
    # how long a run waits at most, in seconds
    "AwaitApproval": 4 * DAY,  # three days of the setting, and one more
    "AwaitSlot": 60 * DAY,
    "AwaitDeployment": 60 * DAY,
    "WaitForCompletion": 14 * DAY,
    "AwaitThroughput": DAY,
    "AwaitProduction": DAY,
    "AwaitJudging": DAY,
}


def logical(value: Any) -> str:
    """The logical id in a reference, without CDK's hash."""
    text = json.dumps(value)
    return text.split('"')[3][:-8] if "{" in text else str(value)


def test_each_alarm_comes_at_the_first_failure_in_five_minutes(resources: Resources) -> None:
    found: dict[str, tuple[str, str, list[str]]] = {}
    for alarm in resources.of("AWS::CloudWatch::Alarm").values():
        (dimension,) = alarm["Dimensions"]
        whose = logical(dimension["Value"]).removeprefix("Functions")
        name = alarm["MetricName"]
        _, _, others = found.get(name, ("", "", []))
        found[name] = alarm["Namespace"], alarm["Statistic"], sorted([*others, whose])
        assert {key: alarm[key] for key in ("Threshold", "EvaluationPeriods", "Period")} == {
            "Threshold": 1, "EvaluationPeriods": 1, "Period": 300,
        }  # fmt: skip
        assert alarm["ComparisonOperator"] == "GreaterThanOrEqualToThreshold"
        assert alarm["TreatMissingData"] == "notBreaching"

    assert found == ALARMS


def test_each_rule_wakes_its_target_and_tries_for_as_long_as_that_is_worth(resources: Resources) -> None:
    found = {}
    for id_, rule in resources.of("AWS::Events::Rule").items():
        (target,) = rule["Targets"]
        listens = rule.get("ScheduleExpression") or rule["EventPattern"]["detail-type"][0]
        policy = target["RetryPolicy"]
        assert policy["MaximumRetryAttempts"] == 185
        found[id_[:-8]] = listens, logical(target["Arn"]), policy["MaximumEventAgeInSeconds"]

    assert found == RULES


def test_the_sweep_hears_of_every_end_of_our_own_executions_that_is_no_success(resources: Resources) -> None:
    (detail,) = (
        rule["EventPattern"]["detail"]
        for rule in resources.of("AWS::Events::Rule").values()
        if rule.get("EventPattern", {}).get("source") == ["aws.states"]
    )

    assert detail["status"] == ["ABORTED", "TIMED_OUT", "FAILED"]
    assert [logical(one) for one in detail["stateMachineArn"]] == ["WorkflowMachine"]


def test_what_expires_when_in_each_bucket(resources: Resources) -> None:
    """Nothing but shards and access logs ever expires as long as nobody replaces it."""
    tidy = {
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
        "ExpiredObjectDeleteMarker": True,
        "NoncurrentVersionExpiration": {"NoncurrentDays": 90},
    }
    cool = {"Transitions": [{"StorageClass": "INTELLIGENT_TIERING", "TransitionInDays": 30}]}
    shards = {
        "Prefix": "shards/", "ExpirationInDays": 30, "NoncurrentVersionExpiration": {"NoncurrentDays": 1},
    }  # fmt: skip
    logs = {"ExpirationInDays": 90, "NoncurrentVersionExpiration": {"NoncurrentDays": 1}}
    found = {
        id_[:-8]: [
            {key: value for key, value in rule.items() if key != "Status"}
            for rule in bucket["LifecycleConfiguration"]["Rules"]
            if rule["Status"] == "Enabled"
        ]
        for id_, bucket in resources.of("AWS::S3::Bucket").items()
    }

    assert found == {"IntakeAccessLogs": [logs], "Intake": [tidy], "IntakeArtifacts": [cool, shards, tidy]}


def test_services_may_publish_and_use_the_key_only_for_this_account(resources: Resources) -> None:
    (key,) = resources.of("AWS::KMS::Key").values()
    (topic,) = resources.of("AWS::SNS::TopicPolicy").values()
    statements = [*key["KeyPolicy"]["Statement"], *topic["PolicyDocument"]["Statement"]]
    services = [one for one in statements if "Service" in str(one["Principal"])]

    conditions = [(one["Principal"]["Service"], one["Condition"]) for one in services]
    of_the_account = {"StringEquals": {"aws:SourceAccount": "111122223333"}}
    of_models = {"ForAnyValue:StringEquals": {"kms:EncryptionContextKeys": "aws:bedrock:custom-model"}}
    assert len(services) == 5
    assert [one for one in conditions if one[1] != of_the_account] == [("bedrock.amazonaws.com", of_models)]


def test_the_receipt_of_an_end_comes_from_the_message_of_an_end_alone(resources: Resources) -> None:
    (subscription,) = (
        one for one in resources.of("AWS::SNS::Subscription").values() if one["Protocol"] == "lambda"
    )

    assert subscription["FilterPolicy"] == {"event": ["run-ended"]}


def test_no_data_of_a_run_is_in_the_logs_of_the_workflow(resources: Resources) -> None:
    (machine,) = resources.of("AWS::StepFunctions::StateMachine").values()

    assert machine["LoggingConfiguration"]["IncludeExecutionData"] is False
    assert machine["LoggingConfiguration"]["Level"] == "ALL"


def test_each_wait_is_given_up_after_its_own_time(definition: dict[str, Any]) -> None:
    found = {
        name: task["TimeoutSeconds"]
        for name, task in definition["States"].items()
        if "TimeoutSeconds" in task
    }

    assert found == WAITS


def test_how_often_each_task_is_tried_again(definition: dict[str, Any]) -> None:
    for name, task in all_tasks_of(definition).items():
        tries = {
            retrier["ErrorEquals"][0]: (retrier["MaxAttempts"], retrier["MaxDelaySeconds"])
            for retrier in task["Retry"]
        }
        assert tries == {
            "Lambda.ServiceException": (6, 60),
            "Lambda.TooManyRequestsException": (36, 60),
            "TransientError": (36, 300),
            "PermissionMissing": (10, 300),
            "Lambda.Unknown": (2, 60),
        }, name
        assert all(
            (one["IntervalSeconds"], one["BackoffRate"], one["JitterStrategy"]) == (2, 2, "FULL")
            for one in task["Retry"]
        )


def test_a_shards_failure_is_caught_whatever_it_is(definition: dict[str, Any]) -> None:
    maps = [one for one in definition["States"].values() if one["Type"] == "Map"]
    tasks = [task for each in maps for task in tasks_of(each["ItemProcessor"]).values()]

    assert maps
    assert all(
        [catch["ErrorEquals"] for catch in one["Catch"]] == [["States.ALL"]] for one in (*maps, *tasks)
    )


def test_who_promotes_or_releases_ends_before_its_claim_does(resources: Resources) -> None:
    """A claim lasts 120 s (`tunedrop.registry.claims`); orphans are settled after 60 s."""
    timeouts = {
        one["FunctionName"].removeprefix("tunedrop-dev-"): one["Timeout"]
        for one in resources.of("AWS::Lambda::Function").values()
    }

    assert {timeouts[name] for name in ("promote-model", "release-throughput")} == {60}
    assert {timeouts[name] for name in ("start-customization", "set-up-throughput")} == {60}


@pytest.mark.parametrize("function", ["resume-waits", "sweep-throughput", "record-notice", "grade-answers"])
def test_a_call_that_nobody_waits_for_is_kept_when_it_fails(resources: Resources, function: str) -> None:
    (one,) = (
        one
        for one in resources.of("AWS::Lambda::Function").values()
        if one["FunctionName"] == f"tunedrop-dev-{function}"
    )

    assert logical(one["DeadLetterConfig"]["TargetArn"]) == "DeadLetters"


# --- where each Choice goes, by a table of states

VARIABLES = (
    "sharding", "job", "estimate", "started", "serving", "evaluation", "failure",
)  # fmt: skip
ASKED: dict[str, list[tuple[dict[str, Any], str]]] = {
    "Whole?": [
        ({"sharding": {"shards": [{}]}}, "ValidateShards"),
        ({"sharding": {"shards": [{}]}, "job": {"model_arn": "a"}}, "ValidateShards"),
        ({"job": {"model_arn": "a"}}, "EstimateCost"),
        ({"job": {}}, "Preflight"),
        ({}, "Preflight"),
    ],
    "Affordable?": [
        ({"estimate": {"approval_reasons": []}}, "ToTrain?"),
        ({"estimate": {"approval_reasons": ["one"]}}, "AwaitApproval"),
        ({"estimate": {"approval_reasons": ["one", "two"]}}, "AwaitApproval"),
    ],
    "ToTrain?": [({}, "StartCustomization"), ({"job": {"model_arn": "a"}}, "SetUpThroughput")],
    "Started?": [
        ({"started": {"outcome": "queued"}}, "AwaitSlot"),
        ({"started": {"outcome": "finished", "job": {}}}, "SetUpThroughput"),
        ({"started": {"outcome": "started"}}, "WaitForCompletion"),
    ],
    "Trained?": [
        ({"started": {"more": True}}, "StartCustomization"),
        ({"started": {"more": False}}, "SetUpThroughput"),
    ],
    "InService?": [
        ({"serving": {"status": "Creating"}}, "AwaitThroughput"),
        ({"serving": {"status": "InService"}}, "EvaluateModel"),
    ],
    "Better?": [
        ({"evaluation": evaluation}, goes)
        for evaluation, goes in (
            ({"shards": [{}], "judge_job_arn": "", "done": False, "verdict": ""}, "EvaluateShards"),
            ({"shards": [], "judge_job_arn": "arn", "done": False, "verdict": ""}, "AwaitJudging"),
            ({"shards": [], "judge_job_arn": "", "done": False, "verdict": "promote"}, "EvaluateModel"),
            ({"shards": [], "judge_job_arn": "", "done": True, "verdict": "promote"}, "Provisional?"),
            ({"shards": [], "judge_job_arn": "", "done": True, "verdict": "reject"}, "ReleaseThroughput"),
            (
                {"shards": [], "judge_job_arn": "", "done": True, "verdict": "inconclusive"},
                "ReleaseThroughput",
            ),
        )
    ],
    "Provisional?": [
        ({"serving": {"provisional": True}}, "BuyThroughput"),
        ({"serving": {"provisional": False}}, "PromoteModel"),
    ],
    "ValidateShardsDone?": [
        ({"failure": {"error": "InvalidDataset"}}, "ReleaseThroughput"),
        ({}, "ValidateData"),
    ],
    "EvaluateShardsDone?": [
        ({"failure": {"error": "InvalidDataset"}}, "ReleaseThroughput"),
        ({}, "EvaluateModel"),
    ],
    "Failed?": [({}, "Done"), ({"failure": {"error": "InvalidDataset", "cause": ""}}, "Failed")],
    "Registered?": [
        ({"states": {"input": given}}, goes)
        for given, goes in (
            ({"outcome": "registered", "resume": None}, "ValidateData"),
            ({"outcome": "refused", "resume": None}, "ReleaseThroughput"),
            ({"outcome": "refused", "resume": {"point": "preflight"}}, "ReleaseThroughput"),
            ({"outcome": "resumed", "resume": {"point": "validate_data"}}, "ValidateData"),
            ({"outcome": "resumed", "resume": {"point": "preflight"}}, "Preflight"),
            ({"outcome": "resumed", "resume": {"point": "estimate_cost"}}, "EstimateCost"),
            ({"outcome": "duplicate", "resume": None}, "NothingToDo"),
            ({"outcome": "ignored", "resume": None}, "NothingToDo"),
        )
    ],
}


def test_each_choice_follows_the_state_of_the_run(definition: dict[str, Any]) -> None:
    """Conditions evaluated by the reference implementation of JSONata; the first that holds decides."""
    choices = {name: one for name, one in definition["States"].items() if one["Type"] == "Choice"}
    assert set(choices) == set(ASKED)
    rows = [(name, given, goes) for name, table in ASKED.items() for given, goes in table]
    asked = [
        {
            "text": branch["Condition"].removeprefix("{% ").removesuffix(" %}"),
            "bindings": dict.fromkeys(VARIABLES) | given,
        }
        for name, given, _ in rows
        for branch in choices[name]["Choices"]
    ]
    answers = iter(reference(expressions=asked))
    for name, given, goes in rows:
        held = [next(answers).get("value") for _ in choices[name]["Choices"]]
        assert all(isinstance(one, bool) for one in held), (name, given, held)
        taken = next(
            (branch["Next"] for branch, one in zip(choices[name]["Choices"], held, strict=True) if one),
            choices[name]["Default"],
        )
        assert taken == goes, (name, given)


# --- what each task is given, what it leaves, and what follows it

ANSWER, OUTPUT = "{% $states.result.Payload %}", "{% $states.result %}"
ENDING = "dataset estimate started job serving evaluation promotion released failure"
GRANTED, NOT_GRANTED = {"granted": True}, {"granted": False}
TASKS: dict[str, tuple[str, str, dict[str, Any], dict[str, Any]]] = {
    # state: the next, the variables that it is given, what else it is given, what it assigns
    "ValidateData": (
        "Whole?", "run sharding dataset job", {},
        {"dataset": "{% $states.result.Payload.shards ? $dataset : $states.result.Payload %}",
         "sharding": "{% $states.result.Payload.shards ? $states.result.Payload : null %}"},
    ),
    "Preflight": ("EstimateCost", "run dataset", {}, {}),
    "EstimateCost": ("Affordable?", "run dataset", {}, {"estimate": ANSWER}),
    "AwaitApproval": ("ToTrain?", "run estimate", {"subject": "{% $run.run_id %}"}, {}),
    "StartCustomization": ("Started?", "run dataset granted", {}, {"started": ANSWER} | NOT_GRANTED),
    "AwaitSlot": ("StartCustomization", "run", {"subject": "{% $run.run_id %}"}, GRANTED),
    "WaitForCompletion": (
        "Trained?", "run", {"subject": "{% $started.job_arn %}"},
        {"job": "{% $started.more ? null : $states.result %}"},
    ),
    "SetUpThroughput": ("InService?", "run dataset job granted", {}, {"serving": ANSWER} | NOT_GRANTED),
    "AwaitDeployment": ("SetUpThroughput", "run", {"subject": "{% $run.run_id %}"}, GRANTED),
    "AwaitThroughput": (
        "EvaluateModel", "run serving", {"subject": "{% $serving.arn %}"}, {"serving": OUTPUT}
    ),
    "EvaluateModel": (
        "Better?", "run dataset job serving next_record", {},
        {"evaluation": ANSWER, "next_record": "{% $states.result.Payload.next_record %}"},
    ),
    "AwaitJudging": ("EvaluateModel", "run", {"subject": "{% $evaluation.judge_job_arn %}"}, {}),
    "BuyThroughput": (
        "AwaitProduction", "run dataset job evaluation", {"evaluated": True},
        {"evaluated_on": "{% $serving %}", "serving": ANSWER},
    ),
    "AwaitProduction": (
        "PromoteModel", "run serving", {"subject": "{% $serving.arn %}"}, {"serving": OUTPUT}
    ),
    "PromoteModel": (
        "ReleaseThroughput", "run dataset job serving evaluation", {}, {"promotion": ANSWER}
    ),
    "ReleaseThroughput": (
        "Notify", "run started serving evaluation failure evaluated_on promotion", {}, {"released": ANSWER}
    ),
    "Notify": ("Failed?", f"run {ENDING}", {}, {}),
}  # fmt: skip


def test_each_task_is_given_leaves_and_goes_on_with_what_the_table_says(definition: dict[str, Any]) -> None:
    tasks = tasks_of(definition)
    begin = {"RegisterRun", "RefuseUpload"}

    found = {}
    for name in tasks.keys() - begin:
        given = tasks[name]["Arguments"]["Payload"].items() - {("token", "{% $states.context.Task.Token %}")}
        more = {key: value for key, value in given if value != f"{{% ${key} %}}" and key != "kind"}
        variables = sorted(key for key, value in given if value == f"{{% ${key} %}}")
        found[name] = (tasks[name]["Next"], variables, more, tasks[name].get("Assign", {}))

    assert {tasks[name]["Next"] for name in begin} == {"Registered?"}
    assert found == {
        name: (goes, sorted(variables.split()), more, leaves)
        for name, (goes, variables, more, leaves) in TASKS.items()
    }


@pytest.mark.parametrize(
    ("before", "kept"), [({"error": "First", "cause": "", "step": "x"}, "First"), (None, "Late")]
)
def test_a_release_that_fails_keeps_why_the_run_had_failed(
    definition: dict[str, Any], before: Any, kept: str
) -> None:
    (catch,) = definition["States"]["ReleaseThroughput"]["Catch"]
    text = catch["Assign"]["failure"].removeprefix("{% ").removesuffix(" %}")
    states = {"errorOutput": {"Error": "Late", "Cause": "c"}}

    (found,) = reference(expressions=[{"text": text, "bindings": {"failure": before, "states": states}}])

    assert found["value"]["error"] == kept
