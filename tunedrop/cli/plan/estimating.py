"""`estimate`: the cost of a run, before anything is uploaded."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Literal

import msgspec

from tunedrop import catalog, registration
from tunedrop.cli.data import checking, folder, held_out
from tunedrop.cli.data.folder import Submission
from tunedrop.cli.data.refusals import bare_run, no_stage
from tunedrop.cli.deployed import STAGE_VARIABLE, Deployed
from tunedrop.cli.exits import NO, USAGE, YES
from tunedrop.cli.output import Format, console, errors, fail, print_json, table
from tunedrop.contracts import Dataset, DatasetFile, Estimate, Method, Prompts, RuleSettings, Run
from tunedrop.cost.budgets import judge
from tunedrop.cost.estimate import estimate
from tunedrop.dataset import formats
from tunedrop.dataset.check.check import FileReport, Report, plain_errors
from tunedrop.dataset.formats import json_lines
from tunedrop.dataset.prepare.plan import number_of
from tunedrop.dataset.prepare.split import shares
from tunedrop.dataset.rules.record import bytes_of, dense_of, tokens_of
from tunedrop.dataset.sources.opening import DataFiles, open_files
from tunedrop.dataset.types import ReadOptions, Split
from tunedrop.errors import InvalidManifest, OverBudget, PreflightFailed
from tunedrop.evaluation.workload import minutes, outlasts_throughput, too_large, workload
from tunedrop.formatting.costs import evaluation_in_words, in_words
from tunedrop.planning import base_models
from tunedrop.registry.ownership import put_by_hand, uncompared_with
from tunedrop.serving import choose, kinds
from tunedrop.serving.production import Production
from tunedrop.stage import Stage

SAMPLED = 2_000
"""The number of records of a training file, evenly spread, that are read again to find text for which
tokenizers have no words."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """A run as the pipeline would resolve it, its checked data, and its estimated cost.

    `dataset` has no content hash yet.
    """

    run: Run
    report: Report
    dataset: Dataset
    estimate: Estimate


def estimate_path(
    path: Path,
    base_model: str | None,
    here: Deployed | None,
    format_: Format,
    tenant: str = "",
    reading: ReadOptions | None = None,
) -> int:
    """Print the estimated cost of the run in a folder, or of one file.

    Parameters
    ----------
    base_model
        A base model instead of the manifest's, to compare.
    here
        The stage whose defaults and budgets apply; with None, AWS is not called and only the manifest's
        budget is known.
    tenant
        Whose run it is; required if the stage has tenants.
    reading
        How the files are read, instead of what the manifest says.
    """
    submission = folder.read(path, reading)
    if here is not None:
        submission = folder.to_stage(submission, tenant, here.stage.tenants)
    if submission.elsewhere:
        fail(f"{submission.elsewhere[0]} is not on this machine, so its tokens cannot be counted", USAGE)
    found = plan(submission, base_model, here)
    if format_ is Format.json:
        print_json(found.estimate)
    else:
        _show(found, with_stage=here is not None)
        for sentence in test_set(found, submission):
            console.print(f"test: {sentence}")
    return YES


def test_set(plan: Plan, submission: Submission) -> Iterator[str]:
    """The improvement that the test set of a run can detect; empty if a reason for the approval already says
    that it is too small."""
    if plan.estimate.undecidable:
        return iter(())
    model, reading = catalog.find(plan.run.base_model), submission.document.data.reading
    return held_out.sentences(plan.report, model, submission.files, reading, plan.run.evaluation)


def plan(submission: Submission, base_model: str | None, here: Deployed | None) -> Plan:
    """Check a submission's data and estimate its cost; fails if the data is invalid."""
    document = submission.document
    if base_model is not None:
        document = msgspec.structs.replace(document, base_model=base_model, from_run=None)
    stage = here.stage if here is not None else no_stage(document)
    try:
        bare = bare_run(submission, stage)
        if here is not None:
            bare = registration.permitted(stage, bare, document)
        document = base_models.with_model(
            document, here.registry.latest_model if here else base_models.no_models
        )
        run = registration.resolve(stage, bare, document, {}, [{"train": bare.train}] * len(document.stages))
        model = catalog.find(run.base_model)
        way = choose.way(model, run.deployment)
    except (InvalidManifest, PreflightFailed) as error:
        fail(str(error))
    before = zip(submission.earlier, document.stages, strict=True)
    earlier = tuple(
        _checked(files, model, one.method, one.data.reading, run.rules)[1] for files, one in before
    )
    report, dataset = _checked(submission.files, model, document.method, document.data.reading, run.rules)
    dataset = msgspec.structs.replace(dataset, earlier=earlier)
    tested = msgspec.structs.replace(run, test=bare.train if "test" in submission.files else None)
    if why := too_large(dataset, tested):  # an estimate, so no refusal
        errors.print(f"note: the run may be refused: {why}", style="yellow")
    has_champion = here is not None and here.aliases.champion(run.name) is not None
    asked = workload(dataset, run, has_champion=has_champion)
    how_long = minutes(asked, stage, model)
    champion = Production(here.aws, here.stage).base_billed_by_token(run.name) if here is not None else None
    found = estimate(run, dataset, model, way, asked, minutes=how_long, champion=champion)
    if here is not None:
        found = msgspec.structs.replace(
            found,
            undecidable=found.undecidable or outlasts_throughput(how_long, stage, way),
            uncompared_with=uncompared_with(here.aliases, run),
            put_by_hand=put_by_hand(here.aliases, run),
        )
    checking.say_whether_tunable(model, report.method)
    return Plan(run=run, report=report, dataset=dataset, estimate=_judged(found, stage, run, here))


