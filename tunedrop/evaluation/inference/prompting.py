"""The base model with training examples in its prompt: where it does as well, prompting is cheaper."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from tunedrop.dataset.prepare.held_out import HeldOut, Message
from tunedrop.evaluation.inference.ask import Answer
from tunedrop.evaluation.inference.evaluate import Model

PROMPTED = "base model with examples in its prompt"

LONGEST_EXAMPLE = 8_000
"""Characters of a prompt and its answer; longer ones fit into no prompt beside others."""


def chosen(examples: Iterable[HeldOut], wanted: int) -> list[HeldOut]:
    """So many examples, spread over those that stand by themselves: one prompt, one answer, no images."""
    fitting = [
        one
        for one in examples
        if len(one.messages) == 1
        and not one.messages[0].blocks
        and one.reference
        and len(one.messages[0].text) + len(one.reference) <= LONGEST_EXAMPLE
    ]
    step = max(1.0, len(fitting) / max(1, wanted))
    return [fitting[int(index * step)] for index in range(min(wanted, len(fitting)))]


class Prompted:
    """A model that is shown examples before each question."""

    def __init__(self, model: Model, examples: Sequence[HeldOut], *, converses: bool) -> None:
        self._model, self._examples, self._converses = model, examples, converses

    def ask(self, question: HeldOut) -> Answer:
        """As earlier turns of the conversation; before the prompt where the model takes one text."""
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
    """What a prompt and its completion were joined by in training, where neither brings it along."""
    joined = example.messages[0].text[-1:].isspace() or example.reference[:1].isspace()
    return "" if joined else " "
