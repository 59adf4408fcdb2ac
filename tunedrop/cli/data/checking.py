"""`check`: validates a dataset completely on this machine, without AWS."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec

from tunedrop import catalog, intake
from tunedrop.catalog.model import BaseModel
from tunedrop.catalog.tunable import obstacle
from tunedrop.cli.data import held_out, rule_settings
from tunedrop.cli.data._paths import require_files
from tunedrop.cli.data._showing import show
from tunedrop.cli.exits import NO, USAGE
from tunedrop.cli.output import errors, fail, print_json
from tunedrop.cli.progress import bytes_done, size_of
from tunedrop.contracts import Method, RuleSettings
from tunedrop.dataset.check.check import Report
from tunedrop.dataset.check.findings import excerpts, sarif, worse
from tunedrop.dataset.check.options import CheckOptions
from tunedrop.dataset.check.processes import check_on_all_cores
from tunedrop.dataset.sources.containers.reading import oversize
from tunedrop.dataset.sources.opening import DataFiles, open_files
from tunedrop.dataset.types import ReadOptions
from tunedrop.formatting.commands import command
from tunedrop.intake.file_names import by_split


class CheckFormat(StrEnum):
    """Report formats: for people, for programs, for code scanning, and a page that opens offline."""

    text = "text"
    json = "json"
    sarif = "sarif"
    html = "html"


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """Options of a check: how to read files, which are not for training, and how to apply the rules.

    `rules` are the stage's changes to the rules; a folder's manifest may add its own.
    """

    reading: ReadOptions = ReadOptions()
    validation: tuple[Path, ...] = ()
    test: tuple[Path, ...] = ()
    baseline: Path | None = None
    rules: RuleSettings = RuleSettings()


def check_files(
    files: list[Path],
    base_model: str | None,
    method: Method | Literal["auto"],
    format_: CheckFormat,
    max_errors: int,
    options: Options | None = None,
) -> int:
    """Check a run's folder, or the files of one dataset; 0 if valid, else 1."""
    wanted = _asked_for(files, base_model, method, options or Options())
    named, base_model, method, *_ = wanted
    report = _report(wanted, max_errors)
    before = _baseline(options.baseline) if options is not None and options.baseline else None
    _write(report, format_, named)
    if format_ is CheckFormat.text:
        held_out.show(report, _base_model(base_model), named, wanted.reading)
        if base_model is None and report.valid:
            errors.print("checked without the rules of a base model: add --base-model ID", style="dim")
    say_whether_tunable(_base_model(base_model), report.method)
    refused = _refused(files, base_model, method, report)
    if refused:
        errors.print(f"refused: {refused}", style="red")
        return NO
    if before is not None:
        changes = list(worse(report, before))
        for change in changes:
            errors.print(f"worse than the baseline: {change}")
        return NO if changes else 0
    return 0 if report.valid else NO


def _refused(
    files: list[Path], base_model: str | None, method: Method | Literal["auto"], report: Report
) -> str:
    """Why the pipeline would refuse a run's folder, apart from its data."""
    if len(files) != 1 or not any((files[0] / name).is_file() for name in intake.MANIFEST_NAMES):
        return ""
    from tunedrop.cli.data import folder, refusals  # needed only for a folder; imports half of the program

    if method == "auto" and report.method in ("distillation", "reinforcement"):
        return f"method: the records are for {report.method}; set it in the manifest"
    return refusals.refusal(folder.read(files[0]), base_model)


def _baseline(path: Path) -> Report:
    """An earlier report, as `--format json` printed it."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Report)
    except (OSError, msgspec.DecodeError) as error:
        fail(f"{path} is not a report of tunedrop check --format json: {error}", USAGE)


def _write(report: Report, format_: CheckFormat, files: DataFiles) -> None:
    match format_:
        case CheckFormat.json:
            print_json(report)
        case CheckFormat.sarif:
            print_json(sarif(report))
        case CheckFormat.html:
            from tunedrop.reporting.pages import findings_page  # needed only for a page: its templates

            name = next((paths[0].name for paths in files.values() if paths), "the dataset")
            sys.stdout.write(findings_page.render_check(name, report, _records(report, files)))
        case CheckFormat.text:
            show(report)


def _records(report: Report, files: DataFiles) -> dict[tuple[str, int], str]:
    """The records with findings, for files in JSON lines."""
    found: dict[tuple[str, int], str] = {}
    for path in (one for paths in files.values() for one in paths):
        wanted = {one.line for one in (*report.errors, *report.warnings) if one.file == path.name}
        if wanted and path.suffix in (".jsonl", ".json", ".ndjson"):
            with path.open("rb") as lines:
                some = [(number, raw) for number, raw in enumerate(lines, 1) if number in wanted]
            found |= {(path.name, number): text for number, text in excerpts(some).items()}
    return found


def say_whether_tunable(base_model: BaseModel | None, method: Method | None) -> None:
    """Note on stderr that this model cannot be tuned today, and name one that can."""
    if base_model is not None and (closed := obstacle(base_model, method=method)):
        errors.print(
            f"note: {base_model.name} {closed}. {catalog.instead(base_model, method)}", style="yellow"
        )
    elif base_model is None and method is not None and not catalog.tunable(method):
        errors.print(f"note: {catalog.instead(None, method)}", style="yellow")


def report_of(
    files: list[Path],
    base_model: str | None,
    method: Method | Literal["auto"],
    max_errors: int,
    options: Options | None = None,
) -> Report:
    """The report on a run's folder, or on the files of one dataset."""
    return _report(_asked_for(files, base_model, method, options or Options()), max_errors)


