"""Conversations in a single string, with the markup of a chat template, as tokenizers receive them.

| template | form |
| --- | --- |
| ChatML, Llama 3 and 4, Zephyr, Phi, GLM, Gemma | `<\\|im_start\\|>user\\n…<\\|im_end\\|>` and the like |
| DeepSeek, Command R, Granite, gpt-oss, Kimi | `<\\|User\\|>…<\\|Assistant\\|>…` and the like |
| EXAONE, Nemotron, OpenChat | `[\\|user\\|]…`, `<extra_id_1>User\\n…`, `GPT4 Correct User: …` |
| Llama 2, Mistral | `<s>[INST] <<SYS>> … <</SYS>> … [/INST] … </s>` |
| Alpaca, Guanaco | `### Instruction: … ### Response: …`, `### Human: … ### Assistant: …` |
| Anthropic, Vicuna, Baize | `Human: … Assistant: …`, `USER: … ASSISTANT: …`, `[\\|Human\\|] … [\\|AI\\|] …` |
| Falcon, RWKV, LangChain | `User: … Assistant: …`, `Human: … AI: …`, a speaker a line |
| questions and answers | `Q: … A: …`, `Context: … Question: … Answer: …`, in a text that stands alone |

The string is the whole record, or a prompt that ends where the answer begins. If it were trained on as plain
text, the model would learn to write the markup, and both sides of the conversation. Sources: the templates of
the models' tokenizers; openassistant-guanaco, guanaco-llama2-1k, baize (data sets' cards). Read 2026-11-29.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from tunedrop.dataset.formats import names, naming, turns
from tunedrop.dataset.formats.record import Conversation, Reading, Turn, said
from tunedrop.dataset.types import shorten

_BOS = (
    r"(?:<s>|<\|begin_of_text\|>|<bos>|<\|startoftext\|>|<\uff5cbegin\u2581of\u2581sentence\uff5c>|<BOS_TOKEN>"
    r"|\[gMASK\]\s?<sop>|\[BOS\])"
)
_PREFACES = ("Below is an instruction", "A chat between", "The conversation between")
_AT_LINE = rf"(?:\A|\n|</s>|<\|end\|>|{_BOS})[ \t]*+"
_TOOLS = "tool|ipython|function|observation|environment"
_ROLE = rf"(system|developer|user|assistant|{_TOOLS})"
_HEADING = (
    r"(?:\A|\n|(?=###[ ]?(?:Human|Assistant):))",
    r"###[ ]?(System|Instruction|Input|Response|Human|User|Assistant):",
)
_QUESTION = (r"(?:\A|\n)", r"(Context|Question|Answer|Q|A):(?:[ \t\n]|\Z)")
_MARKS = (
    ("", r"<\|im_start\|>[ \t]*+([\w-]{1,30})[ \t]*+\n"),
    ("", r"<\|(?:start_header_id|header_start)\|>([\w-]{1,30})<\|(?:end_header_id|header_end)\|>"),
    (_AT_LINE, rf"<\|{_ROLE}\|>"),
    (r"(?<![ \t])", rf"<\|{_ROLE}\|>\n"),
    ("", r"<start_of_turn>(\w{1,30})\n"),
    ("", r"\[(INST|/INST)\]"),
    _HEADING,
    ("", r"\[\|(Human|AI|system|user|assistant)\|\]"),
    ("", r"<[|\uff5c](User|Assistant)[|\uff5c]>"),
    ("", r"<\|START_OF_TURN_TOKEN\|><\|(SYSTEM|USER|CHATBOT)_TOKEN\|>"),
    ("", r"<\|start_of_role\|>([\w-]{1,30})<\|end_of_role\|>"),
    (
        "",
        rf"<\|start\|>((?:{_ROLE[1:-1]})(?:<\|channel\|>(?!final)\w+)?)(?:<\|channel\|>final)?<\|message\|>",
    ),
    ("", r"<\|im_(?:system|user|assistant)\|>(\w{1,30})<\|im_middle\|>"),
    ("", r"<extra_id_[01]>(System|User|Assistant)\n"),
    (r"(?:\A|<\|end_of_turn\|>)\s*+", r"(?:GPT4 Correct|Code|Math Correct) (User|Assistant):"),
    (rf"(?:\A|\n\n|{_BOS})[ \t]*+", r"(Human|Assistant):(?:[ \t]|\Z)"),
    (rf"(?:\A|[\n ]|</s>|{_BOS})", r"(USER|ASSISTANT):(?:[ \t]|\Z)"),
    (rf"(?:\A|\n|{_BOS})[ \t]*+", r"(Human|User|AI|Assistant):(?:[ \t]|\Z)"),
    _QUESTION,
)
"""Where a mark counts, and the mark: inside of a line it is usually part of the text."""
_SPEAKERS = tuple(re.compile(where + mark) for where, mark in _MARKS)
_HEADINGS, _QUESTIONS = (_SPEAKERS[_MARKS.index(one)] for one in (_HEADING, _QUESTION))
_CHOICE = re.compile(r"\n[B-D][:.)]\s")
_PREFACE = rf"(?:{'|'.join(_PREFACES)})(?s:.){{0,600}}?|(?<=<\uff5cbegin\u2581of\u2581sentence\uff5c>)[^<]*+"
_BEGINS = re.compile(
    rf"\s*+(?:{_BOS}\s*+)?+(?:{_PREFACE})?(?:{'|'.join(f'(?:{mark})' for _, mark in _MARKS)})"
)
_ENDS = (
    "<s>", "</s>", "<|im_end|>", "<|eot_id|>", "<|eom_id|>", "<|eot|>", "<|end|>", "<|return|>",
    "<|endoftext|>", "<|end_of_text|>", "<|end_of_turn|>", "<end_of_turn>", "<eos>",
    "<\uff5cend\u2581of\u2581sentence\uff5c>", "<|END_OF_TURN_TOKEN|>", "<EOS_TOKEN>", "[|endofturn|]",
)  # fmt: skip
_LEADING = re.compile(r"\A(?: ?(?:\r?\n)+| (?! ))")
_SPECIAL = (
    "<|im_start|>", "<|start_header_id|>", "<|header_start|>", "<start_of_turn>", "<|START_OF_TURN_TOKEN|>",
    "<|start_of_role|>", "<|start|>", "<\uff5cUser\uff5c>", "<extra_id_1>",
)  # fmt: skip
_SYSTEM = re.compile(r"\s*+<<SYS>>(.*?)<</SYS>>", re.DOTALL)
_ROLES = {
    **turns.ROLES,
    "inst": turns.USER,
    "instruction": turns.USER,
    "input": "input",
    **dict.fromkeys(("context", "question", "q"), turns.USER),
    **dict.fromkeys(("answer", "a"), turns.ASSISTANT),
    "/inst": turns.ASSISTANT,
    "response": turns.ASSISTANT,
}
_SPOKEN = (turns.SYSTEM, turns.USER, turns.ASSISTANT)

_Said = tuple[str, str]
"""A speaker and a text."""


def begins(text: str) -> bool:
    """Whether a text begins as a transcript does."""
    return text[:_LOOKED_AT].lstrip().startswith(_FIRST) and _BEGINS.match(text) is not None


_FIRST = (
    "<", "[", "#", "Human", "USER", "User", "GPT4 ", "Code User", "Math Correct", "Q:", "Question:",
    "Context:", *_PREFACES,
)  # fmt: skip
_LOOKED_AT = 60


def fits(record: Mapping[str, Any]) -> bool:
    """Whether a record is a transcript, alone or with its answer beside it."""
    return bool(_of(record)[1])


def read(record: Mapping[str, Any], reading: Reading) -> Conversation | None:
    """Read a record that `fits`; None, and a problem is added, if it has a speaker that a string cannot
    express."""
    keys, spoken = _of(record)
    if other := next((role for role, _ in spoken if role not in _SPOKEN), ""):
        what = (
            f"a turn of {shorten(other)} in one text cannot be told from an answer: write it as messages, "
            "with tool_calls and role tool"
        )
        reading.add(f"$.{keys[0]}", "TD023", what, other, "system, user or assistant")
        return None
    given = [Turn(role, text, (), f"$.{keys[role == turns.ASSISTANT]}") for role, text in spoken]
    system = [one.text for one in given if one.role == turns.SYSTEM]
    unread = {key: one for key, one in said(record).items() if key not in keys and one != ""}
    return Conversation(
        tuple(one for one in given if one.role != turns.SYSTEM), "\n\n".join(system), {}, unread
    )


def _of(record: Mapping[str, Any]) -> tuple[tuple[str, str], tuple[_Said, ...]]:
    """The keys and values of the user's and the assistant's texts; empty for other records."""
    there = naming.keys_of(record)
    if there.prompt and there.answer:
        prompt, answer = record[there.prompt], record[there.answer]
        is_open = isinstance(prompt, str) and isinstance(answer, str) and begins(prompt)
        found = spoken(prompt, answer) if is_open and answer.strip() and not there.context else ()
        return (there.prompt, there.answer), found
    key = next((one for one in names.DOCUMENTS if isinstance(record.get(one), str)), "")
    text = record.get(key, "")
    return (key, key), spoken(text) if begins(text) else ()


@lru_cache(maxsize=1)  # `fits` and `read` get the same record in succession
def spoken(text: str, answer: str = "") -> tuple[_Said, ...]:
    """The turns of a transcript, with its answer; empty unless all of it is a transcript."""
    for speaker in _SPEAKERS[:-1] if answer else _SPEAKERS:
        first = speaker.search(text)
        if first and _BEGINS.match(text[: first.end()]) and (found := _split(speaker, text, answer)):
            return found
    return ()


def _split(speaker: re.Pattern[str], text: str, answer: str) -> tuple[_Said, ...]:
    """The turns of a text by the marks of one template; empty if they are not a conversation."""
    if speaker is _QUESTIONS and _CHOICE.search(text):
        return ()
    marks = list(_marks(speaker, text))
    before = re.sub(_BOS, "", text[: marks[0][1]]).strip()
    found: list[_Said] = [(turns.SYSTEM, before)] if before else []
    ends = [start for _, start, _ in marks[1:]] + [len(text)]
    for (role, _, start), end in zip(marks, ends, strict=True):
        words = _words(role, text[start:end])
        if found and (role == "input" or (speaker is _QUESTIONS and role == found[-1][0] == turns.USER)):
            found[-1] = (found[-1][0], f"{found[-1][1]}\n\n{words}".strip())
            continue
        if (system := _SYSTEM.match(words)) and not found:
            found.append((turns.SYSTEM, system[1].strip()))
            words = words[system.end() :].strip()
        found.append((role, words))
    if answer and found[-1] == (turns.ASSISTANT, ""):
        found[-1] = (turns.ASSISTANT, _words(turns.ASSISTANT, answer))
    elif not answer and found[-1] == (turns.USER, ""):
        found.pop()
    elif answer:
        return ()
    return tuple(found) if _are_turns(found) else ()


def _marks(speaker: re.Pattern[str], text: str) -> Iterator[tuple[str, int, int]]:
    """The speaker, and the start and end of each mark; a heading inside an answer is part of the answer."""
    last = ""
    for mark in speaker.finditer(text):
        role = _ROLES.get(mark[1].lower(), mark[1])
        is_said = speaker is _HEADINGS and last == turns.ASSISTANT and role in ("input", turns.ASSISTANT)
        if not is_said:
            last = role
            yield role, mark.start(), mark.end()


def _words(role: str, text: str) -> str:
    """The text without its end marks; the indentation of an answer is kept."""
    end = len(text)
    while True:
        while end and text[end - 1].isspace():
            end -= 1
        mark = next((one for one in _ENDS if text.endswith(one, 0, end)), "")
        if not mark:
            break
        end -= len(mark)
    return _LEADING.sub("", text[:end]) if role == turns.ASSISTANT else text[:end].strip()


def _are_turns(found: list[_Said]) -> bool:
    """Whether these are the turns of a conversation, possibly with a speaker that `read` refuses."""
    if any(role not in (*_SPOKEN, "input") for role, _ in found):
        return True
    if any(mark in words for _, words in found for mark in _SPECIAL):
        return False
    roles = [role for role, _ in found if role != turns.SYSTEM]
    is_first = all(role != turns.SYSTEM for role, _ in found[-len(roles) :])
    expected = [(turns.USER, turns.ASSISTANT)[at % 2] for at in range(len(roles))]
    return len(roles) > 1 and is_first and roles == expected and all(one for _, one in found)


def is_transcript(conversation: Conversation) -> bool:
    """Whether a record that was read as text or pair is a transcript."""
    first, *rest = conversation.turns
    return begins(first.text) and bool(spoken(first.text, rest[0].text if rest else ""))
