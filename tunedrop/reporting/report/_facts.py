"""The facts of a run: an overview, its bill, and its lineage."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from tunedrop import clock
from tunedrop.contracts import ActualCost, CostLine, Ending, FitVerdict
from tunedrop.formatting.costs import forecast_in_words, in_words, unpriced
from tunedrop.reporting import console, links
from tunedrop.reporting.report._timeline import in_words as time_in_words
from tunedrop.stage import Stage
from tunedrop.training.curves import Curves

_FITS: dict[FitVerdict, str] = {
    "fits": "the losses level off",
    "overfitting": "too many: overfitting",
    "memorising": "memorising",
    "underfitting": "too few: underfitting",
    "unstable": "unstable",
    "unknown": "no loss curve",
}


class Fact(msgspec.Struct, frozen=True):
    """One fact; `note` has details, `link` opens it in the AWS console."""

    name: str
    value: str
    note: str = ""
    link: str = ""


class BillLine(msgspec.Struct, frozen=True):
    """One item: the estimate, the actual cost (US dollars as text), and the source of the price."""

    item: str
    estimated: str
    actual: str
    basis: str
    price: str


class Bill(msgspec.Struct, frozen=True):
    """Estimated, actual and remaining cost, line by line and in words."""

    estimated: str
    actual: str
    forecast: str
    budget: str
    lines: tuple[BillLine, ...]


def at_a_glance(ending: Ending) -> list[Fact]:
    """The facts at the top of the page."""
    return list(_glance(ending))


def accepted(curves: Curves) -> list[Fact]:
    """How many records of the data files Bedrock accepted, according to its own report."""
    files = "; ".join(one.short for one in curves.inputs)
    return [Fact("Records accepted", files)] if files else []


def _glance(ending: Ending) -> Iterator[Fact]:
    run, dataset, evaluation = ending.run, ending.dataset, ending.evaluation
    if run.base_model:
        yield Fact("Base model", run.base_model)
    if dataset is not None:
        held_out = f", {dataset.test.records:,} held out" if dataset.test is not None else ""
        if dataset.test is not None and (first := dataset.split_off) is not None:
            held_out += f" ({dataset.test.records - first.records:,} of them added by a retry)"
        yield Fact(
            "Data",
            f"{dataset.train.records:,} training records{held_out}",
            dataset.method.replace("-", " "),
        )
    if ending.fit is not None and ending.fit.epochs:
        epochs = "1 epoch" if ending.fit.epochs == 1 else f"{ending.fit.epochs} epochs"
        yield Fact("Training", epochs, _FITS[ending.fit.verdict])
    if ending.cost is not None and ending.cost.lines:
        yield _cost(ending.cost)
    elif ending.cost is not None:
        yield Fact("Cost", "nothing")
    if ending.cost is not None and (forecast := forecast_in_words(ending.cost)):
        yield Fact("Forecast", forecast)
    if ending.job is not None and ending.job.started_at and ending.job.ended_at:
        took = clock.seconds_between(ending.job.started_at, ending.job.ended_at)
        yield Fact("Training time", time_in_words(took))
    if evaluation is not None and evaluation.base_speed and evaluation.tuned_speed:
        yield Fact(
            "Median latency",
            f"{evaluation.tuned_speed.median_ms:,} ms",
            f"base {evaluation.base_speed.median_ms:,} ms",
        )
    # In a role's session, `AROA…:session`, the second part names the user.
    yield Fact("Uploaded by", run.uploaded_by.rpartition(":")[2] or "unknown", _moment(run.created_at))


def _cost(cost: ActualCost) -> Fact:
    if left_out := unpriced(cost):
        return Fact("Cost", f"at least {_dollars(cost.likely)}", left_out)
    return Fact("Cost", _dollars(cost.likely), _range(cost.low, cost.high))


def bill(ending: Ending) -> Bill | None:
    """The estimate and the actual cost side by side; None without an estimate."""
    if ending.estimate is None:
        return None
    estimated = _by_item(ending.estimate.lines)
    actual = _by_item(ending.cost.lines) if ending.cost is not None else {}
    forecast = _by_item(ending.cost.forecast) if ending.cost is not None else {}
    lines = []
    for item in dict.fromkeys([*estimated, *actual, *forecast]):
        before, after = estimated.get(item, []), actual.get(item, [])
        to_come = item in forecast
        told = after or forecast.get(item) or before
        lines.append(
            BillLine(
                item=item,
                estimated=_sum(before),
                actual=f"forecast: {_sum(forecast[item])} a month" if to_come else _sum(after),
                basis="; ".join(one.basis for one in told),
                price=", ".join(dict.fromkeys(f"{one.source} {one.priced_on}".strip() for one in told)),
            )
        )
    return Bill(
        estimated=in_words(ending.estimate),
        actual=in_words(ending.cost) if ending.cost is not None and ending.cost.lines else "nothing",
        forecast=forecast_in_words(ending.cost) if ending.cost is not None else "",
        budget=f"{ending.estimate.budget_usd:.2f} USD",
        lines=tuple(lines),
    )


def lineage(stage: Stage, ending: Ending) -> list[Fact]:
    """The model's lineage, including the hash of its data and the versions of its objects."""
    return [fact for fact in _origins(stage, ending) if fact.value]


