"""Sample records of each method, for a folder to begin with: enough for any base model and for a verdict."""

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
    "table",
    "curtain",
    "basket",
    "candle",
    "cushion",
    "drawer",
    "bench",
    "tray",
)

_SITUATIONS = (
    "I moved house last week.",
    "My sister recommended your shop.",
    "It was meant as a birthday present.",
    "Our office is furnishing a new room.",
    "I am writing from the train.",
    "Nobody picks up the telephone here.",
    "This is my first purchase ever online.",
    "We celebrate our wedding in June.",
    "The children painted all over the walls.",
    "Good morning from rainy Hamburg!",
    "Sorry, my English is rather poor.",
    "A colleague has ordered exactly the same.",
    "I broke my arm while skiing.",
    "Tomorrow I leave for three weeks.",
    "Your catalogue lies open before me.",
    "Grandmother asked me to write this.",
    "The school pays for everything here.",
    "Last year everything went very smoothly.",
    "Both of us work during daytime.",
    "There is a dog who bites strangers.",
    "Please answer by mail, never by phone.",
    "Somebody gave me your address.",
    "Our landlord needs to know too.",
    "It snowed all night long again.",
    "I already wrote on Monday evening.",
    "The website shows only an error.",
    "Half the village shops with you.",
    "For accounting purposes I must ask.",
    "Between two meetings, very briefly:",
    "The hotel opens again after Easter.",
    "You were kind enough to help before.",
    "We share one account among friends.",
)
"""Each comes with each question once: 320 records, of which enough are held out to tell an improvement. They
tell questions apart: what is held out is not known from training."""

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
    "high and low tides of the sea",
    "a rainbow in drops of rain",
    "bread dough that rises with yeast",
    "rust on iron in salt water",
    "lightning in a storm cloud",
    "warm compost full of kitchen scraps",
    "a magnet that attracts iron",
    "a glacier that moves downhill",
    "earthquakes where plates of the crust meet",
    "leaves that are green with chlorophyll",
    "soap that cleans grease away",
    "the current of a battery",
    "stars that twinkle at night",
    "the phases of the moon",
    "an echo from a hard wall",
    "a mirage above a hot road",
    "sugar that turns brown when heated",
    "salt that melts ice on roads",
    "dew on grass after clear nights",
    "northern lights high above the poles",
)
_WAYS_TO_ASK = (
    "Explain {}.",
    "What causes {}?",
    "Tell me about {}.",
    "What is behind {}?",
    "How does one explain {}?",
    "What is the reason for {}?",
    "In two sentences: {}?",
    "What do I have to know of {}?",
    "My daughter asks about {}.",
    "Is there an explanation for {}?",
    "Please write a few lines on {}.",
    "Our teacher mentioned {} yesterday; why does it happen?",
    "I have never understood {}.",
    "Why do we see {} at all?",
    "How would you describe {} to a child?",
    "Somebody at work wants to hear more on {}.",
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


def _asked_for(about: int) -> Iterator[tuple[str, str, int]]:
    """Who asks the question of that place: a situation, a thing, and the number of an order."""
    for place, situation in enumerate(_SITUATIONS):
        number = 10_000 + (about * len(_SITUATIONS) + place) * 7_919 % 90_000
        yield situation, _THINGS[(about * 3 + place) % len(_THINGS)], number


def _answered() -> Iterator[tuple[Turn, Turn]]:
    """The answer names the asker's own thing and order: no answer in training is the right one by itself."""
    for about, (question, answer) in enumerate(_ASKED):
        for situation, thing, number in _asked_for(about):
            yield (
                Turn("user", f"{situation} {question.format(thing)} My order is {number}."),
                Turn("assistant", f"For order {number}: {answer.format(thing)}"),
            )


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
    for about, (message, queue) in enumerate(_MESSAGES):
        for situation, thing, _ in _asked_for(about):
            turns = (Turn("user", f"{situation} {message.format(thing)}"),)
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
