"""The base model with training examples in its prompt: if it is as good as the tuned model, prompting is
cheaper."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from tunedrop.contracts import DatasetFile
from tunedrop.dataset.prepare.held_out import HeldOut, Message
from tunedrop.dataset.rules import record as rules
from tunedrop.evaluation.inference.ask import Answer
from tunedrop.evaluation.inference.evaluate import Model

PROMPTED = "base model with examples in its prompt"

LONGEST_EXAMPLE = 8_000
"""The maximum characters of an example; longer ones do not fit into a prompt with others."""


MOST_OF_AVERAGE = 2
"""The maximum length of an example, relative to the average training record, which the estimate uses."""


def chosen(examples: Iterable[HeldOut], wanted: int, trained_on: DatasetFile) -> list[HeldOut]:
    """This many examples, spread over the self-contained records: one prompt, one answer, no images.

    Parameters
    ----------
    trained_on
        The training file, whose average record determines which examples are too long.
    """
    longest = MOST_OF_AVERAGE * (trained_on.tokens + trained_on.dense) / max(1, trained_on.records)
    fitting = [
        one
        for one in examples
        if len(one.messages) == 1
        and not one.messages[0].blocks
        and one.reference
        and len(one.messages[0].text) + len(one.reference) <= LONGEST_EXAMPLE
        and _tokens(one) <= longest
    ]
    step = max(1.0, len(fitting) / max(1, wanted))
    return [fitting[int(index * step)] for index in range(min(wanted, len(fitting)))]


def _tokens(example: HeldOut) -> int:
    """The tokens of an example, estimated as for a `DatasetFile`, and the bytes that may be a token each."""
    texts = (example.system, example.messages[0].text, example.reference)
    return sum(rules.tokens_of(len(one.encode("utf-8", "replace"))) + rules.dense_in(one) for one in texts)


class Prompted:
    """A model that gets examples before each prompt."""

    def __init__(self, model: Model, examples: Sequence[HeldOut], *, converses: bool) -> None:
        self._model, self._examples, self._converses = model, examples, converses

    def ask(self, question: HeldOut) -> Answer:
        """The prompt with the examples as earlier turns, or before it if the model takes a single text."""
        shown = [one for one in self._examples if one.messages != question.messages]
        if self._converses:
            before = [
                message for one in shown for message in (one.messages[0], Message("assistant", one.reference))
            ]
            return self._model.ask(msgspec.structs.replace(question, messages=(*before, *question.messages)))
        *earlier, last = question.messages
        texts = [f"{one.messages[0].text}{_gap(one)}{one.reference}" for one in shown]
        prompt = Message(last.role, "\n\n".join([*texts, last.text]))
        return self._model.ask(msgspec.structs.replace(question, messages=(*earlier, prompt)))


def _gap(example: HeldOut) -> str:
    """The separator of prompt and completion in training, unless one of them contains it."""
    joined = example.messages[0].text[-1:].isspace() or example.reference[:1].isspace()
    return "" if joined else " "