def _origins(stage: Stage, ending: Ending) -> Iterator[Fact]:
    run, dataset, job = ending.run, ending.dataset, ending.job
    yield Fact("Run", run.run_id, f"attempt {run.attempt}" if run.attempt > 1 else "")
    yield Fact("Uploaded by", run.uploaded_by, _moment(run.created_at))
    for name, one in (
        ("Started by", run.source),
        ("Training data", run.train),
        ("Validation data", run.validation),
        ("Held-out data", run.test),
        ("Held-out data, added", run.more_test),
    ):
        if one is not None and (one is run.source or one != run.source):
            note = f"version {one.version_id}" if one.version_id else "not versioned"
            yield Fact(
                name, one.uri, note, links.object_in_console(stage, one.bucket, one.key, one.version_id)
            )
    if dataset is not None:
        yield Fact("Dataset hash", dataset.content_hash, "SHA-256 of the records that were trained on")
        yield Fact("Method", dataset.method, f"{dataset.source_format} to {dataset.target_format}")
    yield Fact("Base model", run.base_model)
    yield Fact(
        "Hyperparameters",
        ", ".join(f"{name} {value}" for name, value in sorted(ending.hyperparameters.items())),
    )
    yield Fact("Customization job", job.job_arn if job is not None else "")
    reevaluated = f"trained earlier by this run, re-evaluated in attempt {run.evaluation_attempt}"
    yield Fact(
        "Custom model", job.model_arn if job is not None else "", reevaluated if run.is_reevaluated else ""
    )
    yield Fact("Served by", ending.serving.arn if ending.serving is not None else "")
    yield Fact("Production alias", ending.promotion.alias if ending.promotion is not None else "")
    if ending.promotion is not None:
        yield Fact("In production before", ending.promotion.previous_model_arn)
    yield Fact("Execution", run.execution_arn, link=console.execution(stage, run.execution_arn))
    files = f"runs/{run.run_id}/"
    yield Fact("Files", f"s3://{stage.artifacts_bucket}/{files}", link=links.folder_in_console(stage, files))


def _moment(text: str) -> str:
    return f"{clock.for_people(text)} UTC" if text else ""


def _by_item(lines: tuple[CostLine, ...]) -> dict[str, list[CostLine]]:
    """Lines by item: `evaluation, prompts` and `evaluation, answers` are one item."""
    found: dict[str, list[CostLine]] = {}
    for line in lines:
        found.setdefault(line.item.partition(",")[0], []).append(line)
    return found


def _sum(lines: list[CostLine]) -> str:
    if not lines:
        return ""
    if not all(line.source for line in lines):
        return "no dated price"
    return f"{sum(line.likely for line in lines):.2f}"


def _dollars(amount: float) -> str:
    return f"{amount:.2f} USD"


def _range(low: float, high: float) -> str:
    return "" if f"{low:.2f}" == f"{high:.2f}" else f"{low:.2f} to {high:.2f}"
