"""The verdict on a file of answers: JSON lines with prompt, reference and the models' answers."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NoReturn, get_args

from tunedrop import escaping
from tunedrop.contracts import Evaluation, EvaluationSettings, Metric
from tunedrop.dataset.tools.decode import NotRepairable, unpacked
from tunedrop.errors import InvalidAnswers
from tunedrop.evaluation.decision.gate import decide
from tunedrop.evaluation.inference.ask import Answer
from tunedrop.evaluation.inference.evaluate import Prediction

REQUIRED = ("prompt", "reference", "base", "tuned")
STOP_REASONS = ("base_stop_reason", "tuned_stop_reason", "production_stop_reason")
OPTIONAL = ("production", "conversation", *STOP_REASONS)
CONFIDENCES = (0.8, 0.999)
"""Lower confidence would make the verdict a guess; for a higher one no test set is large enough."""

MOST_ATTEMPTS = 20
"""After this many attempts, too little of alpha remains for a decision."""

NO_ANSWER = "no answer"
METRICS = tuple(name for name in get_args(Metric) if name != "judge")


def evaluate(
    answers: str | Path | Iterable[Mapping[str, Any]],
    *,
    metric: str = "auto",
    min_improvement: float = 0.02,
    confidence: float = 0.95,
    attempt: int = 1,
) -> Evaluation:
    """The verdict on a tuned model, from answers to the same prompts, without AWS or the pipeline.

    Parameters
    ----------
    answers
        A file of JSON lines, or its objects: `prompt`, `reference`, `base` and `tuned`; optionally
        `production` (the answer of the model in production), `conversation` (an id: lines that share it are
        one unit), and each model's stop reason (`tuned_stop_reason` and so on, in Bedrock's words).
    metric
        The deciding metric; `auto` chooses one that fits the references.
    min_improvement
        The required improvement, on a scale of 0 to 1.
    confidence
        The confidence of the verdict: over all attempts, the one-sided error rate is at most half of the
        rest.
    attempt
        The number of this evaluation of the model, from 1; each further one requires more evidence.

    Raises
    ------
    InvalidAnswers
        If a line cannot be read, or a setting is invalid.

    Examples
    --------
    >>> rows = [
    ...     {"prompt": f"Is {n} even?", "reference": "yes", "base": "no", "tuned": "yes"} for n in range(5)
    ... ]
    >>> evaluate(rows).verdict
    'inconclusive'
    """
    settings = settings_of(metric, min_improvement, confidence)
    if not isinstance(attempt, int) or not 1 <= attempt <= MOST_ATTEMPTS:
        raise InvalidAnswers(f"attempt: must be a whole number from 1 to {MOST_ATTEMPTS}, got {attempt!r}")
    if isinstance(answers, str | Path):
        found = read_file(Path(answers))
    elif isinstance(answers, Iterable) and not isinstance(answers, Mapping | bytes):
        found = read(enumerate(answers, 1))
    else:
        kind = type(answers).__name__
        raise InvalidAnswers(f"answers: must be a path or a list of objects, got {kind}")
    return decide(found, settings, attempt=attempt)


def settings_of(metric: str, min_improvement: float, confidence: float) -> EvaluationSettings:
    """The settings of an evaluation of given answers.

    Raises
    ------
    InvalidAnswers
        If one of them is invalid.
    """
    if metric not in METRICS:
        raise InvalidAnswers(f"metric: there is no {metric!r}; there are {', '.join(METRICS)}")
    if not _is_number(min_improvement) or not 0 <= min_improvement < 1:
        raise InvalidAnswers(f"min_improvement: must be at least 0 and less than 1, got {min_improvement!r}")
    if not _is_number(confidence) or not CONFIDENCES[0] <= confidence <= CONFIDENCES[1]:
        least, most = CONFIDENCES
        raise InvalidAnswers(f"confidence: must be a number from {least} to {most}, got {confidence!r}")
    return EvaluationSettings(
        metric=metric,  # type: ignore[arg-type]
        min_improvement=min_improvement,
        confidence=confidence,
        max_prompts=100_000,
        general_ability=False,
    )


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def read_file(path: Path) -> list[Prediction]:
    """The lines of a file in UTF-8 or UTF-16, which may be compressed with gzip.

    Raises
    ------
    InvalidAnswers
        If it cannot be read, or a line is invalid; the message says which and why.
    """
    try:
        with path.open("rb") as file:
            text = b"".join(unpacked(iter(partial(file.read, 1 << 20), b""), lambda _: None)).decode()
    except UnicodeDecodeError as error:
        raise InvalidAnswers(
            f"{path}: byte {error.start:,} is not UTF-8. Save the file as UTF-8 (or UTF-16 with a byte-order "
            "mark)"
        ) from error
    except NotRepairable as error:
        raise InvalidAnswers(f"{path}: {error}") from error
    except OSError as error:
        raise InvalidAnswers(f"{path}: {error.strerror}") from error
    lines = ((number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip())
    return read(_decoded(lines))


def read(rows: Iterable[tuple[int, Any]]) -> list[Prediction]:
    """Predictions of numbered objects.

    Raises
    ------
    InvalidAnswers
        If one has the wrong shape, or there are none.
    """
    conversations: dict[str, int] = {}
    turns: Counter[int] = Counter()
    found = []
    for number, row in rows:
        _check(number, row)
        own = f"line {number}"
        conversation = row.get("conversation")
        key = own if conversation in (None, "") else f"id {conversation}"
        record = conversations.setdefault(key, len(conversations) + 1)
        try:
            found.append(_prediction(row, record, turns[record]))
        except (TypeError, ValueError, RecursionError) as error:
            raise InvalidAnswers(f"line {number}: contains a value that JSON cannot hold: {error}") from error
        turns[record] += 1
    if not found:
        raise InvalidAnswers("there are no answers: expected one JSON object per line")
    if any(one.champion is not None for one in found):
        missing = Answer(error=NO_ANSWER)
        return [one if one.champion is not None else _with_champion(one, missing) for one in found]
    return found


def _decoded(lines: Iterable[tuple[int, str]]) -> Iterator[tuple[int, Any]]:
    for number, line in lines:
        try:
            yield number, json.loads(line, object_pairs_hook=_once, parse_constant=_refuse)
        except json.JSONDecodeError as error:
            raise InvalidAnswers(
                f"line {number}: not JSON: {error.msg} (character {error.pos + 1}). Each line must be one "
                "whole JSON object"
            ) from error
        except RecursionError as error:
            raise InvalidAnswers(f"line {number}: it is nested too deeply to read") from error
        except ValueError as error:
            raise InvalidAnswers(f"line {number}: not JSON: {error}") from error


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(name for name, count in Counter(name for name, _ in pairs).items() if count > 1)
        raise ValueError(f"{twice!r} is there twice")
    return found


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON value")


def _check(number: int, row: Any) -> None:
    if not isinstance(row, Mapping):
        kind = "a list" if isinstance(row, list) else type(row).__name__
        raise InvalidAnswers(
            f"line {number}: must be a JSON object, got {kind}; the file has one object a line"
        )
    _check_names(number, row)
    for name in REQUIRED:
        if name not in row:
            raise InvalidAnswers(f"line {number}: {name} is missing; each line has {', '.join(REQUIRED)}")
    if not isinstance(row["prompt"], str | dict | list):
        raise InvalidAnswers(f"line {number}: prompt must be a string, got {row['prompt']!r}")
    if row["reference"] is None:
        raise InvalidAnswers(f"line {number}: reference is null; without one nothing can be compared")
    for name in STOP_REASONS:
        if not isinstance(row.get(name), str | None):
            raise InvalidAnswers(f"line {number}: {name} must be a string or null, got {row[name]!r}")
    conversation = row.get("conversation")
    if isinstance(conversation, bool) or not isinstance(conversation, str | int | None):
        raise InvalidAnswers(
            f"line {number}: conversation must be a string or a number, got {conversation!r}"
        )


def _check_names(number: int, row: Mapping[str, Any]) -> None:
    """Refuse misspelled keys; other additional keys are ignored."""
    known = (*REQUIRED, *OPTIONAL)
    for name in map(str, row):
        meant = name.strip().lower().rstrip("s")
        if name not in known and meant in known and meant not in row:
            raise InvalidAnswers(f"line {number}: {name} is not known; did you mean {meant}?")


def _prediction(row: Mapping[str, Any], record: int, turn: int) -> Prediction:
    return Prediction(
        record=record,
        turn=turn,
        prompt=_text(row["prompt"]),
        reference=_text(row["reference"]),
        base=_answer(row, "base"),
        tuned=_answer(row, "tuned"),
        champion=_answer(row, "production") if "production" in row else None,
    )


def _answer(row: Mapping[str, Any], name: str) -> Answer:
    given = row.get(name)
    if given is None:
        return Answer(error=NO_ANSWER)
    return Answer(text=_text(given), stop_reason=row.get(f"{name}_stop_reason") or "")


def _text(value: Any) -> str:
    """Answers in JSON may stand as what they are."""
    return escaping.whole(
        value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    )


def _with_champion(prediction: Prediction, champion: Answer) -> Prediction:
    return Prediction(
        record=prediction.record,
        turn=prediction.turn,
        prompt=prediction.prompt,
        reference=prediction.reference,
        base=prediction.base,
        tuned=prediction.tuned,
        champion=champion,
    )