class Wanted(NamedTuple):
    """The files to check, and the base model and method to check them for."""

    files: DataFiles
    base_model: str | None
    method: Method | Literal["auto"]
    reading: ReadOptions
    rules: RuleSettings


def _report(wanted: Wanted, max_errors: int) -> Report:
    model = _base_model(wanted.base_model)
    return checked(wanted.files, model, wanted.method, max_errors, wanted.reading, wanted.rules)


def _asked_for(
    paths: list[Path], base_model: str | None, method: Method | Literal["auto"], options: Options
) -> Wanted:
    """What to check; in a folder with a manifest, what the manifest says."""
    if len(paths) == 1 and paths[0].is_dir():
        return _of_folder(paths[0], base_model, method, options)
    everything = [*paths, *options.validation, *options.test]
    require_files(everything)
    return Wanted(_by_split(paths, options), base_model, method, options.reading, options.rules)


def _by_split(paths: Sequence[Path], options: Options) -> DataFiles:
    """Files by split: as the options say, else as their names say, else all for training."""
    if not (options.validation or options.test):
        return by_split(paths)
    named: DataFiles = {"train": paths, "validation": options.validation, "test": options.test}
    return {split: files for split, files in named.items() if files}


def _of_folder(
    path: Path, base_model: str | None, method: Method | Literal["auto"], options: Options
) -> Wanted:
    from tunedrop.cli.data import folder  # needed only for a folder: manifests

    has_manifest = any((path / name).is_file() for name in intake.MANIFEST_NAMES)
    if not has_manifest and (files := folder.data_files(path)):
        return Wanted(_by_split(files, options), base_model, method, options.reading, options.rules)
    submission = folder.read(path, options.reading)
    document = submission.document
    if submission.earlier:
        fail(
            f"{path} is a run of several training phases, each with its own data",
            USAGE,
            f"All of them: {command('estimate', str(path))}; one: tunedrop check FILE --method METHOD",
        )
    if submission.elsewhere:
        fail(f"{submission.elsewhere[0]} is not on this machine; the pipeline will check it", USAGE)
    named = (
        document.base_model if document.base_model and not document.base_model.startswith("arn:") else None
    )
    asked = document.method if method == "auto" else method
    rules = rule_settings.of_manifest(document.rules, options.rules)
    return Wanted(submission.files, base_model or named, asked, document.data.reading, rules)


def checked(
    files: DataFiles,
    base_model: BaseModel | None,
    method: Method | Literal["auto"],
    max_errors: int = 100,
    options: ReadOptions | None = None,
    rules: RuleSettings | None = None,
) -> Report:
    """Check files on this machine with a progress bar, and report how they were read."""
    asked = CheckOptions(
        base_model=base_model, method=method, max_findings=max_errors, rules=rules or RuleSettings()
    )
    everything = [path for paths in files.values() for path in paths]
    with open_files(files, options) as opened:
        if why := oversize(file.source for file in opened.values()):
            fail(why, NO)
        for split, file in opened.items():
            for container, number in file.containers.items():
                if container != "JSON lines":
                    many = f"{number:,} files " if number > 1 else ""
                    errors.print(f"{split}: {many}read as {container}", style="dim")
        with bytes_done("checking", size_of(everything), "comparing similar records") as advance:
            return check_on_all_cores(opened, asked, advance)


def _base_model(name: str | None) -> BaseModel | None:
    try:
        return catalog.find(name) if name else None
    except LookupError as error:
        fail(str(error.args[0]), USAGE)
