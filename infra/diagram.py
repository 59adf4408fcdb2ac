"""Draws the state machine from its own definition: `python -m infra.diagram` writes docs/state-machine.md."""

from __future__ import annotations

import itertools
import json
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from aws_cdk import App

from infra.application import add_stack
from infra.bundling import ROOT, Bundle, Bundles
from infra.functions import STEPS

PAGE = ROOT / "docs" / "state-machine.md"
ACCOUNT, REGION = "111122223333", "us-east-1"
"""AWS's documentation account, and a Region, which CDK requires."""

_OVERVIEW = """# The state machine

A run takes ten steps. Nothing is billed before *start customization*. If a step fails, *release throughput*
and *notify* follow.

```mermaid
flowchart TD
"""

_BETWEEN = {
    "estimate_cost": "within the budget, or approved",
    "start_customization": "trained",
    "set_up_throughput": "in service",
    "evaluate_model": "better than base and production",
}
"""Conditions for the next step, other than the success of this one."""

_BESIDE = frozenset({"validate_shard", "evaluate_shard", "wait_for_completion"})
"""Functions that are part of a step."""

_HEAD = """
## Every state

This diagram is generated from the state machine's definition by `python -m infra.diagram`; a test checks
that it is up to date. Solid arrows show the normal path. Slanted boxes wait for a task token, hexagons are
choices, and boxes with double sides are Distributed Maps, which call a function once per shard, several in
parallel. If a step inside the frame fails permanently, the dotted arrow applies: billed resources are
released, and a notification is sent.

```mermaid
flowchart TD
"""


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(definition_of(template())))


def template() -> dict[str, Any]:
    """The template of our own stage `dev`, synthesized without building bundles."""
    context = json.loads((ROOT / "cdk.json").read_text())["context"]
    dev = context["stages"]["dev"] | {"account": ACCOUNT, "region": REGION}
    context = context | {"stage": "dev", "stages": {"dev": dev}}
    nothing = Bundle(ROOT / "lambdas", "0" * 64)  # the definition does not depend on bundles
    with tempfile.TemporaryDirectory() as folder:
        app = App(context=context, outdir=folder, builtin_cloud_formation_validation=False)
        add_stack(app, Bundles(layer=nothing, reading=nothing, scoring=nothing, code=nothing))
        synthesized: dict[str, Any] = app.synth().stacks[0].template
    return synthesized


def definition_of(template: Mapping[str, Any]) -> dict[str, Any]:
    """The state machine's definition in a synthesized template, with ARNs left as placeholders."""
    (machine,) = (
        resource["Properties"]
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::StepFunctions::StateMachine"
    )
    text = machine["DefinitionString"]
    parts = text["Fn::Join"][1] if isinstance(text, dict) else [text]
    definition: dict[str, Any] = json.loads(
        "".join(part if isinstance(part, str) else _placeholder(part) for part in parts)
    )
    return definition


def page(definition: Mapping[str, Any]) -> str:
    """The documentation page, a Mermaid flow chart inside."""
    states = definition["States"]
    rescue, rescued = _rescue(states)
    lines = [
        'dropped(["a file is dropped"])',
        *(_node(name, state) for name, state in states.items() if name not in rescued),
        'subgraph journey [" "]',
        *(f"  {_node(name, states[name])}" for name in states if name in rescued),
        "end",
        f"dropped --> {_id(definition['StartAt'])}",
        *_arrows(states),
        f'journey -. "fails for good" .-> {_id(rescue)}',
        "style journey fill:none,stroke-dasharray:4 4",
    ]
    return _overview() + _HEAD + _drawn(lines)


def _overview() -> str:
    """The ten steps in order; the full diagram includes waits and retries."""
    steps = [one for one in STEPS if one.name not in _BESIDE]
    lines = [f'{one.name}["{one.name.replace("_", " ")}"]' for one in steps]
    for one, following in itertools.pairwise(steps):
        condition = _BETWEEN.get(one.name)
        label = f'-- "{condition}" ' if condition else ""
        lines.append(f"{one.name} {label}--> {following.name}")
    lines.append('evaluate_model -- "not better" --> release_throughput')
    return _OVERVIEW + _drawn(lines)


def _drawn(lines: Iterable[str]) -> str:
    return "".join(f"  {line}\n" for line in lines) + "```\n"


def _node(name: str, state: Mapping[str, Any]) -> str:
    waits = str(state.get("Resource", "")).endswith(".waitForTaskToken")
    shapes = {
        "Choice": "{{{{{}}}}}",
        "Succeed": "([{}])",
        "Fail": "([{}])",
        "Task": "[/{}/]" if waits else "[{}]",
        "Map": "[[{}]]",
    }
    return _id(name) + shapes[state["Type"]].format(f'"{_words(name)}"')


def _arrows(states: Mapping[str, Any]) -> Iterator[str]:
    for name, state in states.items():
        for choice in state.get("Choices", []):
            yield f'{_id(name)} -- "{_condition(choice)}" --> {_id(choice["Next"])}'
        if "Default" in state:
            yield f"{_id(name)} -- else --> {_id(state['Default'])}"
        if "Next" in state:
            yield f"{_id(name)} --> {_id(state['Next'])}"


def _rescue(states: Mapping[str, Any]) -> tuple[str, set[str]]:
    """The state that most failures lead to, and the states that lead there."""
    by_rescue: dict[str, set[str]] = {}
    for name, state in states.items():
        for catch in state.get("Catch", []):
            by_rescue.setdefault(catch["Next"], set()).add(name)
    rescue = max(by_rescue, key=lambda one: len(by_rescue[one]))
    rescued = by_rescue[rescue]
    while (
        between := {
            name for one in rescued for name in _after(states[one]) if states[name]["Type"] == "Choice"
        }
        - rescued
    ):
        rescued |= between
    return rescue, rescued


def _after(state: Mapping[str, Any]) -> list[str]:
    choices = [choice["Next"] for choice in state.get("Choices", [])]
    return [*choices, *(state[key] for key in ("Default", "Next") if key in state)]


def _words(name: str) -> str:
    """`AwaitApproval` as "await approval"."""
    return re.sub(r"(?<!^)(?=[A-Z])", " ", name).lower()


def _id(name: str) -> str:
    return f"is{name[:-1]}" if name.endswith("?") else name


def _condition(choice: Mapping[str, Any]) -> str:
    """A JSONata condition for people: `$count($estimate.reasons) > 0` as "estimate.reasons"."""
    text = choice["Condition"].removeprefix("{% ").removesuffix(" %}").replace("$states.input.", "")
    text = re.sub(r"\$(?:count\((.*?)\) > 0|exists\((.*?)\))", lambda found: found[1] or found[2], text)
    text = re.sub(r"\$not\((.*?)\)", r"not \1", text)
    return str(text.replace("$", "").replace('"', "").replace("_", " "))


def _placeholder(part: Mapping[str, Any]) -> str:
    """`{"Fn::GetAtt": ["FunctionsNotify1A2B", "Arn"]}` as text."""
    ((_, value),) = part.items()
    return f"<{'.'.join(value) if isinstance(value, list) else value}>"


if __name__ == "__main__":
    main()
