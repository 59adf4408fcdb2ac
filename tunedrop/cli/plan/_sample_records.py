"""Sample records for each method, for `init`: enough for any base model and for a verdict."""

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
    "Our office has a new room.",
    "I am writing from the train.",
    "Nobody picks up the telephone.",
    "We celebrate our wedding in June.",
    "Good morning from rainy Hamburg!",
    "Sorry, my English is poor.",
    "A colleague asks me this.",
    "Tomorrow I leave for three weeks.",
    "Your catalogue lies before me.",
    "The website shows an error.",
    "Between two meetings, very briefly:",
)
"""Each comes with each question once: 336 records, of which enough are held out to tell an improvement. They
tell questions apart: what is held out is not known from training."""

_ASKED = (
    ("How do I return a {}?", "put it into its box, print the label and leave it at any post office."),
    ("When will my {} come?", "it leaves us within two days; your account shows where it is now."),
    ("Can I pay for a {} by invoice?", "yes, from your second purchase on; choose it at the last step."),
    ("My {} arrived broken. What now?", "we are sorry; send a picture and we replace it today."),
    ("Is the {} in stock?", "its page shows that; where it says sold out, leave your address there."),
    ("How do I clean a {}?", "wipe it with a soft, dry cloth; never with anything that scratches."),
    ("May the colour of the {} be changed?", "until it has left us: open your order and choose change."),
    (
        "Does the {} come assembled?",
        "it comes in parts, with a page of pictures and the one tool it takes.",
    ),
    ("How long is the {} under warranty?", "two years from the day it reached you; keep the receipt."),
    (
        "Do you deliver a {} abroad?",
        "we bring it to every country of our list; the price is shown at the end.",
    ),
    (
        "Where can I see the {} before buying?",
        "three of our branches have it on display; ring them first.",
    ),
    ("Which wood is the {} made of?", "it is oak from forests nearby, oiled twice and never varnished."),
    ("Will you wrap the {} as a gift?", "tick the ribbon in your basket; we wrap it in recycled paper."),
    ("How heavy is the {}?", "with its packaging it weighs six kilograms; one person carries it easily."),
    ("Can somebody fetch my old {}?", "our driver takes it along if you say so a day ahead."),
    (
        "I lost the screws of the {}.",
        "spare screws are free; we post them in an envelope tonight.",
    ),
    ("Does a student get the {} cheaper?", "a valid card brings ten per cent off; upload it once."),
    ("The {} smells strange.", "let it stand by an open window; fresh oil needs about a week to harden."),
    ("Can I hire a {} for one evening?", "hiring it costs a tenth of its value; bring it back by noon."),
    (
        "Is the {} safe for toddlers?",
        "all of its edges are rounded and its paint passed the test for toys.",
    ),
    ("May the {} stay outside in winter?", "no, frost splits the wood; cover it or carry it into a shed."),
    ("Who repairs a {} after years?", "our workshop mends it at cost; bring it on a Thursday."),
    ("Can my {} be engraved?", "up to twelve letters fit on it; type them in the field for remarks."),
    ("Why did the {} become dearer?", "timber went up in spring; whoever reserved earlier pays less."),
)
"""What is asked about a thing, and the answer to one who has ordered it."""

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
    ("How do I get rid of a {} that I do not like?", "returns"),
    ("May I exchange the {} for a smaller one?", "returns"),
    ("I ordered two by mistake; one {} can go back.", "returns"),
    ("The box for returning the {} is missing.", "returns"),
    ("Where is my {}? The parcel is late.", "delivery"),
    ("The parcel with the {} went to my neighbour.", "delivery"),
    ("Can you bring the {} on a Saturday?", "delivery"),
    ("The driver of the parcel with the {} did not ring.", "delivery"),
    ("Please bring the {} to another address.", "delivery"),
    ("The parcel came without the {}.", "delivery"),
    ("My card was charged twice for the {}.", "payment"),
    ("Please send me an invoice for the {}.", "payment"),
    ("The voucher for the {} was not taken off the price.", "payment"),
    ("Can I pay for the {} in two parts?", "payment"),
    ("Your shop does not take my card for the {}.", "payment"),
    ("The price of the {} on my invoice is wrong.", "payment"),
    ("The {} broke after a year.", "warranty"),
    ("The {} makes a noise and has stopped working.", "warranty"),
    ("The {} has come apart although I took care.", "warranty"),
    ("After three months the {} stopped working.", "warranty"),
    ("Do you repair a {} that broke by itself?", "warranty"),
    ("The {} broke again since its repair.", "warranty"),
)


def sample(method: Method) -> str:
    """A sample dataset for a method, as JSON lines."""
    return "".join(f"{msgspec.json.encode(record).decode()}\n" for record in _RECORDS[method]())


def _asked_for(about: int) -> Iterator[tuple[str, str, int]]:
    """Who asks the question of that place: a situation, a thing, and the number of an order."""
    for place, situation in enumerate(_SITUATIONS):
        number = 10_000 + (about * len(_SITUATIONS) + place) * 7_919 % 90_000
        yield situation, _THINGS[(about * 3 + place) % len(_THINGS)], number


def _answered() -> Iterator[tuple[Turn, Turn]]:
    """The answer names the asker's own order: no answer in training is the right one by itself."""
    for about, (question, answer) in enumerate(_ASKED):
        for situation, thing, number in _asked_for(about):
            yield (
                Turn("user", f"{situation} {question.format(thing)} My order is {number}."),
                Turn("assistant", f"For order {number}: {answer}"),
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


def _preference() -> Iterator[dict[str, Any]]:
    """What is preferred names the order and helps; what is rejected sends the customer away."""
    for question, answer in _answered():
        curt = Turn("assistant", "Please read the terms on our website; we cannot help with that here.")
        yield formats.write(Conversation((question, answer), rejected=curt), "preference")


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
    "preference": _preference,
    "continued-pretraining": _continued_pretraining,
    "distillation": _distillation,
    "reinforcement": _reinforcement,
}

METHODS = tuple(_RECORDS)
"""The methods with sample data."""
