"""Made-up answers and training losses of models with a given skill."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Sequence

from tunedrop.dataset.prepare.held_out import HeldOut, read_held_out
from tunedrop.evaluation.inference.ask import Answer
from tunedrop.evaluation.inference.evaluate import Judgement, Prediction, said_before
from tunedrop.evaluation.scoring.metrics import token_f1
from tunedrop.training.curves import Curves, Loss

BASE_SKILL = 0.1
VAGUE = (
    "I am not certain about that; it depends on your model and on where you bought it.",
    "Thank you for your question. Please have a look at the manual or contact the support team.",
    "There are several possible reasons for this. Could you tell me a little more first?",
    "In general, it is a good idea to check the settings and to try again after a while.",
    "As an assistant I cannot look that up, but the answer is usually found on the website.",
)
TOPICS = (
    "a kettle", "a lamp", "last week", "in the rain", "by post", "twice", "her invoice", "the app", "abroad",
    "a friend", "the shop", "yesterday", "in a hurry", "a coupon", "the manual", "on the phone", "for work",
    "a gift", "the cable", "his account",
)  # fmt: skip
THROTTLED = "ThrottlingException: Too many requests, please wait before trying again."


def on_records(
    lines: Sequence[bytes], skill: float, champion: float = 0.0, failed: int = 0, judged: bool = False
) -> list[Prediction]:
    """Answers to every question of these records; a model of skill 1 says what stands there.

    Parameters
    ----------
    champion
        The skill of the model in production; 0 where there is none.
    failed
        How many prompts the tuned model gave no answer to.
    """
    dice, predictions = random.Random(7), []
    for place, question in enumerate(read_held_out(lines)):
        answers = [_answer(question, one, dice) for one in (BASE_SKILL, skill, champion)]
        tuned = Answer(error=THROTTLED) if place < failed else answers[1]
        predictions.append(
            Prediction(
                record=question.record,
                turn=question.turn,
                prompt=question.messages[-1].text,
                reference=question.reference,
                base=answers[0],
                tuned=tuned,
                champion=answers[2] if champion else None,
                before=said_before(question),
                judgement=_judgement(question, answers) if judged else None,
            )
        )
    return predictions


def tickets(count: int) -> tuple[list[Prediction], list[bytes]]:
    """Tickets with their labels, and the records that they stand in."""
    dice, names = random.Random(3), ("billing", "delivery", "returns", "technical", "other")

    def given(right: str, skill: float) -> Answer:
        text = right if dice.random() < skill else dice.choice(names)
        return Answer(text=text, latency_ms=300, output_tokens=2)

    predictions = []
    for index in range(count):
        right = dice.choices(names, (8, 5, 3, 4, 1))[0]
        about = " ".join(dice.sample(TOPICS, 4))
        prompt = f"Ticket {index}: a customer writes about {right}, {about}, and asks what to do."
        predictions.append(_pair(index + 1, prompt, right, given(right, 0.5), given(right, 0.9)))
    return predictions, _records(predictions)


def extraction(count: int) -> tuple[list[Prediction], list[bytes]]:
    """Orders whose fields are to be told as JSON."""
    dice, predictions = random.Random(5), []
    for index in range(count):
        fields = {
            "order": f"A-{1_000 + index}",
            "item": dice.choice(("kettle", "lamp", "planter", "desk")),
            "quantity": dice.randint(1, 4),
            "gift": dice.random() < 0.3,
        }
        prompt = (
            f"Extract the order as JSON: Please send {fields['quantity']} {fields['item']}(s) for order "
            f"{fields['order']}{', wrapped as a gift' if fields['gift'] else ''}."
        )
        kept = {name: value for name, value in fields.items() if dice.random() < 0.5}
        base = f"Here is the order: {json.dumps(kept)}" if dice.random() < 0.6 else json.dumps(kept)
        tuned = {name: value if dice.random() < 0.95 else None for name, value in fields.items()}
        answers = (Answer(text=one, latency_ms=420, output_tokens=31) for one in (base, json.dumps(tuned)))
        predictions.append(_pair(index + 1, prompt, json.dumps(fields), *answers))
    return predictions, _records(predictions)


def curves(training: Sequence[float], validation: Sequence[float]) -> Curves:
    """Curves that pass through a mean loss at the end of each epoch, with the noise of single steps."""
    dice, steps = random.Random(5), 120
    rows = []
    for epoch, after in enumerate(training):
        before = training[epoch - 1] if epoch else 1.25 * after
        for step in range(steps):
            loss = after + (before - after) * math.exp(-4 * step / steps) + dice.gauss(0, 0.05 * after)
            rows.append(Loss(epoch * steps + step, epoch, max(0.01, loss)))
    held_out = [Loss((epoch + 1) * steps - 1, epoch, loss) for epoch, loss in enumerate(validation)]
    return Curves(tuple(rows), tuple(held_out))


def _answer(question: HeldOut, skill: float, dice: random.Random) -> Answer:
    """The first words of what is wanted, then whatever comes to a model's mind."""
    wanted, vague = question.reference.split(), dice.choice(VAGUE).split()
    known = round(len(wanted) * min(1.0, max(0.0, dice.gauss(skill, 0.15))))
    text = " ".join(wanted[:known] + vague[: len(wanted) - known])
    return Answer(
        text=text, latency_ms=dice.randint(400, 1_100), output_tokens=round(1.4 * len(text.split()))
    )


def _judgement(question: HeldOut, answers: Sequence[Answer]) -> Judgement:
    base, tuned, _ = (token_f1(question.reference, one.text) for one in answers)
    return Judgement(better="tie" if abs(tuned - base) < 0.2 else "tuned" if tuned > base else "base")


def _pair(record: int, prompt: str, reference: str, base: Answer, tuned: Answer) -> Prediction:
    return Prediction(record=record, turn=0, prompt=prompt, reference=reference, base=base, tuned=tuned)


def _records(predictions: Sequence[Prediction]) -> list[bytes]:
    pairs = ({"prompt": one.prompt, "completion": one.reference} for one in predictions)
    return [json.dumps(pair).encode() + b"\n" for pair in pairs]
