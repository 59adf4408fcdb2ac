"""Ordinary columns that look like images or choices, and are none: nothing is refused, nothing lost."""

from __future__ import annotations

import io
import re
import zipfile
from typing import Any

import openpyxl
import pytest

from tunedrop.dataset import formats
from tunedrop.dataset.sources.containers import spreadsheets

LISTED = "Which one?\nA) red\nB) blue"


def said(record: dict[str, Any]) -> tuple[list[str], list[str]]:
    """The codes of what is wrong with a record, and the texts and images of its turns."""
    found = formats.read(record)
    turns = found.conversation.turns if found.conversation else ()
    return [one.code for one in found.problems], [one.text for one in turns if not one.blocks]


@pytest.mark.parametrize("answer", ["assets/logo.png", "logo.JPG"])
def test_an_answer_that_is_the_path_of_an_image_is_not_shown_with_the_question(answer: str) -> None:
    for names in (("prompt", "completion"), ("question", "answer")):
        record = dict(zip(names, ("Which file has the logo?", answer), strict=True))

        assert said(record) == ([], ["Which file has the logo?", answer])

    assert said({"text": answer, "label": "photo"}) == ([], [answer, "photo"])


def test_the_mark_of_an_image_that_is_shown_is_left_out() -> None:
    record = {"query": "<image>What is it?", "response": "A cat.", "images": ["a.png"]}

    (asked, _) = formats.read(record).conversation.turns  # type: ignore[union-attr]

    assert asked.text == "What is it?"


@pytest.mark.parametrize(
    "beside", [{"photos": 3}, {"image": True}, {"video": "no"}, {"audio": "N/A"}, {"images": "2"}]
)
def test_how_many_images_there_are_is_no_image(beside: dict[str, Any]) -> None:
    assert said({"prompt": "a b", "completion": "c", **beside}) == ([], ["a b", "c"])


@pytest.mark.parametrize(
    "record",
    [
        {"question": "How many?", "answer": "4", "options": []},
        {"question": "How many?", "answer": "4", "options": {"locale": "en", "channel": "web"}},
        {"question": LISTED, "answer": "B", "options": {"A": "red", "B": "blue"}},
        {"question": LISTED, "answer": "B", "A": "red", "B": "blue"},
        {"question": LISTED, "answer": "B", "choices": {"text": ["red", "blue"], "label": ["A", "B"]}},
    ],
)
def test_a_number_or_a_letter_that_the_prompt_explains_is_an_answer(record: dict[str, Any]) -> None:
    assert said(record) == ([], [record["question"], str(record["answer"])])


@pytest.mark.parametrize(
    "record",
    [
        {"question": "Which?", "answer": 1, "choices": ["1", "2"]},
        {"question": "Which?", "answer": 1, "choices": ["red", "blue"]},
        {"question": "Which?", "answer": "1", "sol1": "red", "sol2": "blue"},
        {"question": "Which?", "answer": "1 ", "sol1": "red", "sol2": "blue"},
        {"question": "Which?", "answer": "2", "option1": "red", "option2": "blue"},
        {"question": "Which?", "answer": "B", "option1": "red", "option2": "blue"},
        {"question": "Which?", "answer": "A", "choices": [{"label": "A", "text": "red"}]},
        {"question": "Which?", "answer": "C", "choices": ["red", "blue"]},
        {"question": "Which?", "answer": "B", "choices": ["B", "A"]},
        {"question": "Which?", "answer": "A, B", "choices": ["red", "blue"]},
        {"question": "Which?", "answer": "A and B", "options": "['red', 'blue']"},
    ],
)
def test_what_does_not_say_which_choice_it_is_is_no_answer(record: dict[str, Any]) -> None:
    assert said(record) == (["TD012"], [])


RED_BLUE = ["red", "blue"]


@pytest.mark.parametrize(
    ("record", "listed"),
    [
        ({"question": "Which?", "answer": "B", "choices": ["red", "blue"]}, "\n\n- red\n- blue"),
        ({"question": "Which?", "answer": "b", "options": '["red", "blue"]'}, "\n\n- red\n- blue"),
        ({"question": "Which?", "answer": " B\n", "choices": ["red", "blue"]}, "\n\n- red\n- blue"),
        ({"question": "Which?", "answer": "B", "options": "['red', 'blue']"}, "\n\n- red\n- blue"),
        ({"question": "Which?", "answer": "B", "options": {"A": "red", "B": "blue"}}, "\n\nA. red\nB. blue"),
        ({"question": "Which?", "answer_key": "B", "opa": "red", "opb": "blue"}, "\n\nA. red\nB. blue"),
        (
            {"question": "Which?", "answerKey": "2", "choices": {"text": RED_BLUE, "label": ["1", "2"]}},
            "\n\n1. red\n2. blue",
        ),
        (
            {
                "question": {
                    "stem": "Which?",
                    "choices": [{"text": "red", "label": "A"}, {"text": "blue", "label": "B"}],
                },
                "answerKey": "B",
            },
            "\n\nA. red\nB. blue",
        ),
        ({"question": "Which?, red, blue", "answer": "B", "A": "red", "B": "blue"}, ", red, blue"),
    ],
)  # fmt: skip
def test_the_letter_of_a_choice_is_read_as_the_choice(record: dict[str, Any], listed: str) -> None:
    assert said(record) == (["TD008"], [f"Which?{listed}", "blue"])


