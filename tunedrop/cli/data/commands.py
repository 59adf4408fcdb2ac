"""Commands about datasets, on this machine, from `advise` to `schema`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, cast, get_args

import typer

from tunedrop.advice.situation import Changes, Goal, Material, Situation
from tunedrop.cli import completion
from tunedrop.cli.data.sample_records import METHODS
from tunedrop.cli.exits import USAGE
from tunedrop.cli.failures import Format, fail
from tunedrop.cli.options import (
    BaseModelOption,
    ColumnOption,
    DataPath,
    EncodingOption,
    FormatOption,
    MethodOption,
    Profile,
    Region,
    TestOption,
    ValidationOption,
    examples,
    read_options,
)
from tunedrop.cli.stage import Deployed
from tunedrop.contracts import Method
from tunedrop.dataset.tools.convert import Target

SCHEMA_NAMES = ("manifest", "event", "check", "evaluation")
"""Of `tunedrop.schemas.SCHEMAS`, which takes long to import."""

app = typer.Typer(rich_markup_mode=None)


def _methods_of_init(incomplete: str) -> list[str]:
    return [method for method in METHODS if method.startswith(incomplete)]


@app.command(
    epilog=examples(
        ("tunedrop advise", "asks what it has to know"),
        ("tunedrop advise train.jsonl --for persona --region us-east-1", "reads the rest off the data"),
        ("tunedrop advise train.jsonl --for task --write runs/first", "writes the run that it advises"),
    ),
)
def advise(
    data: Annotated[
        Path | None,
        typer.Argument(metavar="DIR|FILE", help="A dataset, or a run's folder, if you have one."),
    ] = None,
    goal: Annotated[Goal | None, typer.Option("--for", help="What you want of the model.")] = None,
    material: Annotated[
        Material | None, typer.Option("--from", help="What there is to learn from, without a dataset.")
    ] = None,
    changes: Annotated[
        Changes | None, typer.Option(help="How often the facts behind answers change.")
    ] = None,
    cite: Annotated[bool | None, typer.Option(help="Whether answers have to name their source.")] = None,
    prompted: Annotated[
        bool | None, typer.Option("--prompted/--not-prompted", help="Whether you have tried a good prompt.")
    ] = None,
    requests_a_day: Annotated[int | None, typer.Option(min=0, help="How often it will be asked.")] = None,
    budget: Annotated[float | None, typer.Option(min=0, help="What a run may cost, in US dollars.")] = None,
    region: Region = None,
    write: Annotated[Path | None, typer.Option(metavar="DIR", help="Write the run that is advised.")] = None,
    no_questions: Annotated[bool, typer.Option("--no-questions", help="Ask nothing.")] = False,
    format_: FormatOption = Format.text,
) -> None:
    """Say whether to tune at all, how, which base model, with how much data, at what cost; and why."""
    from tunedrop.cli.data import advising

    situation = Situation(
        goal=goal,
        material=material,
        changes=changes,
        must_cite=cite,
        has_prompted=prompted,
        requests_a_day=requests_a_day,
        budget_usd=budget,
        region=region,
    )
    raise typer.Exit(advising.advise_on(situation, data, ask=not no_questions, write=write, format_=format_))


@app.command(
    epilog=examples(
        ("tunedrop bases", "what can be tuned today, and what it costs"),
        ("tunedrop bases --method distillation", "by one method"),
        ("tunedrop bases --all", "what cannot be tuned too, with the reason and its successor"),
        ("tunedrop bases --offline --format json", "for programs, without asking AWS"),
    ),
)
def bases(
    method: Annotated[
        str | None, typer.Option(help="Only base models of this method.", autocompletion=completion.methods)
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Those too that cannot be tuned, and why.")] = False,
    offline: Annotated[bool, typer.Option("--offline", help="Ask no AWS: what the catalog knows.")] = False,
    profile: Profile = None,
    region: Annotated[
        str | None, typer.Option("--region", help="Only what is tuned in this Region; else in all.")
    ] = None,
    format_: FormatOption = Format.text,
) -> None:
    """List the base models that can be tuned: methods, Regions, limits, prices, lifecycle."""
    if method is not None and method not in get_args(Method):
        fail(f"--method is one of {', '.join(get_args(Method))}", USAGE)
    from tunedrop.cli.data import bases as listing

    aws = None if offline else listing.reachable(profile)
    raise typer.Exit(listing.show(cast(Method | None, method), region, every=every, aws=aws, format_=format_))


@app.command(
    epilog=examples(
        ("tunedrop init runs/support", "single-turn, with sample records"),
        ("tunedrop init runs/shop --method multi-turn", "conversations"),
    ),
)
def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder to write.")],
    method: Annotated[
        str,
        typer.Option(
            help=f"{', '.join(METHODS)}.",
            autocompletion=_methods_of_init,
        ),
    ] = "single-turn",
    base_model: BaseModelOption = None,
    format_: FormatOption = Format.text,
) -> None:
    """Write a run's folder to begin with: a commented manifest and sample data."""
    if method not in METHODS:
        fail(f"init knows {', '.join(METHODS)}", USAGE)
    from tunedrop.cli.data import starting

    starting.init(folder, method, base_model, format_)


