"""The reference of messages, events and files for programs, generated from their contracts."""

from __future__ import annotations

from docs.reference.tables import Struct, page, shape, table
from tunedrop.contracts import Ending, Evaluation, RunEnded
from tunedrop.dataset.check.check import Report
from tunedrop.reporting import notification, outcome_event
from tunedrop.schemas import SCHEMAS, structs_in

_HEAD = """This page describes the event, the messages and the files that programs can read. They consist of
the structs below, which are also the contracts between the functions. Money is in US dollars, time is
ISO 8601 in UTC, and durations are in seconds. New keys may be added; existing keys keep their meaning."""

_EVENT = f"""## The event that ends a run

When a run ends, Tunedrop sends an event at least once to the stage's event bus (setting `event_bus`, by
default the account's default bus). Its source is `{outcome_event.SOURCE}` and its detail type is
`{outcome_event.DETAIL_TYPE}`. The `detail` is a [RunEnded](#runended)
([JSON Schema](../schemas/event.json)). Repeated deliveries of a result have the same `id`. This rule matches
the promoted models of one stage:

```json
{{
  "source": ["{outcome_event.SOURCE}"],
  "detail-type": ["{outcome_event.DETAIL_TYPE}"],
  "detail": {{"stage": ["dev"], "outcome": ["promoted"]}}
}}
```

"""

_MESSAGES = """## Messages of the topic

The topic receives a message in these cases, named by the attribute `event`:

- `run-ended`: a run has ended
- `approval-required`: a run waits for approval
- `base-model-ends`: the base of a model in production is or will be Legacy or ended
- `model-idle`: nobody has invoked an imported model for 30 days
- `job-stalled`: Bedrock does not start a job
- `prices-changed`: AWS's prices differ from the catalog
- `upload-starts-nothing`: uploads do not start a run, or an approval or stop has no effect
- `still-failing`: one subject keeps failing

It also receives CloudWatch's alarms. The text is for people; subscriptions filter on the attributes:"""

_FILES = """## Files of the artifacts bucket

Each run has a folder `runs/RUN/`: `dataset/` contains the training data, `training/` Bedrock's output, and
`report.html` the report."""

_MEANINGS = {
    "event": "`run-ended`, `approval-required`, `base-model-ends`, `model-idle`, `job-stalled`, "
    "`prices-changed`, `upload-starts-nothing` or `still-failing`",
    "run_id": "the run",
    "stage": "the stage",
    "name": "the name of the run, given by the user",
    "detail": "the complete result as JSON: a [RunEnded](#runended), as in the event",
    "attempt": "1, plus one for every retry",
    "outcome": "the result of the run",
    "base_model": "the base model",
    "method": "the method, once the records have been read",
}

_ENDED = RunEnded(
    id="any-1", stage="dev", run_id="any", name="any", attempt=1, outcome="failed", sentence="any failed."
)


def markdown() -> str:
    """The event, the messages and the files, followed by their structs."""
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
        table(("attribute", "meaning"), ((f"`{key}`", _MEANINGS[key]) for key in keys)),
        _FILES,
        table(
            ("file", "content", "struct", "JSON Schema"),
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
