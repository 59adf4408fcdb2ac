"""The base model with training examples in its prompt."""

from __future__ import annotations

import msgspec
import pytest

from tests.unit.evaluation.answers import prediction, with_words
from tunedrop.contracts import DatasetFile, Evaluation, EvaluationSettings
from tunedrop.dataset.prepare.held_out import HeldOut, Message
from tunedrop.evaluation.decision.gate import decide
from tunedrop.evaluation.inference.ask import Answer
from tunedrop.evaluation.inference.prompting import LONGEST_EXAMPLE, PROMPTED, Prompted, chosen


def question(text: str, reference: str = "", *before: Message) -> HeldOut:
    messages = (*before, Message("user", text))
    return HeldOut(record=1, turn=0, system="be brief", messages=messages, reference=reference)


class Listening:
    """Keeps what it was asked."""

    def ask(self, question: HeldOut) -> Answer:
        self.asked = question
        return Answer(text="yes")


TRAINED_ON = DatasetFile(uri="", records=100, tokens=LONGEST_EXAMPLE * 100)
EXAMPLES = [question("one?", "1"), question("two?", "2")]


def test_examples_are_earlier_turns_of_the_conversation() -> None:
    model = Listening()

    Prompted(model, EXAMPLES, converses=True).ask(question("three?", "3"))

    said = [(one.role, one.text) for one in model.asked.messages]
    assert said == [
        ("user", "one?"),
        ("assistant", "1"),
        ("user", "two?"),
        ("assistant", "2"),
        ("user", "three?"),
    ]
    assert (model.asked.system, model.asked.reference) == ("be brief", "3")


def test_a_model_that_takes_one_text_reads_them_before_the_prompt() -> None:
    model = Listening()

    Prompted(model, [question("one?", "1"), question("two: ", "2")], converses=False).ask(question("three?"))

    assert model.asked.messages[-1].text == "one? 1\n\ntwo: 2\n\nthree?"


def test_a_question_is_no_example_of_itself() -> None:
    model = Listening()

    Prompted(model, EXAMPLES, converses=True).ask(question("two?"))

    assert [one.text for one in model.asked.messages] == ["one?", "1", "two?"]


def test_examples_stand_by_themselves_and_come_from_all_over_the_data() -> None:
    unfit = [
        question("long" * LONGEST_EXAMPLE, "x"),
        question("no answer"),
        question("later turn", "x", Message("user", "hi"), Message("assistant", "hello")),
        HeldOut(
            record=1, turn=0, system="", messages=(Message("user", "a", ({"image": {}},)),), reference="x"
        ),
    ]
    fit = [question(f"{number}?", "x") for number in range(90)]

    found = chosen([*unfit, *fit], 3, TRAINED_ON)

    assert [one.messages[0].text for one in found] == ["0?", "30?", "60?"]
    assert chosen(fit[:2], 5, TRAINED_ON) == fit[:2]
    assert chosen([], 5, TRAINED_ON) == []


@pytest.mark.parametrize("long", ["word " * 400, "0 " * 60])
def test_no_example_is_much_longer_than_the_estimate_takes_one_for(long: str) -> None:
    """Whoever writes the training file knows which records are shown, and may put its long ones there."""
    average = DatasetFile(uri="", records=10_000, tokens=300_000, dense=20_000)
    short = [question(f"number {number}, please?", "yes") for number in range(9)]

    assert chosen([question(long, "no"), *short], 3, average)[0] == short[0]


def verdict(base: int, tuned: int, prompted: int, errors: int = 0) -> Evaluation:
    """Of 60 prompts, with so many right words of ten each."""
    pairs = []
    for number in range(60):
        one = prediction(number, base, tuned)
        error = "throttled" if number < errors else ""
        answer = Answer(text=with_words(one.reference, prompted), error=error)
        pairs.append(msgspec.structs.replace(one, prompted=answer))
    return decide(pairs, EvaluationSettings())


@pytest.mark.parametrize(("prompted", "cheaper"), [(9, True), (10, True), (5, False)])
def test_prompting_that_does_as_well_is_named_and_decides_nothing(prompted: int, cheaper: bool) -> None:
    evaluation = verdict(3, 9, prompted)

    (contender,) = [one for one in evaluation.contenders if one.name == PROMPTED]
    assert evaluation.verdict == "promote"
    assert contender.score.base == pytest.approx(prompted / 10)
    assert ("prompting may be the cheaper answer" in evaluation.reason) == cheaper


def test_a_prompted_model_that_hardly_answered_is_not_compared() -> None:
    assert PROMPTED not in [one.name for one in verdict(3, 9, 9, errors=40).contenders]