@app.command(
    epilog=examples(
        ("tunedrop check runs/support", "a run's folder, as its manifest asks"),
        ("tunedrop check train.jsonl", "one file, what every base model asks"),
        (
            "tunedrop check train.jsonl --base-model amazon.nova-lite-v1:0:300k",
            "its own rules too",
        ),
        ("tunedrop check messy.json --fix train.jsonl", "repairs what can be, into a copy"),
        ("tunedrop check train.jsonl --format json | jq .errors", "for programs"),
    ),
)
def check(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="DIR|FILE",
            help="A folder, or the files of one dataset: shards, or parts that are named train, test, …",
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
        typer.Option(metavar="REPORT", help="An earlier --format json: fail only for what is worse."),
    ] = None,
    encoding: EncodingOption = "",
    column: ColumnOption = None,
    max_errors: Annotated[int, typer.Option(help="How many findings to list; all are counted.", min=0)] = 100,
    fix: Annotated[
        Path | None, typer.Option(metavar="COPY", help="Write a repaired copy of a file, check that.")
    ] = None,
    repairs: Annotated[
        list[str] | None,
        typer.Option(
            "--repair",
            metavar="NAME",
            help="With --fix, what changes the texts too: html, escapes, decoding, control, stop-marks, "
            "merge-turns.",
        ),
    ] = None,
) -> None:
    """Check a dataset on this machine, as the pipeline will. Needs no AWS."""
    from tunedrop.cli.data import checking
    from tunedrop.dataset.tools.named_repairs import NAMES

    if method not in (*get_args(Method), "auto"):
        fail(f"--method is one of {', '.join(get_args(Method))} or auto", USAGE)
    if unknown := [name for name in repairs or () if name not in NAMES]:
        fail(f"--repair {unknown[0]}: it is one of {', '.join(NAMES)}", USAGE)
    if repairs and fix is None:
        fail("--repair goes with --fix COPY, which takes what is repaired", USAGE)
    if fix is not None:
        if len(files) != 1 or not files[0].is_file():
            fail("--fix takes one file at a time, which must exist", USAGE)
        checking.fix(files[0], fix, read_options(encoding, column), repairs or ())
        files, encoding, column = [fix], "", None
    asked = cast(Method | Literal["auto"], method)
    options = checking.Options(
        reading=read_options(encoding, column),
        validation=tuple(validation or ()),
        test=tuple(test or ()),
        baseline=baseline,
    )
    if format_ not in list(checking.CheckFormat):
        fail(f"--format is one of {', '.join(checking.CheckFormat)}", USAGE)
    written = checking.CheckFormat(format_)
    raise typer.Exit(checking.check_files(files, base_model, asked, written, max_errors, options))


@app.command(
    epilog=examples(("tunedrop explain TD030", "the rule, a record that breaks it, how to fix that")),
)
def explain(
    code: Annotated[
        str,
        typer.Argument(help="The code of a finding, as TD030.", autocompletion=completion.rule_codes),
    ],
    format_: FormatOption = Format.text,
) -> None:
    """Say what a rule is about, with a dataset that breaks it and how to fix that. Needs no AWS."""
    from tunedrop.cli.data import explaining

    explaining.explain(code, format_)


