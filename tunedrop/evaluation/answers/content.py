"""Scores the content of an answer separately from its form, because a gain in form alone is no gain in
knowledge.

For a label, the label that a sentence names; for a short answer, whether the text contains it; for JSON, the
document inside a code fence or between sentences; for other text, its words without those that many answers
share (salutations, phrases), and 0 if it is the answer to another prompt.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Literal

from tunedrop.evaluation.answers._copies import Copies
from tunedrop.evaluation.answers.code import FENCED
from tunedrop.evaluation.answers.order import in_order, same_members
from tunedrop.evaluation.scoring.json_leaves import is_document, leaf_f1
from tunedrop.evaluation.scoring.labels import LabelSet
from tunedrop.evaluation.scoring.metrics import Task, f1, normalized_match
from tunedrop.evaluation.scoring.words import folded, has_digit, spelled_out, words

SHARED = 0.2
"""Words in more than this share of all different references are habits, not content."""

FEWEST_REFERENCES = 10
"""With fewer different references, habits cannot be distinguished from content."""

NEGATIONS = frozenset(
    ("no", "not", "never", "none", "cannot", "cant", "dont", "doesnt", "didnt", "isnt", "arent", "wasnt",
     "wont", "nicht", "kein", "keine", "nie", "pas", "jamais", "nunca", "não", "non", "mai", "niet", "geen",
     "не", "нет",
     "ни", "никогда", "δεν", "لا", "لن", "لم", "ليس", "नहीं", "না", "不", "没", "değil", "không", "않")
)  # fmt: skip
"""Negations in some languages: one such word reverses an answer."""

OTHER_ORDER, TOLD = 0.5, 0.1
"""Below this correlation the order counts as different; a reason is reported from this share of answers."""

Contradicted = Literal["negation", "numbers", "order"]
"""Why an answer with the reference's words may contradict it."""

_SEPARATORS = str.maketrans(",:", "..")
"""`12,50` may say what `12.50` says, and `9:30` what `9.30` says."""


class Content:
    """Scores the content of answers, from 0 to 1, for one set of references; `learned` are training
    answers."""

    def __init__(
        self, task: Task, references: Sequence[str], labels: LabelSet, learned: Sequence[str] = ()
    ) -> None:
        self._task = task
        self._labels = labels
        texts = {folded(one).strip(): frozenset(words(spelled_out(one))) for one in references}
        counts = Counter(word for text in texts.values() for word in text)
        most = SHARED * len(texts) if len(texts) >= FEWEST_REFERENCES else len(texts)
        self._shared = frozenset(word for word, count in counts.items() if count > most)
        self._copies = Copies([*references, *learned])

    def score(self, reference: str, answer: str) -> float:
        """The share of the reference's content that the answer contains."""
        if self._task == "labels":
            return self._labels.share(self._labels.of(reference), answer)
        if self._task == "short":
            return max(normalized_match(reference, answer), _has_phrase(words(answer), words(reference)))
        if self._task == "json":
            document = document_in(answer)
            return 0.0 if self._copies.is_copy(reference, document) else leaf_f1(reference, document)
        if self._copies.is_copy(reference, answer):
            return 0.0
        reference, answer = spelled_out(reference), spelled_out(answer)
        facts = _same_facts(words(reference), words(answer))
        return self.in_any_order(reference, answer) * facts * _ordered(reference, answer)

    def in_any_order(self, reference: str, answer: str) -> float:
        """The same; of text whatever its order, its numbers and what it negates."""
        if self._task != "text":
            return self.score(reference, answer)
        reference, answer = spelled_out(reference), spelled_out(answer)
        expected, given = (self._telling(text) for text in (reference, answer))
        return f1(expected, given) if expected else f1(words(reference), words(answer))

    def beyond(self, known: str, text: str) -> list[str]:
        """What a text says that another one, such as its prompt, does not."""
        given = frozenset(words(known))
        return [word for word in self._telling(text) if word not in given]

    def _telling(self, text: str) -> list[str]:
        return [word for word in words(text) if word not in self._shared]


def most_contradicted(references: Sequence[str], answers: Sequence[str]) -> tuple[Contradicted, int] | None:
    """The most common reason why answers contradict their references, and its count."""
    pairs = zip(references, answers, strict=True)
    found = Counter(one for pair in pairs if (one := _contradicts(*pair)))
    return next((one for one in found.most_common(1) if one[1] >= TOLD * len(answers)), None)


def _contradicts(reference: str, answer: str) -> Contradicted | None:
    expected, given = words(spelled_out(reference)), words(spelled_out(answer))
    if _are_opposite(expected, given):
        return "negation"
    if _same_facts(expected, given) < 1:
        return "numbers"
    return "order" if _ordered(reference, answer) < OTHER_ORDER else None


def _ordered(reference: str, answer: str) -> float:
    return 1.0 if same_members(reference, answer) else in_order(words(reference), words(answer))


def _are_opposite(expected: Sequence[str], given: Sequence[str]) -> bool:
    """Whether exactly one of the two contains a negation, of something that both say.

    An answer may leave out a clause that has one (`if that does not help`): no word next to it is there.
    """
    if NEGATIONS.isdisjoint(expected) == NEGATIONS.isdisjoint(given):
        return False
    negated, other = (given, expected) if NEGATIONS.isdisjoint(expected) else (expected, given)
    beside = {
        word
        for at, word in enumerate(negated)
        if not NEGATIONS.isdisjoint((*negated[max(0, at - 1) : at], *negated[at + 1 : at + 2]))
    }
    return beside <= NEGATIONS or not beside.isdisjoint(other)


def _same_facts(expected: Sequence[str], given: Sequence[str]) -> float:
    """The share of the reference's numbers that the answer has; 0 if exactly one of them contains a
    negation."""
    if _are_opposite(expected, given):
        return 0.0
    numbers, said = (
        {one.translate(_SEPARATORS) for one in text if has_digit(one[0])} for text in (expected, given)
    )
    return len(numbers & said) / len(numbers) if numbers else 1.0


def _has_phrase(said: Sequence[str], phrase: Sequence[str]) -> float:
    """Whether an answer contains these words literally; -5 does not contain 5."""
    size = len(phrase)
    return float(
        any(
            said[at : at + size] == phrase and not (at and said[at - 1] == "-" and has_digit(phrase[0][0]))
            for at in range(len(said) - size + 1)
        )
    )


def document_in(answer: str) -> str:
    """The JSON document in an answer: all of it, or in a fence, or between its first and last bracket."""
    fenced = FENCED.findall(answer)
    starts = [at for at in (answer.find("{"), answer.find("[")) if at >= 0]
    between = answer[min(starts) : max(answer.rfind("}"), answer.rfind("]")) + 1] if starts else ""
    return next((one for one in (answer, *fenced, between) if is_document(one)), answer)
