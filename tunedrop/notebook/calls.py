"""The command line's work as functions: typed values instead of text, `Failed` instead of exit codes.

A deployed stage is found as the command line finds it: `stage`, `profile` and `region`, else what the
environment and the AWS configuration say.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

from tunedrop import catalog
from tunedrop.cli.data import checking, converting, estimating, folder
from tunedrop.cli.failures import Failed, Format, fail
from tunedrop.cli.runs import submitting
from tunedrop.cli.runs.live import watch
from tunedrop.cli.stage import Deployed
from tunedrop.contracts import Ending, Estimate, Method
from tunedrop.dataset.check.check import Report
from tunedrop.dataset.prepare.held_out import HeldOut, Message
from tunedrop.dataset.tools.convert import Conversion, Target
from tunedrop.dataset.types import ReadOptions
from tunedrop.evaluation.ask import Asker, RateLimiter
from tunedrop.registry import Record
from tunedrop.results.collect import ending_of
from tunedrop.serving import kinds

__all__ = ["Failed", "ask", "check", "convert", "estimate", "follow", "runs", "submit"]

AnyPath = str | Path


def check(
    *paths: AnyPath,
    base_model: str | None = None,
    method: Method | Literal["auto"] = "auto",
    max_findings: int = 100,
) -> Report:
    """Check a dataset on this machine, as the pipeline will; asks no AWS.

    Parameters
    ----------
    paths
        A run's folder, or the files of one dataset.
    base_model
        Its id in the catalog: checks the model's own rules too. A folder's manifest is the default.
    max_findings
        How many findings to list; all are counted.

    Raises
    ------
    Failed
        When a file cannot be found, or the base model is not known. A dataset with errors is a `Report` that
        is not `valid`.
    """
    return checking.report_of([Path(path) for path in paths], base_model, method, max_findings)


def estimate(path: AnyPath, base_model: str | None = None, stage: str | None = None) -> Estimate:
    """What the run in a folder, or of one file, will cost: US dollars, low, likely and high.

    Parameters
    ----------
    base_model
        Instead of the manifest's, to compare.
    stage
        The deployed stage whose defaults and budgets count; without one, no AWS is asked.

    Raises
    ------
    Failed
        When the data is not valid, or names no base model.
    """
    here = Deployed(stage, None, None) if stage is not None else None
    return estimating.plan(folder.read(Path(path)), base_model, here).estimate


def convert(source: AnyPath, to: Target, output: AnyPath, *, skip: bool = False) -> Conversion:
    """Write a dataset in another format; gives what was lost and what was refused, by line.

    Parameters
    ----------
    skip
        Leave out records that the format cannot express. Otherwise nothing is written when there are any.

    Raises
    ------
    Failed
        When the file cannot be read or written.
    """
    conversion, _ = converting.convert_into(Path(source), to, Path(output), ReadOptions(), skip)
    return conversion


def submit(
    path: AnyPath,
    stage: str | None = None,
    profile: str | None = None,
    region: str | None = None,
    *,
    check: bool = True,
) -> Record:
    """Check a run, upload it, and give the run that it started, without asking.

    Parameters
    ----------
    path
        A run's folder, or one dataset.
    check
        Check the data here first, and upload nothing that the pipeline would refuse.

    Raises
    ------
    Failed
        When the data is not valid, the stage is not deployed, or the run did not start.
    """
    here = Deployed(stage, profile, region)
    submission = folder.read(Path(path))
    if check and not submission.elsewhere:
        estimating.plan(submission, None, here)
    return submitting.start(here, submission, Format.json)[0]


def runs(
    stage: str | None = None, profile: str | None = None, region: str | None = None, limit: int = 20
) -> list[Record]:
    """The latest runs of a stage, newest first."""
    return Deployed(stage, profile, region).registry.recent(limit)


def follow(
    run: Record | str,
    stage: str | None = None,
    profile: str | None = None,
    region: str | None = None,
    progress: Callable[[str], object] | None = print,
) -> Ending:
    """Wait until a run has ended, and give everything known of it.

    Parameters
    ----------
    run
        What `submit` gave, or a run's id or name.
    progress
        Called with a line for each event; None for silence.
    """
    here = Deployed(stage, profile, region)
    record = here.run(run if isinstance(run, str) else run.run.run_id)
    last = watch.follow(here, record, lambda event: progress(event.line()) if progress else None)
    return ending_of(last.record)


def ask(
    name: str,
    prompt: str,
    system: str = "",
    stage: str | None = None,
    profile: str | None = None,
    region: str | None = None,
) -> str:
    """What the model in production under a name answers, at temperature 0.

    Raises
    ------
    Failed
        When no model is in production under that name, or it gave no answer.
    """
    here = Deployed(stage, profile, region)
    history = here.aliases.history(name)
    if not history or not history[0].model_id:
        fail(f"no model is in production under the name {name}", next_="See them: tunedrop models")
    ending = ending_of(here.run(history[0].run_id))
    base_model = catalog.find(ending.run.base_model)
    format_ = ending.dataset.target_format if ending.dataset is not None else "converse"
    client = kinds.client(here.aws, history[0].model_id)
    asker = Asker(client, history[0].model_id, base_model, format_, RateLimiter(0))
    answer = asker.ask(
        HeldOut(record=0, turn=0, system=system, messages=(Message(role="user", text=prompt),), reference="")
    )
    if answer.error:
        fail(f"{name} gave no answer: {answer.error}")
    return answer.text
