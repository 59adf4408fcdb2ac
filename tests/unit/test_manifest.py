from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunedrop import manifest
from tunedrop.errors import InvalidManifest

DESIGN = b"""
method: auto
base_model: amazon.nova-lite-v1:0:300k
data:
  train: train.jsonl
  validation: validation.jsonl
hyperparameters: {epoch_count: 2, learning_rate: 1e-5}
budget_usd: 50
deployment: {mode: auto, model_units: 1, commitment: none, keep_for: 2h}
evaluation: {min_improvement: 0.02, judge: null}
"""


def refusal(text: bytes, name: str = "run.yaml") -> str:
    with pytest.raises(InvalidManifest) as caught:
        manifest.read(text, name)
    return str(caught.value)


def test_the_manifest_of_the_design_is_read() -> None:
    read = manifest.read(DESIGN)

    assert read.base_model == "amazon.nova-lite-v1:0:300k"
    assert read.hyperparameters == {"epoch_count": 2, "learning_rate": 1e-5}
    assert read.deployment.keep_for == "2h"
    assert read.evaluation.judge is None


def test_yaml_is_version_1_2() -> None:
    read = manifest.read(b"base_model: no\ndata: {train: t}\nhyperparameters: {learning_rate: 1e-5}\n")

    assert read.base_model == "no"
    assert read.hyperparameters["learning_rate"] == 0.00001


def test_json_is_read_too() -> None:
    assert manifest.read(b'{"data": {"train": "t.jsonl"}}', "run.json").data.train == "t.jsonl"


def test_an_unknown_key_names_its_line_and_the_nearest_known_key() -> None:
    message = refusal(b"data:\n  train: t.jsonl\nbudget: 50\n")

    assert message == "run.yaml line 3: unknown key budget; did you mean budget_usd?"


def test_an_unknown_key_of_a_section_is_named_with_its_section() -> None:
    message = refusal(b"data: {train: t}\ndeployment:\n  model_unit: 2\n")

    assert "line 3: unknown key deployment.model_unit; did you mean deployment.model_units?" in message


def test_all_errors_are_reported_at_once() -> None:
    message = refusal(b"metod: auto\nbudget_usd: -1\ndeployment: {keep_for: forever}\n")

    assert len(message.splitlines()) == 3
    assert "budget_usd is -1; it must be from 0 to" in message
    assert "'forever' is not a duration" in message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"method: magic\ndata: {train: t}\n", "line 1: method: magic is unknown; it takes instruction,"),
        (b"data: {train: 5}\n", "data.train: expected a string or a list, got a whole number"),
        (b"data: 5\n", "data: expected an object with keys, got a whole number"),
        (b"budget_usd: 5\n", "data.train is missing"),
        (b"a: [\n", "not valid YAML"),
        (b"\xff\xfe", "byte 0 is not UTF-8"),
        (b"- a\n", "a manifest is a mapping"),
        (b"data: {train: t}\ndata: {train: u}\n", "not valid YAML"),
        (b"x" * 70_000, "a manifest is at most 65,536"),
    ],
)
def test_a_wrong_manifest_is_refused_with_its_reason(text: bytes, expected: str) -> None:
    assert expected in refusal(text)


@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_refused_but_never_crash(text: bytes) -> None:
    try:
        read = manifest.read(text)
    except InvalidManifest:
        return
    assert read.data.train


def test_a_judge_is_a_model_id_or_a_mapping_with_one() -> None:
    short = manifest.read(b"data: {train: t}\nevaluation: {judge: amazon.nova-pro-v1:0}\n")
    long = manifest.read(
        b"data: {train: t}\nevaluation: {judge: {model: amazon.nova-pro-v1:0, rubric: Be brief.}}\n"
    )

    assert short.evaluation.judge == "amazon.nova-pro-v1:0"
    assert long.evaluation.judge == manifest.Judge(model="amazon.nova-pro-v1:0", rubric="Be brief.")


@pytest.mark.parametrize("word", [manifest.STAGE_JUDGE, manifest.NO_JUDGE])
def test_a_judge_may_be_left_to_the_stage_or_ruled_out(word: str) -> None:
    read = manifest.read(f"data: {{train: t}}\nevaluation: {{judge: {word}}}\n".encode())

    assert read.evaluation.judge == word


@pytest.mark.parametrize(
    ("evaluation", "message"),
    [
        ("judge: {modell: m}", "unknown key evaluation.judge.modell; did you mean evaluation.judge.model?"),
        ("judge: {rubric: brief}", "evaluation.judge: '' is not a model id"),
        ("judge: a model", "evaluation.judge: 'a model' is not a model id"),
        ("metric: judge, judge: none", "evaluation.judge: none leaves evaluation.metric: judge without"),
        (
            "judge: 'arn:aws:bedrock:us-east-1:111122223333:application-inference-profile/a1b2c3'",
            "is not a model id",
        ),
        ("judge: {model: auto}", "evaluation.judge: 'auto' is not a model id; name one, such as"),
        ("metric: rouge", "evaluation.metric: rouge is unknown; did you mean rouge_l?"),
        ("metric: x", "evaluation.metric: x is unknown; it takes auto, accuracy"),
        ("judge: {model: a.b, via: evaluation}", "did you mean evaluation-job?"),
        (
            "max_prompts: 2000, judge: {model: a.b, via: evaluation-job}",
            "evaluation.max_prompts is 2,000; with evaluation.judge.via: evaluation-job it is at most 1,000",
        ),
        ("general_ablity: false", "did you mean evaluation.general_ability?"),
    ],
)
def test_a_wrong_evaluation_setting_says_what_was_meant(evaluation: str, message: str) -> None:
    assert message in refusal(f"data: {{train: t}}\nevaluation: {{{evaluation}}}\n".encode())


