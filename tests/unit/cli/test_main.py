"""Every command through its real entry point."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tunedrop.cli.app import app
from tunedrop.cli.plan._sample_records import METHODS
from tunedrop.evaluation import general_ability
from tunedrop.manifest import read as read_manifest

GOOD = "".join(
    json.dumps({"prompt": f"question {n}", "completion": f"answer {n}"}) + "\n" for n in range(120)
)


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(arguments))
    return result.exit_code, result.output


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    path = tmp_path / "train.jsonl"
    path.write_text(GOOD)
    return path


def test_a_valid_dataset_exits_with_0(dataset: Path) -> None:
    code, output = run("check", str(dataset), "--base-model", "meta.llama3-1-8b-instruct-v1:0:128k")

    assert code == 0
    assert "valid; method instruction" in output


def test_an_invalid_dataset_exits_with_1_and_names_the_line(dataset: Path) -> None:
    dataset.write_text(GOOD + '{"prompt": "only"}\n')

    code, output = run("check", str(dataset))

    assert code == 1
    assert "train.jsonl:121: error: completion is missing" in output


def test_a_message_that_several_lines_share_is_printed_once(dataset: Path) -> None:
    dataset.write_text(GOOD + '{"prompt": "only"}\n{"prompt": "alone"}\n{"prompt": "so"}\n')

    _, output = run("check", str(dataset))

    assert output.count("completion is missing") == 1
    assert "train.jsonl: the same on lines 122, 123" in output


def test_a_file_that_is_not_there_is_a_wrong_use(tmp_path: Path) -> None:
    assert run("check", str(tmp_path / "none.jsonl"))[0] == 2


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["trian.jsonl"], "Did you mean"),
        (["gone.jsonl"], "is a link to nowhere.jsonl, which does not exist"),
        (["pipe"], "can be read only once"),
        (["train.jsonl", "more"], "more is a folder"),
        (["train.jsonl", "train.jsonl"], "is listed twice"),
    ],
)
def test_a_path_that_is_not_a_file_is_reported_plainly(dataset: Path, names: list[str], said: str) -> None:
    (dataset.parent / "gone.jsonl").symlink_to("nowhere.jsonl")
    (dataset.parent / "more").mkdir()
    (dataset.parent / "more/train.jsonl").write_text(GOOD)
    os.mkfifo(dataset.parent / "pipe")

    code, output = run("check", *(str(dataset.parent / name) for name in names))

    assert code == 2
    assert said in output.replace("\n", "")


def test_files_of_one_name_are_shown_with_their_paths(dataset: Path) -> None:
    other = dataset.parent / "held-out" / dataset.name
    other.parent.mkdir()
    other.write_text(GOOD)

    _, output = run("check", str(dataset), "--test", str(other), "--format", "json")

    assert {one["file"] for one in json.loads(output)["errors"]} == {str(other)}


def test_programs_get_the_json_that_the_design_fixes(dataset: Path) -> None:
    code, output = run("check", str(dataset), "--format", "json")

    report = json.loads(output)
    assert code == 0
    assert report["valid"] is True
    assert {
        "method",
        "format",
        "records",
        "tokens",
        "error_count",
        "errors",
        "warnings",
        "duplicates",
        "files",
    } <= set(report)


def test_teardown_wants_a_run_or_all() -> None:
    assert run("teardown")[0] == 2


def test_no_command_explains_all_of_them() -> None:
    _, output = run()

    assert all(name in output for name in ("check", "submit", "watch", "approve", "teardown"))


EXAMPLE = Path(__file__).parents[3] / "examples" / "support-persona"


def test_an_estimate_needs_no_aws_and_names_the_source_of_every_price() -> None:
    code, output = run("estimate", str(EXAMPLE), "--format", "json")

    estimate = json.loads(output)
    assert code == 0
    assert estimate["low"] < estimate["likely"] < estimate["high"]
    assert all(line["source"] and line["priced_on"] for line in estimate["lines"])


def test_an_estimate_for_another_base_model_names_what_it_cannot_know() -> None:
    code, output = run("estimate", str(EXAMPLE), "--base-model", "amazon.nova-pro-v1:0:300k")

    assert code == 0
    assert "USD: no dated price is known for training" in " ".join(output.split())
    assert "it would wait for your approval" in output


def test_an_estimate_of_invalid_data_is_refused_with_the_line(tmp_path: Path) -> None:
    (tmp_path / "run.yaml").write_text(
        "base_model: meta.llama3-1-8b-instruct-v1:0:128k\ndata: {train: a.jsonl}\n"
    )
    (tmp_path / "a.jsonl").write_text(GOOD + "nonsense\n")

    code, output = run("estimate", str(tmp_path))

    assert code == 1
    assert "a.jsonl line 121" in output


def test_an_estimate_without_a_manifest_is_a_wrong_use(tmp_path: Path) -> None:
    assert run("estimate", str(tmp_path))[0] == 2


def test_a_run_goes_on_only_from_a_step_that_it_can_go_on_from() -> None:
    code, output = run("retry", "persona", "--from", "notify")

    assert code == 2
    assert "validate_data, preflight, estimate_cost" in output


def test_a_dataset_is_repaired_into_a_copy_that_is_checked(tmp_path: Path) -> None:
    array = tmp_path / "array.json"
    array.write_text(json.dumps([json.loads(line) for line in GOOD.splitlines()]))

    code, output = run("check", str(array), "--fix", str(tmp_path / "fixed.jsonl"))

    assert code == 0
    assert "read as JSON array" in output
    assert (tmp_path / "fixed.jsonl").read_text().count("\n") == 120


def test_a_dataset_is_never_repaired_in_place(dataset: Path) -> None:
    assert run("check", str(dataset), "--fix", str(dataset))[0] == 2
    assert dataset.read_text() == GOOD


@pytest.mark.parametrize("method", METHODS)
def test_a_new_folder_holds_a_manifest_and_records_of_its_method(tmp_path: Path, method: str) -> None:
    code, _ = run("init", str(tmp_path / "new"), "--method", method)

    manifest = read_manifest((tmp_path / "new" / "run.yaml").read_bytes())
    checked, output = run("check", str(tmp_path / "new"))
    assert (code, checked) == (0, 0)
    assert manifest.method == method
    assert f"valid; method {method}" in output
    assert run("estimate", str(tmp_path / "new"))[0] == 0


def test_a_folder_whose_base_model_has_ended_is_valid_and_refused(tmp_path: Path) -> None:
    run("init", str(tmp_path / "new"), "--method", "continued-pretraining")
    manifest = tmp_path / "new" / "run.yaml"
    base_model = read_manifest(manifest.read_bytes()).base_model
    assert base_model is not None
    manifest.write_text(manifest.read_text().replace(base_model, "amazon.titan-text-express-v1:0:8k"))

    code, output = run("check", str(tmp_path / "new"))

    assert code == 1
    assert "valid; method continued-pretraining" in output
    assert "refused: base_model: Titan Text Express is ended; tunedrop advise lists others" in output


def test_what_a_new_manifest_shows_as_comments_can_be_used(tmp_path: Path) -> None:
    run("init", str(tmp_path / "new"), "--method", "reinforcement")
    manifest = tmp_path / "new" / "run.yaml"
    shown = re.sub(r"^# (?=hyperparameters:|deployment:|  \w+:)", "", manifest.read_text(), flags=re.M)
    manifest.write_text(shown)

    code, _ = run("estimate", str(tmp_path / "new"))

    assert code == 0
    assert read_manifest(manifest.read_bytes()).hyperparameters["training_sample_per_prompt"] == 4
    assert read_manifest(manifest.read_bytes()).deployment.keep_for == "2h"


def test_a_folder_is_not_written_for_a_base_model_that_is_not_tuned_so(tmp_path: Path) -> None:
    code, output = run(
        "init", str(tmp_path / "new"), "--method", "single-turn", "--base-model", "openai.gpt-oss-20b"
    )

    assert code == 2
    assert "gpt-oss-20b is not tuned by single-turn, but by reinforcement" in output
    assert "Take amazon.nova" in output


def test_the_estimate_announces_what_cannot_be_deleted_later(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    run("init", str(folder), "--method", "reinforcement", "--base-model", "openai.gpt-oss-20b")

    code, output = run("estimate", str(folder))

    assert "served by the token, at the endpoint that tunes it" in (folder / "run.yaml").read_text()
    assert code == 0
    assert "what it creates cannot be deleted: no documented operation of AWS deletes a model" in " ".join(
        output.split()
    )


def test_a_folder_is_checked_as_its_manifest_asks(tmp_path: Path) -> None:
    (tmp_path / "run.yaml").write_text(
        "method: single-turn\nbase_model: amazon.nova-lite-v1:0:300k\ndata: {train: a.jsonl, test: b.jsonl}\n"
    )
    (tmp_path / "a.jsonl").write_text(GOOD)
    (tmp_path / "b.jsonl").write_text("nonsense\n")

    code, output = run("check", str(tmp_path), "--format", "json")

    report = json.loads(output)
    assert code == 1
    assert set(report["files"]) == {"train", "test"}
    assert [(one["file"], one["line"]) for one in report["errors"]][-1] == ("b.jsonl", 1)


def test_the_stages_of_a_run_are_checked_one_by_one() -> None:
    code, output = run("check", str(EXAMPLE.parent / "domain-expert"))

    assert code == 2
    assert "tunedrop estimate" in output


def test_a_folder_that_is_in_use_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "run.yaml").write_text("mine")

    assert run("init", str(tmp_path))[0] == 2
    assert (tmp_path / "run.yaml").read_text() == "mine"


def test_the_embedded_aws_knows_three_commands() -> None:
    code, output = run("local", "sideways")

    assert code == 2
    assert "'sideways' is not one of" in output


def test_advice_is_read_off_the_data_and_a_few_answers() -> None:
    code, output = run("advise", str(EXAMPLE), "--for", "persona", "--region", "us-east-1", "--no-questions")

    assert code == 0
    assert "Advice: fine-tuning" in output
    assert "Start with Nova Micro" in output
    assert "Not known from here" in output


def test_advice_marks_a_cost_that_leaves_out_what_has_no_price() -> None:
    code, output = run("advise", "--for", "task", "--from", "conversations", "--no-questions")

    rows = {line.partition("us-")[0].strip(" ✓"): line for line in output.splitlines() if " bedrock " in line}
    assert code == 0
    assert "≥ " in rows["Nova Pro"]
    assert "≥ " not in rows["Nova Lite"]


def test_advice_for_programs_names_method_model_and_sources(tmp_path: Path) -> None:
    code, output = run("advise", "--for", "task", "--from", "conversations", "--format", "json")

    advice = json.loads(output)
    assert code == 0
    assert advice["method"] == "multi-turn"
    assert advice["candidates"][0]["base_model"] == advice["base_model"]
    assert all(one["source"] for reasons in advice["reasons"].values() for one in reasons)


def test_the_run_that_is_advised_can_be_written_and_priced(tmp_path: Path) -> None:
    written = tmp_path / "advised"

    run(
        "advise",
        str(EXAMPLE),
        "--for",
        "persona",
        "--region",
        "us-east-1",
        "--no-questions",
        "--write",
        str(written),
    )
    code, _ = run("estimate", str(written))

    assert code == 0
    assert read_manifest((written / "run.yaml").read_bytes()).hyperparameters["epoch_count"] == 2


def test_one_file_can_be_priced_by_itself(dataset: Path) -> None:
    code, output = run("estimate", str(dataset), "--base-model", "meta.llama3-3-70b-instruct-v1:0:128k")

    assert code == 0
    assert "training" in output


def test_an_estimate_counts_the_turns_of_conversations() -> None:
    _, output = run("estimate", str(EXAMPLE.with_name("assistant-conversation")), "--format", "json")

    held_out, abilities = 448 * 0.12, len(general_ability.probes())
    assert json.loads(output)["evaluation_requests"] == pytest.approx(2 * 2 * held_out + 2 * abilities, abs=4)


def test_shards_are_one_training_set_and_splits_are_recognized_by_name(tmp_path: Path) -> None:
    lines = GOOD.splitlines(keepends=True)
    shards = [tmp_path / f"part-{number}.jsonl" for number in (10, 2)]
    for shard, part in zip(shards, (lines[60:], lines[:60]), strict=True):
        shard.write_text("".join(part).rstrip("\n"))

    _, output = run("check", *map(str, shards), "--format", "json")
    assert {split: one["records"] for split, one in json.loads(output)["files"].items()} == {"train": 120}

    shards[0].rename(tmp_path / "test.jsonl")
    shards[1].rename(tmp_path / "train.jsonl")
    (tmp_path / "_SUCCESS").touch()
    _, output = run("check", str(tmp_path), "--format", "json")
    files = json.loads(output)["files"]
    assert {split: one["records"] for split, one in files.items()} == {"train": 60, "test": 60}


def test_a_check_reports_that_nothing_can_be_held_out_of_one_question(tmp_path: Path) -> None:
    file = tmp_path / "one.jsonl"
    words = ["".join(chr(97 + int(digit)) for digit in f"{number:04}") for number in range(500)]
    records = [{"prompt": "Tell me a word.", "completion": f"It is {word}."} for word in words]
    file.write_text("".join(json.dumps(one) + "\n" for one in records))

    _, output = run("check", str(file), "--base-model", "amazon.nova-lite-v1:0:300k")

    said = " ".join(output.split())
    assert "test: 0 conversations, too few for a verdict" in said
    assert "60 of 500 records should be held out, but records that share a question stay together" in said


def test_a_check_reports_the_held_out_records_and_their_power(tmp_path: Path) -> None:
    small, large = tmp_path / "small.jsonl", tmp_path / "large.jsonl"
    small.write_text(GOOD)
    words = ["".join(chr(97 + int(digit)) for digit in f"{number:04}") for number in range(500)]
    large.write_text("".join(
        json.dumps({"messages": [
            {"role": "user", "content": f"What does {word} mean?"},
            {"role": "assistant", "content": f"The word {word} means {word[::-1]}."},
        ]}) + "\n" for word in words
    ))  # fmt: skip

    for file, said in (
        (small, "too few for a verdict"),
        (large, "test: 60 conversations, enough to detect an improvement"),
    ):
        _, output = run("check", str(file), "--base-model", "amazon.nova-lite-v1:0:300k")
        assert said in " ".join(output.split())


def write_words(path: Path, numbers: range) -> None:
    path.write_text("".join(
        json.dumps({"messages": [
            {"role": "user", "content": f"What does {chr(97 + n % 26)}{n}{chr(97 + n % 7)} mean?"},
            {"role": "assistant", "content": f"It is the {n}th word of the list, after {n - 1}."},
        ]}) + "\n" for n in numbers
    ))  # fmt: skip


def said_of(number: int, folder: Path, *options: str) -> str:
    """What a check says of this many records."""
    write_words(folder / "train.jsonl", range(number))
    _, output = run("check", str(folder), *options)
    return " ".join(output.split())


def test_a_check_without_a_base_model_reports_a_test_set_too_small_for_any(tmp_path: Path) -> None:
    few, enough = said_of(40, tmp_path), said_of(250, tmp_path)

    assert "test: 4 conversations, too few for a verdict, which needs 30" in few
    assert "30 of 250 are held out" in few
    assert "test:" not in enough


def test_the_number_of_records_that_a_check_advises_is_enough_and_one_less_is_not(tmp_path: Path) -> None:
    model = ("--base-model", "amazon.nova-lite-v1:0:300k")

    assert "too few" in said_of(249, tmp_path, *model)
    assert "too few" not in said_of(250, tmp_path, *model)


def test_a_check_says_how_many_records_the_test_file_lacks(tmp_path: Path) -> None:
    write_words(tmp_path / "test.jsonl", range(900, 912))

    assert "test: 12 conversations, too few" in (said := said_of(250, tmp_path))
    assert "Add 18 or more to the test file" in said


def test_files_of_several_kinds_are_listed_kind_by_kind(tmp_path: Path) -> None:
    for n in range(3):
        (tmp_path / f"a{n}.csv").write_text(f"prompt;completion\nq{n};a{n}\n")
    (tmp_path / "b.json").write_text('[{"prompt": "p", "completion": "c"}]')

    _, output = run("check", str(tmp_path))

    assert "train: 3 files read as table separated by semicolons\n" in output
    assert "train: read as JSON array\n" in output


def test_advice_counts_what_the_most_modest_base_model_leaves_to_hold_out(tmp_path: Path) -> None:
    write_words(tmp_path / "train.jsonl", range(40))

    _, output = run("advise", str(tmp_path / "train.jsonl"), "--for", "task", "--no-questions")

    assert "4 held-out examples are too few for a verdict" in " ".join(output.split())
