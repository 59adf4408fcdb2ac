"""What is legal and trains badly: each warning with a record that gets it and one that does not."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunedrop import catalog
from tunedrop.dataset.check.check import Report, check
from tunedrop.dataset.formats import Conversation, Turn
from tunedrop.dataset.rules import reserved_words
from tunedrop.dataset.rules.codes import CODES
from tunedrop.dataset.rules.record import texts_of
from tunedrop.dataset.rules.texts.prefilter import EVERYTHING, Candidates, broken
from tunedrop.dataset.rules.texts.role_words import RoleWords
from tunedrop.dataset.rules.texts.rule import Texts


def pair(prompt: str, completion: str) -> dict[str, Any]:
    return {"prompt": prompt, "completion": completion}


def checked(records: list[dict[str, Any]]) -> Report:
    body = b"".join(json.dumps(record).encode() + b"\n" for record in records)
    return check({"train": [body]}, {"train": "train.jsonl"})


def codes(report: Report) -> list[tuple[int, str]]:
    return [(one.line, one.code) for one in report.warnings]


def look(text: str, answer: str = "yes") -> list[tuple[str, str]]:
    said = Conversation((Turn("user", text), Turn("assistant", answer)))
    candidates = Candidates({0: texts_of(said)}, {0: EVERYTHING})
    return [(code, why) for code, found in broken(candidates) for _, whys in found.values() for why in whys]


def kinds_of(text: str) -> set[str]:
    return {code for code, _ in look(text)}


@pytest.mark.parametrize(
    "text",
    [
        "Dear {{customer_name}}, welcome",
        "{% if paid %} thanks",
        "Total: ${amount}",
        "<|im_start|>user hello",
        "[INST] tell me [/INST]",
        "### Response: it is",
        "TODO write this answer",
        "Lorem ipsum dolor",
        "Call [YOUR COMPANY] today",
    ],
)
def test_leftovers_of_templates_are_found(text: str) -> None:
    assert kinds_of(text) == {"TD060"}


@pytest.mark.parametrize(
    "text", ["Use {braces} in C", "It costs $5", "a <b> tag", "todo lists help", "x[1] and y[2]"]
)
def test_ordinary_text_is_no_template(text: str) -> None:
    assert kinds_of(text) == set()


SECRETS = [
    "key AKIAIOSFODNN7EXAMPLE here",
    "-----BEGIN RSA PRIVATE KEY-----",
    "token ghp_" + "a1B2" * 9,
    "use sk-" + "a1B2c3" * 5,
    "xoxb-123456789012-abcdef",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
]


@pytest.mark.parametrize("text", SECRETS)
def test_secrets_are_found_and_never_shown(text: str) -> None:
    found = look(text)

    assert [code for code, _ in found] == ["TD061"]
    assert all(word not in found[0][1] for word in text.split() if len(word) > 8)


@pytest.mark.parametrize(
    "text",
    ["card 4111 1111 1111 1111", "ann.lee@example.com", "123-45-6789", "DE89 3704 0044 0532 0130 00"],
)
def test_personal_data_is_found_and_never_shown(text: str) -> None:
    found = look(text)

    assert [code for code, _ in found] == ["TD062"]
    assert text not in found[0][1]


@pytest.mark.parametrize(
    "text", ["order 4111 1111 1111 1112", "0000 0000 0000 0000", "call 555-1234", "skill-based tasks", "a@b"]
)
def test_numbers_that_only_look_similar_are_not_flagged(text: str) -> None:
    assert kinds_of(text) == set()


def test_records_that_differ_in_numbers_only_are_near_duplicates() -> None:
    template = "Order number {} was shipped on the first of the month to the buyer"
    report = checked([pair(template.format(number), "It is on its way to you") for number in range(3)])

    assert codes(report) == [(2, "TD053"), (3, "TD053")]


def test_records_of_few_words_are_not_called_near_duplicates() -> None:
    assert codes(checked([pair(f"part {number}?", f"slot {number}") for number in range(60)])) == []


def words(count: int) -> str:
    return " ".join("abcdefghij"[index % 10] * (1 + index % 7) for index in range(count))


def test_a_few_one_word_answers_among_sentences_are_found() -> None:
    records = [pair(f"question {chr(97 + n % 26)}{n}", words(6 + n % 9)) for n in range(200)]
    records[70] = pair("question special", "Yes")

    assert (71, "TD063") in codes(checked(records))


def test_a_record_many_times_longer_than_the_median_is_found() -> None:
    records = [pair(f"question {n}", f"{words(6)} {n}") for n in range(100)]
    records[40] = pair("question long", words(3_000))

    assert (41, "TD064") in codes(checked(records))


def test_lopsided_and_rare_labels_are_found() -> None:
    labels = ["refund"] * 95 + ["delivery"] * 8 + ["account"] * 2
    report = checked([pair(f"mail number {n} says so", label) for n, label in enumerate(labels)])

    messages = [one.message for one in report.warnings if one.code == "TD065"]
    assert len(messages) == 2
    assert "90% of the answers are 'refund'" in messages[0]
    assert "only 2 records have the label 'account'" in messages[1]


def test_balanced_labels_are_fine() -> None:
    labels = ["refund", "delivery", "account"]

    assert codes(checked([pair(f"mail number {n} says so", labels[n % 3]) for n in range(90)])) == []


def test_all_warnings_are_counted_beyond_those_that_are_listed() -> None:
    report = checked([pair(f"{{{{name{n}}}}}", f"answer {n}") for n in range(150)])

    assert report.warning_count == 150
    assert len(report.warnings) == 100


def test_statistics_have_lengths_turns_roles_and_scripts() -> None:
    records = [pair("hi", "Привет"), pair("x" * 120, "mixed ÅÄÖ 词")]

    statistics = checked(records).statistics

    assert statistics.turns == {2: 2}
    assert statistics.roles == {"user": 2, "assistant": 2}
    assert statistics.scripts == {"Cyrillic": 1, "Han": 1, "Latin": 1}
    assert sum(statistics.lengths.values()) == 2
    assert statistics.tokens["max"] > statistics.tokens["min"]


@given(text=st.text(max_size=300))
def test_looking_never_fails_whatever_the_text(text: str) -> None:
    for code, message in look(text, text):
        assert code in CODES
        assert message


def test_labels_are_counted_where_answers_are_labels() -> None:
    report = checked([pair(f"ticket {n}", "Urgent" if n % 4 else "can wait") for n in range(80)])

    assert report.files["train"].labels == {"urgent": 60, "can wait": 20}


def test_sentences_are_no_labels() -> None:
    report = checked([pair(f"ticket {n}", f"This is what is to be said of ticket {n}.") for n in range(80)])

    assert report.files["train"].labels == {}


def test_statistics_are_there_for_each_file_and_for_all_together() -> None:
    bodies = {
        split: json.dumps(pair(f"a question for {split}", "an answer")).encode()
        for split in ("train", "validation")
    }

    report = check({split: [body] for split, body in bodies.items()}, {split: split for split in bodies})  # type: ignore[misc]

    assert report.files["train"].statistics.roles == {"assistant": 1, "user": 1}
    assert report.statistics.roles == {"assistant": 2, "user": 2}


def test_the_report_explains_the_token_estimate_and_its_error() -> None:
    estimate = checked([pair("a", "b")]).token_estimate

    assert "UTF-8 bytes / 6" in estimate.method
    assert (estimate.low, estimate.high) == (0.8, 2.1)


def test_near_duplicates_are_counted() -> None:
    rows = [pair(f"Invoice {n} of the third of May, what is its total?", f"{n} dollars") for n in range(4)]

    assert checked(rows).near_duplicates == 3


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("<bot>: hello", "<bot>:"),
        ("the <human>: hello", "<human>:"),
        ("say\n  User: hello", "User:"),
        ("so HUMAN: hello", "HUMAN:"),
    ],
)
def test_the_name_of_a_speaker_is_shown_as_it_is_written(text: str, name: str) -> None:
    ((code, why),) = look(text)

    assert (code, why.partition(" ")[0]) == ("TD086", repr(name))


def test_letters_that_only_look_like_a_name_are_none() -> None:
    rules_of_nova = next(iter(catalog.find("amazon.nova-lite-v1:0:300k").methods.values()))
    texts = Texts([("$", "user", "u\u017fer: hello")])

    assert not reserved_words.find(texts, rules_of_nova)
    assert not RoleWords().find_in(texts)


def test_names_of_speakers_inside_one_long_line_take_linear_time() -> None:
    rules_of_nova = next(iter(catalog.find("amazon.nova-lite-v1:0:300k").methods.values()))
    short, long = (Texts([("$", "user", "a user: " * times)]) for times in (10_000, 160_000))

    def seconds(texts: Texts) -> float:
        begun = time.process_time()
        assert not reserved_words.find(texts, rules_of_nova)
        assert not RoleWords().find_in(texts)
        return time.process_time() - begun

    assert seconds(long) < 80 * max(seconds(short), 0.005)
