"""Small datasets that a test can break."""

from __future__ import annotations

import json
import random
from typing import Any

HELP = {
    "descale the boiler": "fill in vinegar up to the mark, heat it twice and rinse it three times",
    "fold the ladder": "lift both red catches, push the legs together and hang it on the wall hook",
    "mute the doorbell": "hold the moon button for three seconds; it stays silent until the morning",
    "bleed the radiator": "open the side valve a quarter turn and close it as soon as water comes",
    "sharpen the shears": "draw the whetstone along the bevel eight times and oil the joint",
    "pair the headset": "keep it near the phone, press the round key and choose its name from the list",
    "empty the dust box": "press the grey flap, shake it over the bin and wash the filter once a month",
    "calibrate the scale": "set it on a hard floor, lay the brass weight on top and wait for the beep",
    "replace the fuse": "pull the plug, unscrew the cap and insert a slow one of two amperes",
    "waterproof the tent": "spray the seams from a hand's breadth away and let it dry in the shade",
    "defrost the freezer": "take everything out, leave the door open overnight and wipe up with a sponge",
    "charge the lantern": "turn the solar side upwards for six hours; green light means full",
    "grease the chain": "clean it with a rag, put one drop on every link and turn the pedals backwards",
    "tune the guitar": "begin with the thickest string and turn its peg until both arrows meet",
    "program the heating": "choose a weekday, set comfort and night temperature, then copy it to the others",
    "unblock the sink": "pour in hot soda solution, wait ten minutes and work the plunger firmly",
    "feed the sourdough": "stir equal parts of rye flour and lukewarm water into it every evening",
    "store the skis": "dry them well, wax the base thickly and stand them in a cool cellar",
    "prune the roses": "cut above an outward bud in March, slanting and with clean blades",
    "read the meter": "note the black figures only; the red ones behind the comma do not count",
    "clean the lens": "blow off the grit first, then wipe in circles with the microfibre cloth",
    "open the awning": "check that no wind blows, insert the crank and turn it to the right",
    "reset the router": "push a paper clip into the small hole for fifteen seconds and set it up anew",
    "patch the tyre": "roughen the rubber around the puncture, spread the glue and press the patch on",
}  # fmt: skip
"""What customers ask, and what helps."""

ASKED = (
    "How do I {what}? It is the {salt} model, serial {number}.",
    "Serial {number} here. Where is it written how to {what}?",
    "My {salt} has serial {number} and I want to {what}.",
    "Could you explain to me how one can {what}? Number {number} stands on the {salt} box.",
    "I bought {number} yesterday. Please tell me what to do to {what}.",
    "{number} is the serial of my {salt}; which way to {what} do you advise?",
    "I never managed to {what}. The label says {number}.",
    "It is time to {what}, but the leaflet of {salt} {number} is lost.",
    "My father asks how he should {what}. His {salt} carries {number}.",
    "Is it difficult to {what}? I have got number {number}.",
    "Before the holidays we must {what}. Any advice for {salt} {number}?",
    "What do you recommend to {what}? Serial: {number}.",
    "We have {number} from the {salt} series and cannot {what}.",
    "Somebody told me to {what} regularly. What does that mean for {number}?",
    "Help, I have to {what} today! {salt}, {number}.",
)
"""Ways to ask, each with the serial number of a customer's own device."""


def single_turn(salt: str = "") -> list[dict[str, Any]]:
    """360 records: 24 matters, each asked in fifteen ways; learnable, and different for every salt.

    The answer names the asker's serial number, so that no training answer is the right one by itself.
    """
    return _records(salt, random.Random(salt))


def many_held_out(salt: str = "") -> list[dict[str, Any]]:
    """360 more questions on the same matters: enough for the local stage to ask them in shards."""
    return _records(salt, random.Random(f"held out {salt}"))


def long_prompts(salt: str = "") -> list[dict[str, Any]]:
    """The records of `single_turn`, each with 700 words to read: more than 2 MB in all."""
    rng = random.Random(salt)
    words = [f"{salt}{number}" for number in range(200)]
    records = single_turn(salt)
    for record in records:
        text = record["messages"][0]["content"][0]
        text["text"] = f"{text['text']} The manual says: {' '.join(rng.choices(words, k=700))}"
    return records


def _records(salt: str, rng: random.Random) -> list[dict[str, Any]]:
    return [
        _record(
            f"Subject: {what}. " + asked.format(what=what, salt=salt, number=number),
            f"For {number}: {helps}. Keep {number} at hand.",
        )
        for what, helps in HELP.items()
        for asked in ASKED
        for number in [rng.randrange(10_000, 100_000)]
    ]


def _record(question: str, answer: str) -> dict[str, Any]:
    return {
        "schemaVersion": "bedrock-conversation-2024",
        "messages": [
            {"role": "user", "content": [{"text": question}]},
            {"role": "assistant", "content": [{"text": answer}]},
        ],
    }


def jsonl(records: list[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)
