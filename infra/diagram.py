"""Draws the state machine from its own definition: `python -m infra.diagram` writes docs/state-machine.md."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping
from typing import Any

from aws_cdk import App

from infra.application import add_stack
from infra.bundling import ROOT, Bundle, Bundles

PAGE = ROOT / "docs" / "state-machine.md"

_HEAD = """# The state machine

Drawn from its definition by `python -m infra.diagram`; a test says when this page is out of date.
Solid arrows are the journey, dotted ones what happens when a step fails for good. Slanted boxes wait for a
task token; a diamond is a choice; a box with double sides is a Distributed Map, which calls its function once
for each shard, several at a time.

```mermaid
flowchart TD
"""


def main() -> None:
    """Write the page."""
    context = json.loads((ROOT / "cdk.json").read_text())["context"]
    nothing = Bundle(ROOT / "lambdas", "0" * 64)  # the definition does not depend on what the functions run
    with tempfile.TemporaryDirectory() as folder:
        app = App(context=context, outdir=folder)
        add_stack(app, Bundles(layer=nothing, scoring=nothing, code=nothing))
        template = app.synth().stacks[0].template
    PAGE.write_text(page(definition_of(template)))


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
    lines = [
        'dropped(["a file is dropped"])',
        *(_node(name, state) for name, state in definition["States"].items()),
        f"dropped --> {_id(definition['StartAt'])}",
        *_arrows(definition["States"]),
        *_rescues(definition["States"]),
    ]
    return _HEAD + "".join(f"  {line}\n" for line in lines) + "```\n"


def _node(name: str, state: Mapping[str, Any]) -> str:
    waits = str(state.get("Resource", "")).endswith(".waitForTaskToken")
    shapes = {
        "Choice": "{{{}}}",
        "Succeed": "([{}])",
        "Fail": "([{}])",
        "Task": "[/{}/]" if waits else "[{}]",
        "Map": "[[{}]]",
    }
    return _id(name) + shapes[state["Type"]].format(f'"{name}"')


def _arrows(states: Mapping[str, Any]) -> Iterator[str]:
    for name, state in states.items():
        for choice in state.get("Choices", []):
            yield f'{_id(name)} -- "{_condition(choice)}" --> {_id(choice["Next"])}'
        if "Default" in state:
            yield f'{_id(name)} -- "else" --> {_id(state["Default"])}'
        if "Next" in state:
            yield f"{_id(name)} --> {_id(state['Next'])}"


def _rescues(states: Mapping[str, Any]) -> Iterator[str]:
    rescued: dict[str, list[str]] = {}
    for name, state in states.items():
        for catch in state.get("Catch", []):
            rescued.setdefault(catch["Next"], []).append(_id(name))
    for rescue, names in rescued.items():
        yield f"{' & '.join(names)} -.-> {_id(rescue)}"


def _id(name: str) -> str:
    return f"is{name[:-1]}" if name.endswith("?") else name


def _condition(choice: Mapping[str, Any]) -> str:
    text: str = choice["Condition"]
    return text.removeprefix("{% ").removesuffix(" %}").replace("$states.input.", "").replace('"', "'")


def _placeholder(part: Mapping[str, Any]) -> str:
    """`{"Fn::GetAtt": ["FunctionsNotify1A2B", "Arn"]}` as text."""
    ((_, value),) = part.items()
    return f"<{'.'.join(value) if isinstance(value, list) else value}>"


if __name__ == "__main__":
    main()