def _judged(found: Estimate, stage: Stage, run: Run, here: Deployed | None) -> Estimate:
    """The estimate with the reasons why the run would need approval; fails if it would be refused."""
    if here is None:
        return judge(found, stage, 0.0)
    month = here.this_month()
    mine = month.counted(tenant=run.tenant) if run.tenant else 0.0
    try:
        return judge(found, stage, month.counted(), month.requested(), run.tenant, mine)
    except OverBudget as error:
        fail(str(error))


def _checked(
    files: DataFiles,
    model: catalog.BaseModel,
    method: Method | Literal["auto"],
    reading: ReadOptions,
    rules: RuleSettings,
) -> tuple[Report, Dataset]:
    """The dataset that validate_data would produce; fails if the data is invalid."""
    report = checking.checked(files, model, method, options=reading, rules=rules)
    if not report.valid or report.method is None:
        fail("\n".join(plain_errors(report)), NO, "See all and how to fix them: tunedrop check")
    of_method = model.methods[report.method]
    dense = _dense_per_token(files, reading, of_method, report.files["train"].records)
    return report, _dataset(report, of_method, files, dense)


def _dense_per_token(
    files: DataFiles, reading: ReadOptions, rules: catalog.MethodRules, records: int
) -> float:
    """The number of bytes that may be a token each, per estimated token, in a sample of the training file."""
    tokens = dense = 0
    with open_files({"train": files["train"]}, reading) as opened:
        lines = json_lines.lines_of(opened["train"].source)
        for raw in islice(lines, 0, None, math.ceil(records / SAMPLED) or 1):
            record = json_lines.parse(0, raw).record
            conversation = formats.read_for(record, is_text=rules.format == "text").conversation
            if conversation is not None:
                tokens += tokens_of(bytes_of(conversation))
                dense += dense_of(conversation)
    return dense / max(1, tokens)


def _dataset(report: Report, rules: catalog.MethodRules, given: Iterable[Split], dense: float) -> Dataset:
    """The dataset split by share, as validate_data would split it record by record."""
    assert report.method is not None
    train = report.files["train"]
    held = shares(train.records, given, rules)
    parts = {"train": 1 - held.validation - held.test, "validation": held.validation, "test": held.test}

    def file(split: Split) -> DatasetFile | None:
        own = report.files.get(split)
        if own is not None and split != "train":
            return _part(own, 1.0, dense)
        held_out = _part(train, parts[split], dense)
        records = number_of(parts[split], train.records)
        return msgspec.structs.replace(held_out, records=records) if records else None

    return Dataset(
        method=report.method,
        source_format=report.format or "",
        target_format=rules.format,
        content_hash="",
        train=_part(train, parts["train"], dense),
        validation=file("validation"),
        test=file("test"),
    )


def _part(file: FileReport, share: float, dense: float) -> DatasetFile:
    whole = DatasetFile(
        uri="",
        records=file.records,
        tokens=file.tokens,
        dense=round(file.tokens * dense),
        media=file.media,
        prompts=_prompts(file, dense),
    )
    return whole.share(share)


def _prompts(file: FileReport, dense: float) -> Prompts:
    """The prompts of a conversation with turns of equal length: the n-th prompt contains all earlier
    turns."""
    turns = file.statistics.turns
    a_turn = file.tokens / max(1, sum(number * count for number, count in turns.items()))
    asked = [(math.ceil(number / 2), records) for number, records in turns.items()]
    tokens = a_turn * sum(each * (each + 1) * records for each, records in asked)
    return Prompts(
        count=sum(each * records for each, records in asked),
        tokens=round(tokens),
        dense=round(tokens * dense),
        media={kind: round(count * tokens / max(1, file.tokens)) for kind, count in file.media.items()},
    )


def _show(plan: Plan, *, with_stage: bool) -> None:
    found, model = plan.estimate, catalog.find(plan.run.base_model)
    method = plan.report.method or "auto"
    listing = table("item", "likely", "low", "high", "basis", "price from")
    for line in found.lines:
        amounts = [f"{one:.2f}" if line.source else "?" for one in (line.likely, line.low, line.high)]
        listing.add_row(line.item, *amounts, line.basis, f"{line.source} {line.priced_on}".strip())
    console.print(listing)
    console.print(f"\n{model.id}: {in_words(found)}")
    terms = kinds.of(choose.way(model, plan.run.deployment)).terms
    console.print(f"{catalog.route(model, method)}; {terms}")
    for one in catalog.needs(model, method):
        console.print(f"it needs {one}", style="dim")
    console.print(evaluation_in_words(found))
    for reason in found.approval_reasons:
        console.print(f"it would wait for your approval: {reason}", style="yellow")
    if not with_stage:
        stage = os.environ.get(STAGE_VARIABLE) or "NAME"
        errors.print(f"for the budgets of a stage: --stage {stage}", style="dim")
