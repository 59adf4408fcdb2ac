"""All commands by name: their module, their heading in the help, and a summary.

Help and shell completion read only this table and do not wait for what commands import.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from typing import Any, NamedTuple

import typer

PREPARE = "Prepare a dataset (no AWS needed)"
TUNE = "Tune a model"
PRODUCTION = "Keep it in production"
COSTS = "Costs and cleanup"
SET_UP = "Set up"


class Entry(NamedTuple):
    """`group` is the package in `tunedrop.cli` whose module `commands` declares the command."""

    group: str
    heading: str
    summary: str


INDEX = {
    "advise": Entry("plan", PREPARE, "Recommend whether and how to tune, with base model and cost."),
    "bases": Entry("plan", PREPARE, "List the base models that can be tuned, with limits and prices."),
    "init": Entry("plan", PREPARE, "Write a starter run: a commented manifest and sample data."),
    "check": Entry("data", PREPARE, "Check a dataset on this machine, as the pipeline will."),
    "pull": Entry("data", PREPARE, "Download a dataset of the Hugging Face Hub as Parquet files."),
    "explain": Entry("data", PREPARE, "Explain a rule, with records that pass and fail it."),
    "convert": Entry("data", PREPARE, "Write a dataset in another format, and list what is lost."),
    "estimate": Entry("plan", PREPARE, "Estimate a run's cost, with the source and date of every price."),
    "evaluate": Entry("data", PREPARE, "Evaluate two models from a file of their answers."),
    "schema": Entry("data", PREPARE, "Print the JSON Schema of the manifest, events or files."),
    "submit": Entry("runs", TUNE, "Check a run, estimate its cost, confirm and upload it."),
    "watch": Entry("runs", TUNE, "Follow a run to its end: steps, losses, cost."),
    "runs": Entry("results", TUNE, "List runs with their scores, settings, data and cost."),
    "show": Entry("results", TUNE, "Show everything known about a run."),
    "compare": Entry("results", TUNE, "Compare runs: settings, data, scores, answers side by side."),
    "export": Entry("results", TUNE, "Send runs to an MLflow tracking server."),
    "ask": Entry("results", TUNE, "Ask the tuned, base and production model the same question."),
    "report": Entry("results", TUNE, "Download a run's HTML report."),
    "approve": Entry("runs", TUNE, "Approve a run that waits for cost approval."),
    "stop": Entry("runs", TUNE, "Stop a run and its job, and release the served model."),
    "retry": Entry("runs", TUNE, "Resume a run where it failed, or re-evaluate an inconclusive one."),
    "models": Entry("production", PRODUCTION, "List the models in production, or all versions of one."),
    "promote": Entry("production", PRODUCTION, "Point a production alias to a run's model."),
    "rollback": Entry("production", PRODUCTION, "Return a production alias to its previous model."),
    "throughput": Entry("costs", COSTS, "List the resources that serve models, and their cost."),
    "teardown": Entry("costs", COSTS, "Delete the AWS resources that runs created."),
    "doctor": Entry("machine", SET_UP, "Check prerequisites and list what to request."),
    "local": Entry(
        "machine", SET_UP, "Start or stop the embedded AWS on this machine, with a stage deployed."
    ),
}


class Commands(Mapping[str, Any]):
    """The commands by name, imported on first access."""

    def __getitem__(self, name: str) -> Any:
        return _command(name)

    def __iter__(self) -> Iterator[str]:
        return iter(INDEX)

    def __len__(self) -> int:
        return len(INDEX)


@cache
def _command(name: str) -> Any:
    """One command, without the parameters of the others in its module, whose preparation takes time."""
    declared = import_module(f"tunedrop.cli.{INDEX[name].group}.commands").app
    only = typer.Typer(rich_markup_mode=None)
    only.registered_commands = [one for one in declared.registered_commands if _name(one) == name]
    only.registered_groups = [one for one in declared.registered_groups if one.name == name]
    command = typer.main.get_group(only).commands[name]
    _name_values(command)
    return command


def _name(declared: Any) -> str:
    return declared.name or typer.main.get_command_name(declared.callback.__name__)


def _name_values(command: Any) -> None:
    """Show an option's value by name in the help (`--stage NAME`); typer would show its Python type."""
    for one in command.params:
        if one.param_type_name == "option":
            one.metavar = _value_of(one)
        elif one.nargs != 1 and one.metavar:
            one.metavar += "..."
    for below in getattr(command, "commands", {}).values():
        _name_values(below)


def _value_of(option: Any) -> str:
    choices = getattr(option.type, "choices", ())
    of_number = "N" if option.type.name.startswith(("integer", "float")) else ""
    return str(
        option.metavar
        or "|".join(str(getattr(one, "value", one)) for one in choices)
        or of_number
        or option.name.strip("_").upper()
    )
