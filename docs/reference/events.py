"""Messages, events and files that programs read, from the contracts that are written into them."""

from __future__ import annotations

from docs.reference.tables import Struct, page, shape, table
from tunedrop.contracts import Ending, Evaluation, RunEnded
from tunedrop.dataset.check.check import Report
from tunedrop.reporting import notification, outcome_event
from tunedrop.schemas import SCHEMAS, structs_in

_HEAD = """Everything that a run tells to programs is made of the structs below, which are the ones that its
functions hand each other. Money is in US dollars, time is ISO 8601 in UTC, durations are seconds. Keys may
be added; none changes its meaning."""

_EVENT = f"""## The event that ends a run

On the stage's event bus (its setting `event_bus`, else the account's default one), at least once: source
`{outcome_event.SOURCE}`, detail type `{outcome_event.DETAIL_TYPE}`. Its `detail` is a
[RunEnded](#runended) ([JSON Schema](../schemas/event.json)); its `id` is the same each time that one ending
is told. A rule for promoted models of one stage:

```json
{{
  "source": ["{outcome_event.SOURCE}"],
  "detail-type": ["{outcome_event.DETAIL_TYPE}"],
  "detail": {{"stage": ["dev"], "outcome": ["promoted"]}}
}}
```

"""

_MESSAGES = """## Messages of the topic

One when a run ends (`event` is `run-ended`), one when it waits for an approval (`approval-required`), one
when the base of a model in production is or will be Legacy or ended (`base-model-ends`), when Bedrock does
not start a job (`job-stalled`), when AWS's prices differ from the catalog (`prices-changed`), when uploads
start nothing (`upload-starts-nothing`), when something goes on failing (`still-failing`), and CloudWatch's
alarms. The message is for a person; a subscription filters on its attributes:"""

_FILES = """## Files of the artifacts bucket

Under `runs/RUN/`: `dataset/` is what was trained on, `training/` is Bedrock's output, `report.html` the
report."""

_MEANINGS = {
    "event": "`run-ended`, `approval-required`, `base-model-ends`, `job-stalled`, `prices-changed`, "
    "`upload-starts-nothing` or `still-failing`",
    "run_id": "the run",
    "stage": "the stage",
    "name": "what the user called the run",
    "detail": "all as JSON: a [RunEnded](#runended), as in the event",
    "attempt": "1, and one more for every retry",
    "outcome": "how it ended",
    "base_model": "the base model",
    "method": "the method, once the records have been read",
}

_ENDED = RunEnded(
    id="any-1", stage="dev", run_id="any", name="any", attempt=1, outcome="failed", sentence="any failed."
)


def markdown() -> str:
    """The event, the messages, the files, then the structs that they are made of."""
    keys = dict.fromkeys(("event", "run_id", *notification.attributes(_ENDED), "method"))
    files = (
        ("`validation.json`", "every finding of the check", "[Report](#report)", "check"),
        ("`evaluation.json`", "scores and verdict", "[Evaluation](#evaluation)", "evaluation"),
    )
    roots: list[Struct] = [RunEnded, Ending, Evaluation, Report]
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
