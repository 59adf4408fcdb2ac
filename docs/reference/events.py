"""Messages, events and files that programs read, from the contracts that are written into them."""

from __future__ import annotations

from docs.reference.tables import Struct, page, shape, table
from tunedrop.contracts import Ending, Evaluation, Run, S3Object
from tunedrop.dataset.check import Report
from tunedrop.ending.close import EVENT_DETAIL_TYPE, EVENT_SOURCE
from tunedrop.ending.outcome import outcome_of
from tunedrop.reporting import notification
from tunedrop.schemas import SCHEMAS, structs_in

_HEAD = """Everything that a run tells to programs is made of the structs below, which are the ones that its
functions hand each other. Money is in US dollars, time is ISO 8601 in UTC, durations are seconds. Keys may
be added; none changes its meaning."""

_EVENT = f"""## The event that ends a run

On the account's default event bus, at least once: source `{EVENT_SOURCE}`, detail type
`{EVENT_DETAIL_TYPE}`. Its `detail` is an [Ending](#ending), with `outcome`, `stage` and `report` (the
report's S3 URI) beside it ([JSON Schema](../schemas/event.json)). A rule for promoted models of one
stage:

```json
{{
  "source": ["{EVENT_SOURCE}"],
  "detail-type": ["{EVENT_DETAIL_TYPE}"],
  "detail": {{"stage": ["dev"], "outcome": ["promoted"]}}
}}
```

"""

_MESSAGES = """## Messages of the topic

One when a run ends (`event` is `run-ended`), one when it waits for an approval (`approval-required`), and
CloudWatch's alarms. The message is for a person; a subscription filters on its attributes:"""

_FILES = """## Files of the artifacts bucket

Under `runs/RUN/`: `dataset/` is what was trained on, `training/` is Bedrock's output, `report.html` the
report."""

_MEANINGS = {
    "event": "`run-ended` or `approval-required`",
    "run_id": "the run",
    "stage": "the stage",
    "attempt": "1, and one more for every retry",
    "outcome": "how it ended",
    "base_model": "the base model",
    "method": "the method, once the records have been read",
}


def markdown() -> str:
    """The event, the messages, the files, then the structs that they are made of."""
    keys = dict.fromkeys(("event", "run_id", *notification.attributes(_an_ending()), "method"))
    files = (
        ("`validation.json`", "every finding of the check", "[Report](#report)", "check"),
        ("`evaluation.json`", "scores and verdict", "[Evaluation](#evaluation)", "evaluation"),
    )
    roots: list[Struct] = [Ending, Evaluation, Report]
    shapes = dict.fromkeys(one for root in roots for one in (root, *structs_in(root)))
    return page(
        "# Events, messages and files",
        _HEAD,
        _EVENT,
        _MESSAGES,
        table(("attribute", "what it is"), ((f"`{key}`", _MEANINGS[key]) for key in keys)),
        _FILES,
        table(
            ("file", "holds", "made of", "JSON Schema"),
            (
                (name, what, made_of, f"[{schema}.json](../schemas/{schema}.json)")
                for name, what, made_of, schema in files
            ),
        ),
        "`tunedrop check --format json` prints a [Report](#report) too. `tunedrop schema NAME` prints one of "
        + ", ".join(f"`{name}`" for name in SCHEMAS)
        + ".",
        *(shape(one, level=3) for one in shapes),
    )


def _an_ending() -> Ending:
    data = S3Object(bucket="intake", key="runs/any/train.jsonl")
    ending = Ending(run=Run(run_id="any", name="any", source=data, train=data))
    assert outcome_of(ending) == "failed"
    return ending