@pytest.mark.parametrize("answer", ["A", "B"])
def test_a_letter_that_is_the_choice_itself_is_the_answer(answer: str) -> None:
    record = {"question": "Which group?", "choices": ["A", "B", "AB", "0"], "answer": answer}

    assert said(record)[1][1] == answer


def test_a_number_to_work_with_is_in_the_prompt() -> None:
    for number in (0, 4, 2.5):
        record = {"instruction": "Double it.", "input": number, "output": str(2 * number)}

        assert said(record) == ([], [f"Double it.\n\n{number}", str(2 * number)])
    assert said({"prompt": "a", "completion": "b", "context": float("nan")}) == ([], ["a", "b"])


def test_a_context_that_is_no_text_is_refused_with_the_ways_out() -> None:
    (problem,) = formats.read({"prompt": "a", "completion": "b", "context": {"channel": "web"}}).problems

    assert problem.path == "$.context"
    assert "rename or remove the key" in problem.message


@pytest.mark.parametrize("made", ["review", "explanation", "fixed_code"])
def test_a_program_is_not_the_answer_where_something_says_more_of_it(made: str) -> None:
    task = {"prompt": "Look at this program.", "code": "x = 1\nprint(x)"}

    assert said(task) == ([], [*task.values()])
    assert said({**task, made: "It prints one."})[1] == []


def test_a_short_text_or_program_that_a_question_is_about_is_not_left_out() -> None:
    for about in ({"code": "f(1)"}, {"sentence": "Love it!"}, {"text": "Great"}, {"tweet": "so bad"}):
        (text,) = about.values()

        assert said({"question": "What is it?", **about, "answer": "x"}) == (
            [],
            [f"What is it?\n\n{text}", "x"],
        )
    for code in ("E-12", "SKU 1234"):
        assert said({"question": "What is it?", "code": code, "answer": "x"}) == ([], ["What is it?", "x"])


def test_the_endpoints_of_an_api_are_no_tools_of_the_model() -> None:
    record = {"prompt": "a b", "completion": "c", "endpoints": [{"name": "GET /x", "parameters": []}]}

    assert formats.unwrapped(record) is record


def test_a_formula_that_gives_an_empty_text_has_its_value() -> None:
    book, sink = openpyxl.Workbook(), io.BytesIO()
    book.worksheets[0].append(["prompt", '=IF(A2="","",A2)'])
    book.save(sink)
    name = "xl/worksheets/sheet1.xml"
    with zipfile.ZipFile(sink) as archive:
        sheet = archive.read(name).decode()
        assert spreadsheets.has_formulas_without_values(archive)
    saved = io.BytesIO()
    with zipfile.ZipFile(saved, "w") as archive:
        archive.writestr(name, re.sub(r'<c r="B1"[^>]*>', '<c r="B1" t="str">', sheet))  # as Excel saves it

    with zipfile.ZipFile(saved) as archive:
        assert not spreadsheets.has_formulas_without_values(archive)


@pytest.mark.parametrize(
    ("choices", "listed"),
    [
        ({"options": {"A": "red", "B": "dark blue"}}, "A. red\nB. dark blue"),  # MedQA
        ({"choices": ["red", "dark blue"]}, "- red\n- dark blue"),  # axolotl
        ({"choices": [{"text": "red"}, {"text": "dark blue"}]}, "- red\n- dark blue"),
        ({"choices": {"text": ["red", "dark blue"], "label": ["A", "B"]}}, "A. red\nB. dark blue"),
        ({"option_a": "red", "option_b": "dark blue"}, "A. red\nB. dark blue"),
        ({"opa": "red", "opb": "dark blue", "opc": None}, "A. red\nB. dark blue"),
        ({"choice1": "red", "choice2": "dark blue"}, "1. red\n2. dark blue"),
    ],
)
@pytest.mark.parametrize("answer", ["dark blue", "It is dark blue."])
def test_choices_stand_in_the_prompt(choices: dict[str, Any], listed: str, answer: str) -> None:
    record = {"question": "Which?", **choices, "answer": answer}

    found = formats.read(record)

    assert said(record) == ([], [f"Which?\n\n{listed}", answer])
    assert found.conversation is not None
    assert not found.conversation.unread


