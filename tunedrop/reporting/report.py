"""The HTML report of a run: one file that opens offline, verdict first.

All text of a dataset is escaped, and the page's own policy forbids every script: data is shown, never run.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from importlib import resources
from typing import Any

from tunedrop import clock
from tunedrop.contracts import ActualCost, CostLine, Ending, Estimate
from tunedrop.cost.words import in_words
from tunedrop.ending.outcome import outcome_of
from tunedrop.evaluation import labels
from tunedrop.evaluation.evaluate import Prediction
from tunedrop.evaluation.metrics import METRICS, TITLES
from tunedrop.registry import StepRecord
from tunedrop.reporting import charts, metrics_files
from tunedrop.reporting.metrics_files import Curves
from tunedrop.reporting.notification import headline

POLICY = "default-src 'none'; style-src 'unsafe-inline'"
SHOWN_PAIRS = 3
MAX_SHOWN = 1_200


def render(
    ending: Ending,
    *,
    findings: Mapping[str, Any] | None,
    predictions: Sequence[Prediction],
    curves: Curves,
    timeline: Sequence[StepRecord],
) -> str:
    """The report as one HTML document.

    Parameters
    ----------
    findings
        validation.json of the run, if it has come to that.
    """
    sections = [
        _scores(ending),
        _confusion(ending, predictions),
        _speed(ending),
        _training(ending, curves),
        _answers(ending, predictions),
        _findings(findings),
        _lengths(predictions),
        _cost(ending),
        _use(ending),
        _lineage(ending),
        _timeline(timeline),
    ]
    style = (resources.files("tunedrop.reporting") / "report.css").read_text("utf-8")
    title = escape(f"{ending.run.run_id} {headline(ending)}")
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{style}</style></head><body><main>"
        f"{_verdict(ending)}{''.join(part for part in sections if part)}</main></body></html>"
    )


def _verdict(ending: Ending) -> str:
    outcome = outcome_of(ending)
    if ending.failure is not None:
        reason = f"<pre>{escape(ending.failure.cause)}</pre>"
        if ending.failure.step:
            reason += f'<p class="soft">in {escape(ending.failure.step)}</p>'
    elif ending.evaluation is not None:
        reason = f"<p>{escape(ending.evaluation.reason)}.</p>"
    else:
        reason = ""
    return (
        f'<header class="verdict {outcome}">'
        f'<p class="eyebrow">Tunedrop · {escape(ending.run.name)} · {outcome}</p>'
        f"<h1>{escape(ending.run.run_id)} {escape(headline(ending))}</h1>{reason}</header>"
    )


def _scores(ending: Ending) -> str:
    evaluation = ending.evaluation
    if evaluation is None or not evaluation.scores:
        return ""
    rows = [
        (
            TITLES.get(one.metric, one.metric) + (" (decides)" if one.metric == evaluation.metric else ""),
            f"{one.base:.3f}",
            f"{one.tuned:.3f}",
            f"{one.difference:+.3f}",
            f"{one.low:+.3f} to {one.high:+.3f}",
        )
        for one in evaluation.scores
    ]
    note = f"{evaluation.records:,} held-out prompts, asked of both models under the same settings"
    if (champion := evaluation.champion) is not None:
        note += (
            f"; the model in production stands at {champion.base:.3f}, and this one at "
            f"{champion.difference:+.3f} from it ({champion.low:+.3f} to {champion.high:+.3f})"
        )
    if evaluation.failed_prompts:
        note += f"; {evaluation.failed_prompts} failed and are left out"
    confidence = f"{ending.run.evaluation.confidence:.0%} interval"
    table = _table(("Metric", "Base", "Tuned", "Difference", confidence), rows, numbers=4)
    return _section("Scores", f'{charts.intervals(evaluation.scores)}{table}<p class="soft">{note}.</p>')


def _confusion(ending: Ending, predictions: Sequence[Prediction]) -> str:
    """Which label was taken for which, where answers are labels."""
    if ending.evaluation is None or ending.evaluation.metric != "accuracy":
        return ""
    answered = [one for one in predictions if not one.failed]
    if not answered:
        return ""
    found = labels.confusion(
        [one.reference for one in answered],
        [one.base.text for one in answered],
        [one.tuned.text for one in answered],
    )
    header = ("Right answer", *found.labels, labels.OTHER)
    parts = []
    for name, matrix in (("Base", found.base), ("Tuned", found.tuned)):
        rows = [
            (label, *(f"{count:,}" for count in row)) for label, row in zip(found.labels, matrix, strict=True)
        ]
        parts.append(f"<h3>{name}</h3>" + _table(header, rows, numbers=len(found.labels) + 1))
    return _section("Answers by label", "".join(parts))


def _speed(ending: Ending) -> str:
    evaluation = ending.evaluation
    if evaluation is None or evaluation.base_speed is None or evaluation.tuned_speed is None:
        return ""
    rows = [
        (name, f"{one.median_ms:,} ms", f"{one.p95_ms:,} ms", f"{one.tokens_an_answer:.0f}")
        for name, one in (("Base", evaluation.base_speed), ("Tuned", evaluation.tuned_speed))
    ]
    header = ("", "Median latency", "95th percentile", "Tokens an answer")
    return _section("Speed", _table(header, rows, numbers=3))


def _lengths(predictions: Sequence[Prediction]) -> str:
    """How long answers should be, and how long they are."""
    answered = [one for one in predictions if not one.failed]
    if not answered:
        return ""
    series = {
        "Reference": [len(one.reference.split()) for one in answered],
        "Base": [len(one.base.text.split()) for one in answered],
        "Tuned": [len(one.tuned.text.split()) for one in answered],
    }
    return _section("Length of answers, in words", charts.distributions(series))


def _training(ending: Ending, curves: Curves) -> str:
    if ending.job is None:
        return ""
    reading = metrics_files.interpret(curves)
    advice = f" Suggested epochs: {reading.epochs}." if reading.epochs else ""
    chart = charts.losses(curves)
    if chart:
        keys = (("learned", "training"), ("held", "validation"))
        legend = "".join(f'<span class="key {kind}"></span>{name} ' for kind, name in keys)
        chart += f'<p class="soft">{legend}</p>'
    return _section("Training", f"{chart}<p>{escape(reading.sentence)}{advice}</p>")


def _answers(ending: Ending, predictions: Sequence[Prediction]) -> str:
    if ending.evaluation is None or ending.evaluation.metric not in METRICS:
        return ""
    score = METRICS[ending.evaluation.metric]

    def gain(one: Prediction) -> float:
        return score(one.reference, one.tuned.text) - score(one.reference, one.base.text)

    ranked = sorted((one for one in predictions if not one.failed), key=gain, reverse=True)
    if not ranked:
        return ""
    best = ranked[:SHOWN_PAIRS]
    worst = [one for one in ranked[::-1][:SHOWN_PAIRS] if one not in best]
    middle = [one for one in ranked[len(ranked) // 2 :][:SHOWN_PAIRS] if one not in (*best, *worst)]
    groups = (("Best gains", best), ("In the middle", middle), ("Worst losses", worst))
    return "".join(
        _section(title, "".join(_pair(one, gain(one)) for one in chosen))
        for title, chosen in groups
        if chosen
    )


def _pair(one: Prediction, gain: float) -> str:
    columns = (("Reference", one.reference), ("Base", one.base.text), ("Tuned", one.tuned.text))
    cells = "".join(f"<div><h4>{name}</h4><p>{_shown(text)}</p></div>" for name, text in columns)
    where = f"record {one.record}, difference {gain:+.2f}"
    return (
        f'<div class="pair"><p class="soft">{where}</p><p><b>{_shown(one.prompt)}</b></p>'
        f'<div class="answers">{cells}</div></div>'
    )


def _findings(findings: Mapping[str, Any] | None) -> str:
    if not findings:
        return ""
    rows = [
        (
            split,
            f"{file['records']:,}",
            f"{file['tokens']:,}",
            f"{file['shortest_tokens']:,} to {file['longest_tokens']:,}",
        )
        for split, file in findings["files"].items()
    ]
    body = _table(("File", "Records", "Tokens (estimated)", "Tokens a record"), rows, numbers=3)
    listed = [
        (f"{one['file']}:{one['line']}", one["code"], one["message"])
        for one in [*findings["errors"], *findings["warnings"]][:50]
    ]
    if listed:
        body += _table(("Where", "Rule", "Finding"), listed)
    return _section("Dataset", body)


def _cost(ending: Ending) -> str:
    if ending.estimate is None:
        return ""
    parts = [_bill("Estimated", ending.estimate)]
    if ending.cost is not None and ending.cost.lines:
        parts.insert(0, _bill("Actual", ending.cost))
    budget = f'<p class="soft">Budget of the run: {ending.estimate.budget_usd:.2f} USD.</p>'
    return _section("Cost in USD", "".join(parts) + budget)


def _bill(title: str, cost: Estimate | ActualCost) -> str:
    rows = [
        (line.item, f"{line.likely:.2f}", f"{line.low:.2f} to {line.high:.2f}", line.basis, _priced_by(line))
        if line.source
        else (line.item, "unknown", "", line.basis, "")
        for line in cost.lines
    ]
    head = f"<h3>{title}: {escape(in_words(cost))}</h3>"
    return head + _table(("Item", "Likely", "Range", "Basis", "Price from"), rows)


def _priced_by(line: CostLine) -> str:
    return f"{line.source} {line.priced_on}"


def _use(ending: Ending) -> str:
    if ending.promotion is None:
        return ""
    alias = ending.promotion.alias
    python = (
        "import boto3\n"
        f'model_id = boto3.client("ssm").get_parameter(Name="{alias}")["Parameter"]["Value"]\n'
        'runtime = boto3.client("bedrock-runtime")\n'
        'answer = runtime.converse(modelId=model_id, messages=[{"role": "user", "content": [{"text": "…"}]}])'
    )
    shell = f'aws ssm get-parameter --name "{alias}" --query Parameter.Value --output text'
    return _section("Use it", f"<pre>{escape(python)}</pre><pre>{escape(shell)}</pre>")


def _lineage(ending: Ending) -> str:
    run, dataset, job = ending.run, ending.dataset, ending.job
    facts = {
        "Run": run.run_id,
        "Uploaded": f"{run.source.uri} (version {run.source.version_id or 'none'}) "
        f"by {run.uploaded_by or 'unknown'}",
        "Base model": run.base_model,
        "Method": dataset.method if dataset else run.method,
        "Dataset hash": dataset.content_hash if dataset else "",
        "Hyperparameters": ", ".join(f"{name} {value}" for name, value in run.hyperparameters.items()),
        "Customization job": job.job_arn if job else "",
        "Custom model": job.model_arn if job else "",
        "Production alias": ending.promotion.alias if ending.promotion else "",
        "Execution": run.execution_arn,
    }
    return _section("Lineage", _table(("", ""), [(name, value) for name, value in facts.items() if value]))


def _timeline(timeline: Sequence[StepRecord]) -> str:
    rows = [
        (
            one.step.replace("_", " "),
            one.started_at,
            f"{clock.seconds_between(one.started_at, one.ended_at):,.0f} s" if one.ended_at else "",
            one.error,
        )
        for one in timeline
    ]
    return _section("Timeline", _table(("Step", "Started (UTC)", "Took", ""), rows)) if rows else ""


def _section(title: str, body: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{body}</section>"


def _table(header: Sequence[str], rows: Iterable[Sequence[str]], numbers: int = 0) -> str:
    """A table; the last `numbers` columns are right-aligned. Every cell is escaped."""
    first = len(header) - numbers

    def cells(tag: str, texts: Sequence[str]) -> Iterator[str]:
        for index, text in enumerate(texts):
            kind = ' class="n"' if index >= first else ""
            yield f"<{tag}{kind}>{escape(text)}</{tag}>"

    head = f"<tr>{''.join(cells('th', header))}</tr>" if any(header) else ""
    body = "".join(f"<tr>{''.join(cells('td', row))}</tr>" for row in rows)
    return f'<div class="wide"><table>{head}{body}</table></div>'


def _shown(text: str) -> str:
    return escape(text if len(text) <= MAX_SHOWN else text[:MAX_SHOWN] + " …")
