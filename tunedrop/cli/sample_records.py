"""Sample records of each method, for a folder to begin with: few, and as many as every base model wants."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from tunedrop.contracts import Method
from tunedrop.dataset import formats
from tunedrop.dataset.formats import Conversation, Turn

_THINGS = (
    "lamp",
    "chair",
    "kettle",
    "rug",
    "mirror",
    "shelf",
    "clock",
    "vase",
    "desk",
    "blanket",
    "stool",
    "frame",
)
"""Twelve, each asked after in ten ways: 120 records, where most base models want 100."""

_ASKED = (
    ("How do I return a {}?", "Put the {} into its box, print the label and leave it at any post office."),
    ("When will my {} come?", "Your {} leaves us within two days; your account shows where it is now."),
    (
        "Can I pay for a {} by invoice?",
        "Yes, from your second order on: choose invoice at the last step for the {}.",
    ),
    (
        "My {} arrived broken. What now?",
        "We are sorry. Send us a picture of the {} and we send a new one today.",
    ),
    ("Is the {} in stock?", "The page of the {} shows it; where it says sold out, leave your address there."),
    ("How do I clean a {}?", "Wipe the {} with a soft, dry cloth; never with anything that scratches."),
    (
        "Can I change my order of a {}?",
        "As long as the {} has not left us: open the order and choose change.",
    ),
    (
        "Does the {} come assembled?",
        "The {} comes in parts, with a page of pictures and the one tool it takes.",
    ),
    ("How long is the {} under warranty?", "Two years from the day the {} reached you; keep the invoice."),
    (
        "Do you deliver a {} abroad?",
        "We bring a {} to every country of our list; the price is shown at the end.",
    ),
)

_WONDERS = (
    "tides rise and fall",
    "a rainbow appears",
    "bread dough rises",
    "iron rusts",
    "lightning strikes",
    "compost becomes warm",
    "a magnet attracts iron",
    "a glacier moves",
    "leaves are green",
    "soap cleans",
    "stars twinkle",
    "dew forms at night",
)
_WAYS_TO_ASK = (
    "Why is it that {}?",
    "Explain to a child why {}.",
    "In two sentences: why is it that {}?",
    "I have always wondered why {}.",
    "Tell me why {}, please.",
    "What is the reason that {}?",
    "How does it come that {}?",
    "For a school book: why is it that {}?",
    "My daughter asks why {}. What do I say?",
    "Do you know why {}?",
)

_SORT = (
    "Sort the customer's message into one queue: returns, delivery, payment or warranty. "
    "Answer with its name alone."
)
_MESSAGES = (
    ("I want to send the {} back.", "returns"),
    ("The {} does not fit, please take it back.", "returns"),
    ("Where is my {}? The parcel is late.", "delivery"),
    ("The parcel with the {} went to my neighbour.", "delivery"),
    ("Can you bring the {} on a Saturday?", "delivery"),
    ("My card was charged twice for the {}.", "payment"),
    ("Please send me an invoice for the {}.", "payment"),
    ("The voucher for the {} was not taken off the price.", "payment"),
    ("The {} broke after a year.", "warranty"),
    ("The {} makes a noise since last month and has stopped working.", "warranty"),
)


def sample(method: Method) -> str:
    """A dataset of a method, as JSON lines."""
    return "".join(f"{msgspec.json.encode(record).decode()}\n" for record in _RECORDS[method]())


def _answered() -> Iterator[tuple[Turn, Turn]]:
    for question, answer in _ASKED:
        for thing in _THINGS:
            yield Turn("user", question.format(thing)), Turn("assistant", answer.format(thing))


def _instruction() -> Iterator[dict[str, Any]]:
    return (formats.write(Conversation(turns), "prompt-completion") for turns in _answered())


def _single_turn() -> Iterator[dict[str, Any]]:
    return (formats.write(Conversation(turns), "converse") for turns in _answered())


def _multi_turn() -> Iterator[dict[str, Any]]:
    for turns in _answered():
        more = (
            Turn("user", "Thank you. Is there anything else to know?"),
            Turn("assistant", f"No, that is all. In short: {turns[1].text}"),
        )
        yield formats.write(Conversation(turns + more, "You are the shop's assistant."), "converse")


def _continued_pretraining() -> Iterator[dict[str, Any]]:
    for question, answer in _answered():
        yield formats.write(Conversation((Turn("text", f"{question.text} {answer.text}"),)), "text")


def _distillation() -> Iterator[dict[str, Any]]:
    for way in _WAYS_TO_ASK:
        for wonder in _WONDERS:
            yield formats.write(Conversation((Turn("user", way.format(wonder)),)), "converse")


def _reinforcement() -> Iterator[dict[str, Any]]:
    for message, queue in _MESSAGES:
        for thing in _THINGS:
            turns = (Turn("user", message.format(thing)),)
            yield formats.write(Conversation(turns, _SORT, {"reference_answer": queue}), "openai-chat")


_RECORDS: dict[Method, Callable[[], Iterator[dict[str, Any]]]] = {
    "instruction": _instruction,
    "single-turn": _single_turn,
    "multi-turn": _multi_turn,
    "continued-pretraining": _continued_pretraining,
    "distillation": _distillation,
    "reinforcement": _reinforcement,
}

METHODS = tuple(_RECORDS)
"""The methods that a folder can be written for."""
