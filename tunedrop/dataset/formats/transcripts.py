"""Conversations in one text, with the marks of a chat template: what tokenizers are fed, kept as a dataset.

| template | form |
| --- | --- |
| ChatML, Llama 3, Zephyr, Phi, Gemma | `<\\|im_start\\|>user\\n…<\\|im_end\\|>` and the like |
| Llama 2, Mistral | `<s>[INST] <<SYS>> … <</SYS>> … [/INST] … </s>` |
| Alpaca, Guanaco | `### Instruction: … ### Response: …`, `### Human: … ### Assistant: …` |
| Anthropic, Vicuna, Baize | `Human: … Assistant: …`, `USER: … ASSISTANT: …`, `[\\|Human\\|] … [\\|AI\\|] …` |

The text stands alone, or is a prompt that ends where the answer begins. As plain text a model would learn to
write the marks, and both sides of the conversation. Sources: the templates of the models' tokenizers;
openassistant-guanaco, guanaco-llama2-1k, baize (data sets' cards). Read 2026-11-29.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tunedrop.dataset.formats import names, naming, turns
from tunedrop.dataset.formats.record import Conversation, Reading, Turn, said

_BOS = r"(?:<s>|<\|begin_of_text\|>|<bos>|<\|startoftext\|>)"
_PREFACES = ("Below is an instruction", "A chat between", "The conversation between")
_PREFACE = rf"(?:{'|'.join(_PREFACES)})[^#\[|]{{0,600}}?"
_MARKS = (
    r"<\|im_start\|>[ \t]*(system|user|assistant)[ \t]*\n",
    r"<\|start_header_id\|>(system|user|assistant)<\|end_header_id\|>",
    r"<\|(system|user|assistant)\|>",
    r"<start_of_turn>(user|model)\n",
    r"\[(INST|/INST)\]",
    r"###[ ]?(System|Instruction|Input|Response|Human|User|Assistant):",
    r"\[\|(Human|AI)\|\]",
    r"(?:\A|\n\n)[ \t]*(Human|Assistant):(?:[ \t]|\Z)",
    r"(?:\A|[\n ]|</s>)(USER|ASSISTANT):(?:[ \t]|\Z)",
)
_SPEAKERS = tuple(map(re.compile, _MARKS))
_BEGINS = re.compile(rf"\s*(?:{_BOS}\s*)?(?:{_PREFACE})?(?:{'|'.join(f'(?:{one})' for one in _MARKS)})")
_END = re.compile(
    r"(?:\s|<s>|</s>|<\|im_end\|>|<\|eot_id\|>|<\|eom_id\|>|<\|end\|>|<\|endoftext\|>|<\|end_of_text\|>"
    r"|<end_of_turn>|<eos>)+\Z"
)
_SYSTEM = re.compile(r"\s*<<SYS>>(.*?)<</SYS>>", re.DOTALL)
_ROLES = {
    **turns.ROLES,
    "inst": turns.USER,
    "instruction": turns.USER,
    "input": "input",
    "/inst": turns.ASSISTANT,
    "response": turns.ASSISTANT,
}

_Said = tuple[str, str]
"""Who speaks, and what is said."""


def begins(text: str) -> bool:
    """Whether a text begins as a transcript does."""
    return text[:_LOOKED_AT].lstrip().startswith(_FIRST) and _BEGINS.match(text) is not None


_FIRST = ("<", "[", "#", "Human", "USER", *_PREFACES)
_LOOKED_AT = 60


def fits(record: Mapping[str, Any]) -> bool:
    """Whether a record is a transcript, alone or with its answer beside it."""
    return bool(_of(record)[1])


def read(record: Mapping[str, Any], _: Reading) -> Conversation | None:
    """A record that `fits`."""
    keys, spoken = _of(record)
    given = [Turn(role, text, (), f"$.{keys[role == turns.ASSISTANT]}") for role, text in spoken]
    system = [one.text for one in given if one.role == turns.SYSTEM]
    unread = {key: one for key, one in said(record).items() if key not in keys and one != ""}
    return Conversation(tuple(one for one in given if one.role != turns.SYSTEM), "".join(system), {}, unread)


def _of(record: Mapping[str, Any]) -> tuple[tuple[str, str], list[_Said]]:
    """The keys of what the user and the assistant say, and what they say; nothing of any other record."""
    there = naming.keys_of(record)
    if there.prompt and there.answer:
        prompt, answer = record[there.prompt], record[there.answer]
        is_open = isinstance(prompt, str) and isinstance(answer, str) and begins(prompt)
        found = spoken(prompt, answer) if is_open and answer.strip() and not there.context else []
        return (there.prompt, there.answer), found
    key = next((one for one in names.DOCUMENTS if isinstance(record.get(one), str)), "")
    text = record.get(key, "")
    return (key, key), spoken(text) if begins(text) else []


def spoken(text: str, answer: str = "") -> list[_Said]:
    """What is said in a transcript, with the answer to it; nothing where it is none from end to end."""
    speaker = next(
        (one for one in _SPEAKERS if (first := one.search(text)) and _BEGINS.match(text[: first.end()])), None
    )
    if speaker is None:
        return []
    before, *rest = speaker.split(text)
    before = re.sub(_BOS, "", before).strip()
    found: list[_Said] = [(turns.SYSTEM, before)] if before else []
    for who, words in zip(rest[::2], rest[1::2], strict=True):
        role, words = _ROLES[who.lower()], _END.sub("", words).strip()
        if role == "input" and found:
            found[-1] = (found[-1][0], f"{found[-1][1]}\n\n{words}".strip())
            continue
        if (system := _SYSTEM.match(words)) and not found:
            found.append((turns.SYSTEM, system[1].strip()))
            words = words[system.end() :].strip()
        found.append((role, words))
    if answer and found[-1] == (turns.ASSISTANT, ""):
        found[-1] = (turns.ASSISTANT, _END.sub("", answer).strip())
    elif not answer and found[-1] == (turns.USER, ""):
        found.pop()
    elif answer:
        return []
    return found if _are_turns(found) else []


def _are_turns(found: list[_Said]) -> bool:
    roles = [role for role, _ in found if role != turns.SYSTEM]
    is_first = all(role != turns.SYSTEM for role, _ in found[1:])
    expected = [(turns.USER, turns.ASSISTANT)[at % 2] for at in range(len(roles))]
    return len(roles) > 1 and is_first and roles == expected and all(one for _, one in found)


def is_transcript(conversation: Conversation) -> bool:
    """Whether what was read as a text or a pair is a transcript."""
    first, *rest = conversation.turns
    return begins(first.text) and bool(spoken(first.text, rest[0].text if rest else ""))
