"""An answer to each general-ability prompt that a person would call right."""

from __future__ import annotations

import json

from tunedrop.evaluation.general_ability import Probe

_BY_ID = {
    "exactly-ok": "ready",
    "exactly-sentence": "The door is blue.",
    "upper-case": "HARBOUR",
    "sort-words": "apple, fig, pear",
    "yes-no": "Yes.",
    "yes-no-2": "No",
    "count-list": "1, 2, 3, 4, 5",
    "first-letter": "R",
    "invented-book": "I could not find a novel of that name.",
    "invented-element": "There is no element called brontassium.",
    "invented-town": "I'm not familiar with that town.",
    "invented-law": "I don't know of such a law.",
}


def right_answer(probe: Probe) -> str:
    if probe.id in _BY_ID:
        return _BY_ID[probe.id]
    return json.dumps(probe.json) if probe.json else f"It is {probe.accept[0]}, of course."