@app.command(
    epilog=examples(
        ("tunedrop convert table.csv --to converse --out train.jsonl", "for Nova, by Bedrock"),
        ("tunedrop convert chat.jsonl --to openai-chat --out train.jsonl", "for Qwen, by SageMaker AI"),
    ),
)
def convert(
    file: Annotated[Path, typer.Argument(help="A dataset: JSON lines or array, CSV, Excel, Parquet.")],
    to: Annotated[str, typer.Option(help="prompt-completion, converse, openai-chat, alpaca, text or csv.")],
    out: Annotated[Path | None, typer.Option(help="Where to write it; else to standard output.")] = None,
    encoding: EncodingOption = "",
    column: ColumnOption = None,
    skip: Annotated[bool, typer.Option(help="Leave out the records that cannot be converted.")] = False,
    format_: FormatOption = Format.text,
) -> None:
    """Write a dataset in another format, and say what is lost. Needs no AWS."""
    if to not in get_args(Target):
        fail(f"--to {to}: it is one of {', '.join(get_args(Target))}", USAGE)
    from tunedrop.cli.data import converting

    target = cast(Target, to)
    raise typer.Exit(
        converting.convert_file(file, target, out, read_options(encoding, column), skip, format_)
    )


@app.command(
    epilog=examples(
        ("tunedrop estimate runs/support", "by the manifest's own budget"),
        ("tunedrop estimate train.jsonl --base-model amazon.nova-lite-v1:0:300k", "one file"),
        ("tunedrop estimate runs/support --stage dev", "with a stage's defaults and budgets"),
    ),
)
def estimate(
    path: DataPath,
    base_model: BaseModelOption = None,
    stage: Annotated[
        str | None, typer.Option(help="Count with this stage's defaults and budgets; none asks no AWS.")
    ] = None,
    profile: Profile = None,
    region: Region = None,
    format_: FormatOption = Format.text,
) -> None:
    """Say what a run will cost before it is uploaded, with the source and date of every price."""
    from tunedrop.cli.data import estimating

    here = Deployed(stage, profile, region) if stage is not None else None
    raise typer.Exit(estimating.estimate_path(path, base_model, here, format_))


@app.command(
    epilog=examples(
        ("tunedrop evaluate answers.jsonl", "the verdict, and a report beside the file"),
        ("tunedrop evaluate answers.jsonl --format json | jq -r .verdict", "for CI"),
        ("tunedrop evaluate answers.jsonl --metric accuracy --min-improvement 0.05", "by a metric of yours"),
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
    metric: Annotated[str, typer.Option(help="What decides; auto takes what fits the references.")] = "auto",
    min_improvement: Annotated[
        float, typer.Option(help="By how much the tuned model must be better, from 0 to 1.")
    ] = 0.02,
    confidence: Annotated[float, typer.Option(help="How sure the verdict has to be, from 0.8.")] = 0.95,
    attempt: Annotated[
        int, typer.Option(min=1, max=20, help="The count of evaluations of this model, this one included.")
    ] = 1,
    report: Annotated[
        Path | None, typer.Option(help="Where to write the HTML report; else beside the answers.")
    ] = None,
    format_: FormatOption = Format.text,
) -> None:
    """Decide whether a tuned model is better than its base, from their answers. Needs no AWS.

    Exits with 0 where it is to be promoted, with 1 where it is rejected or the answers do not tell.
    """
    from tunedrop.cli.data import evaluating

    asked = evaluating.Asked(answers, metric, min_improvement, confidence, attempt, report)
    raise typer.Exit(evaluating.evaluate_file(asked, format_))


@app.command(
    epilog=examples(
        ("tunedrop schema manifest > run.schema.json", "for the editor that you write run.yaml in")
    ),
)
def schema(
    name: Annotated[
        str, typer.Argument(help=f"Of what: {', '.join(SCHEMA_NAMES)}.", autocompletion=completion.schemas)
    ],
) -> None:
    """Print a JSON Schema: of the manifest for your editor, of events and files for your programs."""
    from tunedrop.cli.output import print_json
    from tunedrop.schemas import SCHEMAS

    if name not in SCHEMAS:
        fail(f"there is no schema {name!r}; there are {', '.join(SCHEMAS)}", USAGE)
    print_json(SCHEMAS[name]())
