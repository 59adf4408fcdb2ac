"""Links into the AWS console (the addresses that its share buttons give, read 2026-11-25)."""

from __future__ import annotations

from urllib.parse import quote

from tunedrop.stage import Stage


def state_machine(stage: Stage) -> str:
    """The state machine, with its executions."""
    region = stage.region
    return (
        f"https://{region}.console.aws.amazon.com/states/home?region={region}"
        f"#/statemachines/view/{quote(stage.workflow_arn, safe=':')}"
    )


def execution(stage: Stage, execution_arn: str) -> str:
    """An execution of the state machine, with its graph and events."""
    region = stage.region
    return (
        f"https://{region}.console.aws.amazon.com/states/home?region={region}"
        f"#/v2/executions/details/{quote(execution_arn, safe=':')}"
    )
