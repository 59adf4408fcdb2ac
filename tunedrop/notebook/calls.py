"""The command line as functions: they return typed values instead of text, and raise `Failed` instead of
exiting.

A deployed stage is found as the command line finds it: `stage`, `profile` and `region`, else what the
environment and the AWS configuration say.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from pathlib import Path
from typing import Literal, ParamSpec, TypeVar

from tunedrop.cli.data import checking, converting, folder
from tunedrop.cli.deployed import Deployed
from tunedrop.cli.exits import USAGE
from tunedrop.cli.failures import Failed, Format, fail, foreseen
from tunedrop.cli.plan import estimating
from tunedrop.cli.runs import repeated, submitting
from tunedrop.cli.runs.live import watch
from tunedrop.contracts import Ending, Estimate, Method
from tunedrop.dataset.check.check import Report
from tunedrop.dataset.sources.containers.tables import PARTS
from tunedrop.dataset.tools.convert import Conversion, Target
from tunedrop.dataset.types import ReadOptions
from tunedrop.registry import Record
from tunedrop.results.collect import ending_of
from tunedrop.results.side_by_side import Contender, Models

__all__ = ["Failed", "ask", "check", "convert", "estimate", "follow", "runs", "submit"]

AnyPath = str | Path

Given = ParamSpec("Given")
Answer = TypeVar("Answer")


def _or_failed(call: Callable[Given, Answer]) -> Callable[Given, Answer]:
    """Raise errors of AWS, files and runs as `Failed`, with the next step."""

    @wraps(call)
    def run(*args: Given.args, **kwargs: Given.kwargs) -> Answer:
        try:
            return call(*args, **kwargs)
        except Exception as error:
            if (failed := foreseen(error)) is None or failed is error:
                raise
            raise failed from error

    return run


def _reading(columns: Mapping[str, str] | None, encoding: str) -> ReadOptions:
    if wrong := [part for part in columns or () if part not in PARTS]:
        fail(f"columns: there is no part {wrong[0]!r}; there are {', '.join(PARTS)}", USAGE)
    return ReadOptions(encoding=encoding, columns=dict(columns or {}))


@_or_failed
def check(
    *paths: AnyPath,
    base_model: str | None = None,
    method: Method | Literal["auto"] = "auto",
    max_findings: int = 100,
    columns: Mapping[str, str] | None = None,
    encoding: str = "",
) -> Report:
    """Check a dataset on this machine, as the pipeline will. Does not call AWS.

    Parameters
    ----------
    paths
        A run's folder, or the files of one dataset.
    base_model
        Its id in the catalog, to check the model's own rules too; default: the manifest's.
    max_findings
        Maximum number of findings to list; all are counted.
    columns
        The columns of a table with unusual names, by part: `{"prompt": "Frage"}`.
    encoding
        The encoding of a text file, such as cp1252; default: detected.

    Raises
    ------
    Failed
        If a file or the base model does not exist. A dataset with errors gives a `Report` that is not
        `valid`.
    """
    options = checking.Options(reading=_reading(columns, encoding))
    return checking.report_of([Path(path) for path in paths], base_model, method, max_findings, options)


@_or_failed
def estimate(
    path: AnyPath,
    base_model: str | None = None,
    stage: str | None = None,
    profile: str | None = None,
    region: str | None = None,
    *,
    tenant: str = "",
) -> Estimate:
    """Estimate the cost of the run in a folder, or of one file: low, likely and high, in US dollars.

    Parameters
    ----------
    base_model
        A base model instead of the manifest's, to compare.
    stage
        The deployed stage whose defaults and budgets apply; without one, AWS is not called.
    tenant
        Whose run it is, if the stage has tenants.

    Raises
    ------
    Failed
        If the data is invalid, there is no base model, or the stage would refuse the run.
    """
    here = Deployed(stage, profile, region) if stage is not None else None
    submission = folder.read(Path(path))
    if here is not None:
        submission = folder.to_stage(submission, tenant, here.stage.tenants)
    return estimating.plan(submission, base_model, here).estimate


@_or_failed
def convert(
    source: AnyPath,
    to: Target,
    output: AnyPath,
    *,
    skip: bool = False,
    columns: Mapping[str, str] | None = None,
    encoding: str = "",
) -> Conversion:
    """Write a dataset in another format; returns what was lost or refused, by line.

    Parameters
    ----------
    skip
        Whether to skip records that the format cannot express. Otherwise, if there are any, nothing is
        written.
    columns, encoding
        As for `check`.

    Raises
    ------
    Failed
        If the file cannot be read or written.
    """
    reading = _reading(columns, encoding)
    conversion, _ = converting.convert_into(Path(source), to, Path(output), reading, skip)
    return conversion


@_or_failed
def submit(
    path: AnyPath,
    stage: str | None = None,
    profile: str | None = None,
    region: str | None = None,
    *,
    check: bool = True,
    again: bool = False,
    tenant: str = "",
) -> Record:
    """Check a run and upload it without asking for confirmation; returns the run that it starts.

    Parameters
    ----------
    path
        A run's folder, or one dataset.
    check
        Whether to check the data first, and upload nothing that the pipeline would refuse.
    again
        Train again even if the same records were trained with the same settings before.
    tenant
        Whose run it is, if the stage has tenants.

    Raises
    ------
    Failed
        If the data is invalid, the stage is not deployed, or the run does not start.
    """
    here = Deployed(stage, profile, region)
    submission = folder.to_stage(folder.read(Path(path)), tenant, here.stage.tenants)
    if check and not submission.elsewhere:
        plan = estimating.plan(submission, None, here)
        repeated.refuse(here, submission, plan, again=again)
    return submitting.start(here, submission, Format.json, again=again)[0]


@_or_failed
def runs(
    stage: str | None = None, profile: str | None = None, region: str | None = None, limit: int = 20
) -> list[Record]:
    """The latest runs of a stage, newest first."""
    return Deployed(stage, profile, region).registry.recent(limit)


@_or_failed
def follow(
    run: Record | str,
    stage: str | None = None,
    profile: str | None = None,
    region: str | None = None,
    progress: Callable[[str], object] | None = print,
) -> Ending:
    """Wait until a run has ended; returns everything known about it.

    Parameters
    ----------
    run
        The result of `submit`, or a run's id or name.
    progress
        Called with a line for each event; None prints nothing.
    """
    here = Deployed(stage, profile, region)
    record = here.run(run if isinstance(run, str) else run.run.run_id)
    last = watch.follow(here, record, lambda event: progress(event.line()) if progress else None)
    return ending_of(last.record)


@_or_failed
def ask(
    name: str,
    prompt: str,
    system: str | None = None,
    stage: str | None = None,
    profile: str | None = None,
    region: str | None = None,
) -> str:
    """Ask the production model of a name, at temperature 0; returns its answer.

    Parameters
    ----------
    system
        The system prompt; None: the most common one in the training records.

    Raises
    ------
    Failed
        If no model is in production under that name, or it returns no answer.
    """
    here = Deployed(stage, profile, region)
    model = here.aliases.in_production(name)
    if model is None or not model.model_id:
        fail(f"no model is in production under the name {name}", next_="See them: tunedrop models")
    if not model.run_id:
        fail(f"what {name} has in production, {model.model_id}, was put there by hand: no run has trained it")
    models = Models(here.aws, here.stage, here.run(model.run_id))
    production = Contender(who="production", model_id=model.model_id)
    (answer,) = models.ask([production], prompt, models.system_prompt() if system is None else system)
    if answer.error:
        fail(f"{name} gave no answer: {answer.error}")
    return answer.text
