"""Recognizes exports of other tools that contain no pairs, and says what to do; and values that only look
like answers.

| from | what looks like an answer |
| --- | --- |
| MMLU | the number of one of several choices (`choices`) |
| Prodigy | accept, reject, ignore: what the annotator decided |

Source: the data sets' cards; Prodigy, API interfaces; Label Studio, export. Read 2026-11-29.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tunedrop.dataset.formats import choices, names

DECISIONS = ("accept", "reject", "ignore")
_OF_PRODIGY = frozenset(("_task_hash", "_input_hash", "spans", "options", "accept", "tokens"))


def why_no_answer(record: Mapping[str, Any], key: str, prompt: str = "") -> str:
    """Why a value under a usual name of an answer is not an answer; empty if it is."""
    value = record.get(key)
    decided = record.get("answer")
    if key != "answer" and decided in DECISIONS[1:] and not _OF_PRODIGY.isdisjoint(record):
        return f"the annotator's decision on this record is {decided}; remove the record"
    if value in DECISIONS and not _OF_PRODIGY.isdisjoint(record):
        return f"{key} is an annotator's decision on the record, {value}; write the chosen value under label"
    if names.plain(prompt) not in names.TASKS and (lists := _lists(record)):
        return lists
    return choices.why_no_answer(record, key, prompt)


def _lists(record: Mapping[str, Any]) -> str:
    """Why a record whose questions are a list is not a pair; empty if they are not a list."""
    for asked, said in (("patterns", "responses"), ("questions", "answers"), ("questions", "responses")):
        if isinstance(record.get(asked), list) and isinstance(record.get(said), list | dict):
            return f"{asked} and {said} are lists; write one record per question, with one answer"
    if isinstance(found := record.get("questions"), list) and found:
        return "questions is a list; write one record per question, with its answer"
    return ""


def hint(record: Mapping[str, Any]) -> str:
    """What a record without a prompt or an answer is, and what to do; empty if unknown."""
    if known := _of_a_tool(record):
        return known
    if "custom_id" in record and ("response" in record or "result" in record):
        return "this is batch output; its prompts are in the batch input: join them by custom_id"
    if isinstance(record.get("choices"), list) and record.get("object") == "chat.completion":
        return "this is an OpenAI response without its prompt; add the messages of the request"
    if "annotations" in record and isinstance(record.get("data"), dict):
        return "this is Label Studio's full export; export JSON-MIN or CSV"
    translation = record.get("translation")
    if isinstance(translation, dict) and len(translation) > 1:
        languages = ", ".join(map(str, list(translation)[:2]))
        return f"translation holds {languages}; write one as prompt and the other as completion"
    if isinstance(instances := record.get("instances"), list) and len(instances) > 1:
        return f"instances holds {len(instances)} examples; write one record per example"
    if isinstance(comments := record.get("comments"), list) and comments:
        return (
            "comments is a list; write each question with its answer as a record, or the conversation as "
            "messages with role and content"
        )
    if "caption" in record and not {"image", "file_name"}.isdisjoint(record):
        return "an image caption; the key of the image's path must be image-ref"
    if choices.of(record):
        return "the record lists choices; write them into the prompt, and the right one as the answer"
    return ""


def _of_a_tool(record: Mapping[str, Any]) -> str:
    """The same for exports that have unmistakable keys."""
    if len(record) == 1 and not record.keys().isdisjoint(("index", "create", "update", "delete")):
        return (
            "an action line of Elasticsearch's bulk format; remove these lines, which precede each record: "
            "grep -v '\"_index\"'"
        )
    if isinstance(record.get("Transcript"), list) and "ParticipantRole" in str(record["Transcript"][:1]):
        return (
            "a transcript of Amazon Connect or Transcribe; write it as messages with role and content: "
            "user for CUSTOMER, assistant for AGENT, what one says in a row as one message"
        )
    if "conversation_parts" in record:
        return (
            "an Intercom conversation; write its source and its parts as messages with role and content: "
            "user for the customer, assistant for the team"
        )
    if "userSays" in record or {"data", "isTemplate"} <= record.keys():
        return "training phrases of Dialogflow; write each phrase as text and the name of its intent as label"
    pieces = record.get("data")
    if isinstance(pieces, list) and pieces and all(isinstance(one, dict) and "text" in one for one in pieces):
        return (
            "pieces of an utterance (SNIPS); join their texts as text, and write the name of the intent, "
            "which is the only key of the file, as label"
        )
    if isinstance(record.get("prompt"), dict) and "replies" in record["prompt"]:
        return "a tree of replies (OpenAssistant); write one record per branch, with messages"
    if lists := _lists(record):
        return lists
    if "input_ids" in record:
        return "the texts are token ids of another model's tokenizer; write the texts themselves"
    if isinstance(record.get("segments"), list):
        return "segments without roles (axolotl); write messages with role and content"
    if isinstance(record.get("summaries"), list) and "choice" in record:
        return "two answers and which is better; write prompt, chosen and rejected"
    several = record.get("choices")
    if isinstance(several, list) and several and isinstance(several[0], dict) and "turns" in several[0]:
        return "answers without their questions (MT-Bench); join them with the questions by question_id"
    for key, value in record.items():
        if key.endswith("-metadata") and isinstance(value, dict) and "class-name" in value:
            return f"a manifest of Ground Truth; write source as text, and class-name of {key} as label"
    if record and all(isinstance(one, str) and len(key.split()) > 2 for key, one in record.items()):
        return 'the keys are texts; write each key and its value as {"prompt": KEY, "completion": VALUE}'
    return ""
