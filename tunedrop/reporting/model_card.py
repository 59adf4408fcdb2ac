"""The model card of a promoted model: Markdown with the front matter of Hugging Face's registry.

`huggingface_hub.ModelCard` can read the front matter (Hugging Face docs, model-cards, read 2026-11-29):
values are JSON, which is valid YAML. A card contains nothing from the dataset's records.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from tunedrop import catalog, clock, escaping
from tunedrop.contracts import Ending, Score
from tunedrop.formatting import markdown as md
from tunedrop.formatting.costs import in_words
from tunedrop.reporting import usage, verdict
from tunedrop.stage import Stage


def markdown(stage: Stage, ending: Ending) -> str:
    """The card: the model, its training data, its evaluation, and how to call it."""
    run = ending.run
    parts = [
        _front_matter(ending),
        f"# {md.inline(run.name)}",
        f"{_base(run.base_model)} tuned by {_engine(ending)} and Tunedrop, run `{run.run_id}`. "
        f"{md.sentence(verdict.sentence(ending))}",
        "## Evaluation",
        "\n".join(_scores(ending)),
        "## Training",
        "\n".join(_training(ending)),
        "## Use",
        *(
            f"{one.title}:\n\n```{one.language}\n{one.code.rstrip()}\n```"
            for one in usage.snippets(stage, ending)
        ),
        "## Limits",
        "The numbers hold for prompts like the held-out ones, and for the base model and settings named "
        "here. The model ends with its base model at the latest (`tunedrop bases --all`). Its owners need to "
        "add what it must not be used for, and who is responsible for it.",
    ]
    return escaping.lines("\n\n".join(part for part in parts if part) + "\n")


def _front_matter(ending: Ending) -> str:
    run, found = ending.run, ending.evaluation
    metrics = [
        {"type": one.metric, "name": verdict.title_of(one), "value": round(one.tuned, 4)}
        for one in (found.scores if found is not None else ())
    ]
    result = {
        "task": {"type": "text-generation"},
        "dataset": {"name": "held-out records of the run", "type": "private"},
        "metrics": metrics,
    }
    fields = {
        "base_model": run.base_model,
        "base_model_relation": "finetune",
        "library_name": "amazon-bedrock",
        "pipeline_tag": "text-generation",
        "tags": ["amazon-bedrock", "tunedrop", ending.dataset.method if ending.dataset is not None else ""],
        "model-index": [{"name": run.name, "results": [result]}],
    }
    return "\n".join(["---", *(f"{name}: {json.dumps(value)}" for name, value in fields.items()), "---"])


def _scores(ending: Ending) -> Iterator[str]:
    found = ending.evaluation
    if found is None:
        return
    yield f"On {found.records:,} held-out prompts, with the interval of each difference."
    yield ""
    yield "| metric | base | tuned | difference |"
    yield "| --- | ---: | ---: | ---: |"
    scores: list[Score] = [*found.scores, *([found.general] if found.general is not None else [])]
    for one in scores:
        difference = f"{one.difference:+.3f} ({one.low:+.3f} to {one.high:+.3f})"
        yield f"| {verdict.title_of(one)} | {one.base:.3f} | {one.tuned:.3f} | {difference} |"


def _training(ending: Ending) -> Iterator[str]:
    run, dataset, job = ending.run, ending.dataset, ending.job
    if dataset is not None:
        records = f"{dataset.train.records:,} records, method {dataset.method}"
        yield f"- {records}, SHA-256 `{dataset.content_hash}`"
    settings = ", ".join(f"{name} {value}" for name, value in sorted(ending.hyperparameters.items()))
    yield f"- Hyperparameters: {settings or 'the defaults of the base model'}"
    if job is not None:
        yield f"- Model `{job.model_arn}`, {clock.for_people(job.ended_at or run.created_at)} UTC"
    if losses := verdict.losses(ending):
        yield f"- At the end: {losses}"
    if ending.fit is not None:
        yield f"- {ending.fit.sentence}"
    if ending.cost is not None and ending.cost.lines:
        yield f"- Cost: {in_words(ending.cost)}"


def _engine(ending: Ending) -> str:
    """What trained the model, where the catalog still has its base model."""
    method = ending.dataset.method if ending.dataset is not None else "auto"
    try:
        return catalog.engines()[catalog.find(ending.run.base_model).engine_of(method)].title
    except LookupError:
        return "AWS"


def _base(base_model: str) -> str:
    try:
        return f"{catalog.find(base_model).name} (`{base_model}`)"
    except LookupError:
        return f"`{base_model}`"
