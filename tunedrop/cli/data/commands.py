"""Commands about datasets and other files on this machine: checks, conversions, schemas."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast, get_args

import typer

from tunedrop.cli import completion
from tunedrop.cli.data._paths import require_files
from tunedrop.cli.exits import USAGE
from tunedrop.cli.failures import Format, fail
from tunedrop.cli.options import (
    BaseModelOption,
    ColumnOption,
    EncodingOption,
    FormatOption,
    MethodOption,
    RulesOption,
    TestOption,
    ValidationOption,
    examples,
    read_options,
)

if TYPE_CHECKING:
    from tunedrop.contracts import Method
    from tunedrop.dataset.types import Target

app = typer.Typer(rich_markup_mode=None)


@app.command(
    epilog=examples(
        ("tunedrop check runs/support", "a run's folder, with the settings of its manifest"),
        ("tunedrop check train.jsonl", "one file, with the rules common to all base models"),
        (
            "tunedrop check train.jsonl --base-model amazon.nova-lite-v1:0:300k",
            "also with the rules of this base model",
        ),
        ("tunedrop check messy.json --fix train.jsonl", "write a repaired copy and check it"),
        ("tunedrop check train.jsonl --format json | jq .errors", "for programs"),
    ),
)
def check(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="DIR|FILE",
            help="A folder, or the files of one dataset: shards, or files named train, test, …",
        ),
    ],
    validation: ValidationOption = None,
    test: TestOption = None,
    base_model: BaseModelOption = None,
    method: MethodOption = "auto",
    format_: Annotated[
        str, typer.Option("--format", help="text, json, sarif (code scanning) or html (opens offline).")
    ] = "text",
    baseline: Annotated[
        Path | None,
        typer.Option(
            metavar="REPORT", help="An earlier --format json report: fail only if findings got worse."
        ),
    ] = None,
    rules: RulesOption = None,
    encoding: EncodingOption = "",
    column: ColumnOption = None,
    max_errors: Annotated[
        int, typer.Option(help="Maximum number of findings to list; all are counted.", min=0)
    ] = 100,
    fix: Annotated[
        Path | None,
        typer.Option(metavar="COPY", help="Write a repaired copy of the file and check the copy."),
    ] = None,
    repairs: Annotated[
        list[str] | None,
        typer.Option(
            "--repair",
            metavar="NAME",
            help="With --fix, also make repairs that change text: html, escapes, decoding, control, "
            "stop-marks, merge-turns.",
        ),
    ] = None,
) -> None:
    """Check a dataset on this machine, as the pipeline will. Needs no AWS."""
    is_folder = len(files) == 1 and files[0].is_dir()
    require_files([*([] if is_folder else files), *(validation or ()), *(test or ())])
    from tunedrop.cli.data import checking, rule_settings
    from tunedrop.contracts import Method

    if method not in (*get_args(Method), "auto"):
        fail(f"--method is one of {', '.join(get_args(Method))} or auto", USAGE)
    _refuse_repairs(files, fix, repairs or ())
    if fix is not None:
        from tunedrop.cli.data import _fixing

        _fixing.fix(files[0], fix, read_options(encoding, column), repairs or ())
        files, encoding, column = [fix], "", None
    asked = cast("Method", method)
    options = checking.Options(
        reading=read_options(encoding, column),
        validation=tuple(validation or ()),
        test=tuple(test or ()),
        baseline=baseline,
        rules=rule_settings.read(rules),
    )
    if format_ not in list(checking.CheckFormat):
        fail(f"--format is one of {', '.join(checking.CheckFormat)}", USAGE)
    written = checking.CheckFormat(format_)
    raise typer.Exit(checking.check_files(files, base_model, asked, written, max_errors, options))


def _refuse_repairs(files: list[Path], copy: Path | None, repairs: Sequence[str]) -> None:
    """Refuse options of `check` about repairs that are unknown or do not go together."""
    if repairs:
        from tunedrop.dataset.tools.named_repairs import NAMES

        if unknown := [name for name in repairs if name not in NAMES]:
            fail(f"--repair {unknown[0]}: it is one of {', '.join(NAMES)}", USAGE)
    if repairs and copy is None:
        fail("--repair needs --fix COPY, the file for the repaired copy", USAGE)
    if copy is not None and (len(files) != 1 or not files[0].is_file()):
        fail("--fix takes a single file, which must exist", USAGE)


@app.command(
    epilog=examples(
        ("tunedrop pull openai/gsm8k --config main", "each split as a file in gsm8k/"),
        (
            "tunedrop pull org/private --split train --revision 1f2e3d4 --out data",
            "one split",
        ),
    ),
)
def pull(
    dataset: Annotated[str, typer.Argument(metavar="DATASET", help="Its name on the Hub: owner/name.")],
    config: Annotated[str | None, typer.Option(help="The configuration, if it has several.")] = None,
    split: Annotated[list[str] | None, typer.Option(help="Only this split; may be repeated.")] = None,
    revision: Annotated[str | None, typer.Option(help="A commit, branch or tag; default: main.")] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The folder to write; default: the dataset's name.")
    ] = None,
    format_: FormatOption = Format.text,
) -> None:
    """Download a dataset of the Hugging Face Hub as Parquet files.

    Needs the Python library datasets. No code of the dataset is run.
    """
    from tunedrop.cli.data import _pulling

    raise typer.Exit(_pulling.pull(dataset, config, split or (), revision, out, format_))


@app.command(
    epilog=examples(
        ("tunedrop explain TD030", "the rule, a record that fails it, and the fix"),
        ("tunedrop explain", "all rules"),
    ),
)
def explain(
    code: Annotated[
        str | None,
        typer.Argument(
            metavar="CODE",
            help="The code of a finding, such as TD030; default: list all rules.",
            autocompletion=completion.rule_codes,
        ),
    ] = None,
    format_: FormatOption = Format.text,
) -> None:
    """Explain a rule, with a dataset that fails it and the fix. Needs no AWS."""
    from tunedrop.cli.data import _explaining

    _explaining.explain(code, format_)


@app.command(
    epilog=examples(
        ("tunedrop convert table.csv --to converse --out train.jsonl", "for Nova, by Bedrock"),
        ("tunedrop convert chat.jsonl --to openai-chat --out train.jsonl", "for Qwen, by SageMaker AI"),
    ),
)
def convert(
    file: Annotated[Path, typer.Argument(help="A dataset: JSON lines or array, CSV, Excel, Parquet.")],
    to: Annotated[
        str, typer.Option(help="prompt-completion, converse, openai-chat, alpaca, preference, text or csv.")
    ],
    out: Annotated[Path | None, typer.Option(help="Output file; default: standard output.")] = None,
    encoding: EncodingOption = "",
    column: ColumnOption = None,
    skip: Annotated[bool, typer.Option(help="Skip records that cannot be converted.")] = False,
    format_: FormatOption = Format.text,
) -> None:
    """Convert a dataset to another format, and list what is lost. Needs no AWS."""
    from tunedrop.cli.data import converting
    from tunedrop.dataset.types import Target

    if to not in get_args(Target):
        fail(f"--to {to}: it is one of {', '.join(get_args(Target))}", USAGE)
    target = cast("Target", to)
    raise typer.Exit(
        converting.convert_file(file, target, out, read_options(encoding, column), skip, format_)
    )


@app.command(
    epilog=examples(
        ("tunedrop evaluate answers.jsonl", "the verdict, and a report next to the file"),
        ("tunedrop evaluate answers.jsonl --format json | jq -r .verdict", "for CI"),
        ("tunedrop evaluate answers.jsonl --metric accuracy --min-improvement 0.05", "with another metric"),
    ),
)
def evaluate(
    answers: Annotated[
        Path,
        typer.Argument(
            metavar="ANSWERS.jsonl",
            help="JSON lines with prompt, reference, base, tuned; optionally production, conversation.",
        ),
    ],
    metric: Annotated[
        str, typer.Option(help="The deciding metric; auto chooses one that fits the references.")
    ] = "auto",
    min_improvement: Annotated[float, typer.Option(help="The required improvement, from 0 to 1.")] = 0.02,
    confidence: Annotated[float, typer.Option(help="Confidence of the verdict, at least 0.8.")] = 0.95,
    attempt: Annotated[
        int, typer.Option(min=1, max=20, help="The number of this evaluation of the model, starting at 1.")
    ] = 1,
    report: Annotated[
        Path | None, typer.Option(help="File for the HTML report; default: next to the answers.")
    ] = None,
    format_: FormatOption = Format.text,
) -> None:
    """Decide from a file of answers whether a tuned model is better than its base. Needs no AWS.

    Exits with 0 for a promotion, with 1 for a rejection or an inconclusive result, and with 2 if the file or
    an option cannot be used.
    """
    from tunedrop.cli.data import _evaluating

    asked = _evaluating.Options(answers, metric, min_improvement, confidence, attempt, report)
    raise typer.Exit(_evaluating.evaluate_file(asked, format_))


@app.command(
    epilog=examples(
        ("tunedrop schema manifest > run.schema.json", "for completion and checks of run.yaml in your editor")
    ),
)
def schema(
    name: Annotated[
        str,
        typer.Argument(help=f"One of {', '.join(completion.SCHEMAS)}.", autocompletion=completion.schemas),
    ],
) -> None:
    """Print the JSON Schema of the manifest, the events or the output files."""
    if name not in completion.SCHEMAS:
        fail(f"there is no schema {name!r}; there are {', '.join(completion.SCHEMAS)}", USAGE)
    from tunedrop.cli.output import print_json
    from tunedrop.schemas import SCHEMAS

    print_json(SCHEMAS[name]())