@pytest.mark.parametrize(
    "beside",
    [{"options": ["--fast", "--slow"]}, {"options": ["R", "e"]}, {"choices": ["red"]}, {"A": "x", "B": "y"}],
)
def test_options_that_the_answer_is_none_of_are_not_shown(beside: dict[str, Any]) -> None:
    assert said({"prompt": "Which?", "completion": "Red.", **beside}) == ([], ["Which?", "Red."])


@pytest.mark.parametrize(("answer", "choices"), [("4", ["3", "4", "5", "6"]), (11, ["10", "11"])])
def test_a_number_that_is_a_choice_is_an_answer(answer: Any, choices: list[str]) -> None:
    asked = "How many?\n\n" + "\n".join(f"- {one}" for one in choices)

    assert said({"question": "How many?", "answer": answer, "choices": choices}) == ([], [asked, str(answer)])


def test_a_letter_beyond_the_choices_is_a_choice_itself() -> None:
    vitamins = {"question": "Which vitamin?", "answer": "K", "choices": ["C", "K"]}

    assert said(vitamins) == ([], ["Which vitamin?\n\n- C\n- K", "K"])


@pytest.mark.parametrize(
    ("record", "asked", "answered"),
    [
        ({"target": 0, "date": "Mon", "user": "_bob_", "text": "so sad"}, "so sad", "0"),  # Sentiment140
        ({"user": "bob", "review": "so bad", "sentiment": "neg"}, "so bad", "neg"),
        ({"user": "Ann Lee", "message": "It broke.", "reply": "Send it."}, "It broke.", "Send it."),
        ({"source": "cnn", "article": "Bees swarm now.", "summary": "Bees."}, "Bees swarm now.", "Bees."),
        ({"source": "cnn", "record": {"article": "Bees swarm.", "summary": "Bees."}}, "Bees swarm.", "Bees."),
        ({"user": "When?", "assistant": "Now.", "text": "x"}, "When?\n\nx", "Now."),
        ({"user": "When?", "response": "Now."}, "When?", "Now."),
        ({"source": "bee", "context": "garden", "target": "Biene"}, "bee\n\ngarden", "Biene"),
        ({"item": {"question": "When?", "answer": "Now."}, "prompt": "other"}, "When?", "Now."),
        ({"row": {"text": "so bad", "label": "neg"}, "query": "other"}, "so bad", "neg"),
        ({"row": {"question": "When?", "answer": "Now."}, "context": "May"}, "When?\n\nMay", "Now."),
        ({"inputs": {"text": "When?"}, "outputs": {"text": "Now."}}, "When?", "Now."),
        ({"inputs": {"q": "When?", "lang": "en"}, "outputs": {"a": "Now.", "lang": "en"}}, "When?", "Now."),
        ({"prompt": "When?", "completion": "Now.", "data": ["a b", "c"]}, "When?", "Now."),
        ({"query": "When?", "response": "Now.", "label": "season"}, "When?", "Now."),
    ],
)  # fmt: skip
def test_whose_a_text_is_and_what_stands_around_it_are_not_asked(
    record: dict[str, Any], asked: str, answered: str
) -> None:
    assert said(record) == ([], [asked, answered])


@pytest.mark.parametrize(
    ("record", "unread"),
    [
        (
            {"data": {"question": "When?", "answer": "Now."}, "answer": "other"},
            {"answer beside data": "other"},
        ),
        ({"Item": {"q": {"S": "When?"}, "a": {"S": "Now."}}, "a": "other"}, {"a beside Item": "other"}),
        (
            {"instruction": "When?", "id": 1, "instances": [{"output": "Now.", "id": 2}]},
            {"id beside instances": 1, "id": 2},
        ),
        (
            {"inputs": {"q": "When?", "id": 1}, "outputs": {"a": "Now.", "id": 2}, "q": 3},
            {"inputs.id": 1, "outputs.id": 2, "q beside inputs": 3},
        ),
    ],
)
def test_what_stands_around_a_record_by_the_name_of_one_of_its_parts_is_not_lost(
    record: dict[str, Any], unread: dict[str, Any]
) -> None:
    found = formats.read(record).conversation

    assert found is not None
    assert found.unread == unread


@pytest.mark.parametrize(
    "record",
    [
        {"id": 1, "data": ["https://example.com/a", "https://example.com/b"]},
        {"text": "abc def", "data": ["first", "second"]},
        {"text": "abc def", "history": ["first", "second"]},
    ],
)
def test_texts_beside_something_else_are_no_turns(record: dict[str, Any]) -> None:
    assert formats.read(record).format == "text"


@pytest.mark.parametrize("name", ["log", "interactions"])
def test_a_list_of_lines_is_no_conversation(name: str) -> None:
    assert said({name: ["service started", "service stopped"]}) == (["TD010"], [])