STAGES = b"""
stages:
  - {method: continued-pretraining, data: {train: text.jsonl}, hyperparameters: {epoch_count: 3}}
  - {method: instruction, data: {train: pairs.jsonl, test: held-out.jsonl}}
"""


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("base_model: ''\n", "base_model"),
        ("from: '  '\n", "from"),
        ('grader: "\\t"\n', "grader"),
        ("teacher: {model: ''}\n", "teacher.model"),
        ("evaluation: {judge: ''}\n", "evaluation.judge"),
        ("evaluation: {judge: {model: m, rubric: ' '}}\n", "evaluation.judge.rubric"),
        ("deployment: {keep_for: ''}\n", "deployment.keep_for"),
        ("search: {learning_rate: [1e-5, '']}\n", "search.learning_rate"),
        ("hyperparameters: {epoch_count: '\u3000'}\n", "hyperparameters.epoch_count"),
    ],
)
def test_a_key_that_is_there_and_empty_is_refused(text: str, path: str) -> None:
    """Also the spaces of other scripts; a default in its place would be what nobody asked for."""
    message = refusal(f"data: {{train: t}}\n{text}".encode())

    assert f"line 2: {path} is empty; give it a value or leave it out" in message


@pytest.mark.parametrize(
    "data", ["{train: ''}", "{train: [a, '']}", "{train: t, test: ' '}", "{train: t, encoding: ''}"]
)
def test_an_empty_name_of_a_data_file_is_refused(data: str) -> None:
    assert "is empty" in refusal(f"data: {data}\n".encode())


def test_a_run_of_stages_is_its_last_stage_after_the_others() -> None:
    read = manifest.read(STAGES)

    assert (read.method, read.data.train, read.data.test) == ("instruction", "pairs.jsonl", "held-out.jsonl")
    assert [(one.method, one.data.train) for one in read.stages] == [("continued-pretraining", "text.jsonl")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (STAGES + b"method: instruction\n", "method: with stages, each stage has its own"),
        (STAGES + b"search: {epoch_count: [1, 2]}\n", "search in a run of one stage"),
        (b"stages: [{data: {train: t}}]\n", "stages has 1; 2 to 4 are allowed"),
        (b"stages: [{method: instruction}, {data: {train: t}}]\n", "stages 1: data.train is missing"),
        (b"stages: [{data: {train: t, test: u}}, {data: {train: t}}]\n", "only the last stage is evaluated"),
        (b"stages: [{data: {train: t}, epochs: 2}, {data: {train: t}}]\n", "unknown key stages 1: epochs"),
        (
            b"stages: [{data: {train: t}}, {method: distillation, data: {train: t}}]\n",
            "stages 2: distillation cannot be one of several",
        ),
        (b"data: {train: t}\nfrom: a\nbase_model: b\n", "base_model and from both say what to tune"),
        (b"data: {train: t}\nmethod: reinforcement\nsearch: {a: [1, 2]}\n", "validation loss, which reinf"),
    ],
)
def test_stages_and_searches_that_make_no_sense_are_refused(text: bytes, expected: str) -> None:
    assert expected in refusal(text)


@pytest.mark.parametrize("merge", ["<<: *a", "<<: [*a, *a, *a]", "!!merge x: *a", "? <<\n  : *a"])
def test_merges_are_counted_before_they_are_made(merge: str) -> None:
    """A few kilobytes of them took a function minutes."""
    many = ", ".join(f"k{number}: 1" for number in range(3_000))
    text = f"a: &a {{{many}}}\n" + "".join(f"b{number}:\n  {merge}\n" for number in range(1_000))
    started = time.process_time()

    assert "with its aliases expanded" in refusal(text.encode())
    assert time.process_time() - started < 10


@pytest.mark.parametrize("opening", ["{", "[", "a: [x, "])
def test_brackets_that_nobody_closes_are_refused_before_they_are_read(opening: str) -> None:
    assert "more than 100 brackets are open at once" in refusal((opening * 7_000).encode())


def test_a_rubric_may_have_brackets() -> None:
    rubric = "Answers are JSON such as {} or [1, 2]. " * 90

    read = manifest.read(
        f"data: {{train: t}}\nevaluation: {{judge: {{model: a.b, rubric: '{rubric}'}}}}\n".encode()
    )

    assert isinstance(read.evaluation.judge, manifest.Judge)
    assert read.evaluation.judge.rubric == rubric
