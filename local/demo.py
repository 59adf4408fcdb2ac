"""`make demo`: deploys to the embedded AWS, drops an example, and shows its run through to the report."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import boto3
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from local.driver import Inbox, Pipeline, until
from local.embedded import BEFORE_LEGACY, REGION, ROOT, STATE, Embedded, EmbeddedError, running
from tunedrop import catalog, clock, manifest, naming
from tunedrop.catalog.model import BaseModel
from tunedrop.catalog.tunable import obstacle
from tunedrop.contracts import Estimate, Evaluation, Promotion
from tunedrop.evaluation.scoring.metrics import TITLES
from tunedrop.formatting.costs import in_words
from tunedrop.registry import Record, StepRecord

OUTPUT = ROOT / ".work" / "demo"
RUN_SECONDS = 900.0
"""How long a run may take: a minute or two, many where the machine is busy with other work."""

console = Console(highlight=False, emoji=False)


def main() -> int:
    """Run the demo for the example folder given as the argument; 0 if its model was promoted."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    example = Path(sys.argv[1])
    if not example.is_dir():
        known = ", ".join(
            sorted(path.name for path in example.parent.iterdir() if (path / "run.yaml").exists())
        )
        console.print(f"there is no example {example.name}; there are: {known}")
        return 2
    try:
        with running(STATE / "demo", _day(example)) as embedded:
            return show(embedded, example)
    except (EmbeddedError, TimeoutError) as error:
        console.print(f"[red]{error}[/red]", markup=True)
        return 1
    except KeyboardInterrupt:
        console.print("\nstopped; nothing is left running")
        return 130


def show(embedded: Embedded, example: Path) -> int:
    """Deploy, drop, follow, and print the result."""
    console.print(f"[bold]Tunedrop[/bold]: {example.name} on the embedded AWS at {embedded.endpoint}\n")
    with _timed("deploy the stack with the CDK CLI"):
        stage, region = _where(example)
        embedded.deploy(stage, region)
    embedded.session()
    pipeline = Pipeline(boto3.Session(region_name=region), stage)
    with pipeline.inbox() as inbox:
        with _timed(f"upload {example.name}/ to s3://{pipeline.stage.intake_bucket}/runs/{example.name}/"):
            pipeline.submit(example)
        record = _follow(pipeline, pipeline.run_named(example.name, RUN_SECONDS).run.run_id)
        _tell(pipeline, inbox, record)
    return 0 if record.status == "promoted" else 1


def _base_model(example: Path) -> BaseModel | None:
    asked = manifest.read((example / "run.yaml").read_bytes()).base_model
    return catalog.find(asked) if asked is not None else None


def _day(example: Path) -> str:
    """A day on which AWS could tune the example's base model, with a note if that is past. Empty: today."""
    model = _base_model(example)
    if model is None or not (closed := obstacle(model)):
        return ""
    console.print(f"[yellow]{model.name} {closed}[/yellow]; this AWS is as it was on {BEFORE_LEGACY}")
    return BEFORE_LEGACY


def _where(example: Path) -> tuple[str, str]:
    """The stage of the Region, and with the engine, that has the example's base model."""
    model = _base_model(example)
    if model is not None and model.engine != "bedrock":
        return "localopen", REGION
    regions = model.regions if model is not None else (REGION,)
    return ("local", REGION) if REGION in regions else ("localwest", "us-west-2")


def _follow(pipeline: Pipeline, run_id: str) -> Record:
    console.print(f"  run [bold]{run_id}[/bold]")
    with console.status("starting") as status:
        for seen in pipeline.follow(run_id, RUN_SECONDS):
            if isinstance(seen, Record):
                return seen
            if seen.ended_at:
                console.print(_line(seen))
            elif seen.step == "wait_for_approval":
                console.print("  the run asks for approval; the demo approves it by dropping an object")
                pipeline.approve(run_id)
            else:
                status.update(seen.step.replace("_", " "))
    raise AssertionError("a run is followed to its record")


def _line(step: StepRecord) -> Text:
    took = clock.seconds_between(step.started_at, step.ended_at)
    mark, style = ("✗", "red") if step.error else ("✓", "green")
    text = Text(f"  {mark} ", style=style)
    text.append(f"{step.step.replace('_', ' '):<28}", style="default")
    text.append(f"{took:>5.0f} s", style="dim")
    return text


def _tell(pipeline: Pipeline, inbox: Inbox, record: Record) -> None:
    if (evaluation := record.document("evaluation", Evaluation)) is not None:
        console.print(_scores(evaluation))
        console.print(f"  decision: [bold]{record.status}[/bold], {evaluation.reason}")
    if (promotion := record.document("promotion", Promotion)) is not None:
        console.print(f"  in production as {promotion.alias}")
    if (estimate := record.document("estimate", Estimate)) is not None:
        console.print(f"  on AWS it would have cost {in_words(estimate)}; here it cost nothing")
    for message in inbox.messages(record.run.run_id):
        console.rule(f"[bold]{escape(message.subject)}[/bold]", align="left", style="dim")
        for line in message.text.strip().splitlines():
            console.print(line, markup=False, soft_wrap="://" in line)  # a link that wraps opens nothing
        console.rule(style="dim")
    for page, key in (("report", naming.report_key(record.run.run_id)), ("index", naming.INDEX_KEY)):
        console.print(f"  {page}: {_save(pipeline, record, page, key)}")


def _scores(evaluation: Evaluation) -> Table:
    table = Table(box=None, padding=(0, 2), header_style="dim")
    for header in ("metric", "base", "tuned", "difference"):
        table.add_column(header, justify="left" if header == "metric" else "right")
    for one in evaluation.scores:
        table.add_row(
            TITLES.get(one.metric, one.metric),
            f"{one.base:.3f}",
            f"{one.tuned:.3f}",
            f"{one.difference:+.3f}",
        )
    return table


def _save(pipeline: Pipeline, record: Record, page: str, key: str) -> Path:
    """A page of the artifacts bucket as a file; its path from the folder in which `make` runs."""
    folder = OUTPUT / record.run.name
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{page}.html"
    path.write_bytes(until(lambda: _found(pipeline, key), key))  # the index follows the end of its run
    return path.relative_to(ROOT)


def _found(pipeline: Pipeline, key: str) -> bytes | None:
    try:
        return pipeline.artifact(key)
    except pipeline.aws.s3.exceptions.NoSuchKey:
        return None


@contextmanager
def _timed(what: str) -> Iterator[None]:
    started = time.monotonic()
    with console.status(what):
        yield
    console.print(f"  [green]✓[/green] {what} [dim]{time.monotonic() - started:.0f} s[/dim]")


if __name__ == "__main__":
    sys.exit(main())
