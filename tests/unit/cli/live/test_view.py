from __future__ import annotations

import io

import msgspec
from rich.console import Console

from tests import builders
from tests.unit.cli.live import pictures
from tunedrop.cli.runs.live import final
from tunedrop.cli.runs.live.view import View
from tunedrop.contracts import Failure, Promotion
from tunedrop.monitoring import Queue
from tunedrop.registry import Record


def view(**pace: float) -> View:
    return View("test", pace, can_answer=True)


def test_a_run_that_trains_shows_its_steps_its_phase_its_loss_and_its_cost() -> None:
    seen = pictures.seen(view().draw(pictures.trains()))

    assert "persona-0123456789   Nova Lite · single-turn · stage test" in seen
    assert "✓ validate data               3 s single-turn: 200 records, 20,000 tokens, 40 held out" in seen
    assert "wait for training    4 min 53 s Training  loss 1.77 → 0.78" in seen
    assert "█" in seen
    assert "▁  30 steps" in seen
    assert "· evaluate model" in seen
    assert "5 min 00 s so far   cost so far about" in seen
    assert "estimated 2.00 USD" in seen


def test_a_narrow_terminal_keeps_the_marks_and_the_names_of_the_steps() -> None:
    seen = pictures.seen(view().draw(pictures.trains()), width=60)

    assert "✓ validate data " in seen
    assert "· release throughput " in seen


def test_the_step_that_has_not_reported_yet_is_the_one_that_spins() -> None:
    snapshot = msgspec.structs.replace(pictures.trains(), steps=pictures.PRICED, job=None)

    line = next(
        line for line in pictures.seen(view().draw(snapshot)).splitlines() if "start customization" in line
    )

    assert line[0] in "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"


def test_an_approval_request_has_question_reasons_and_commands() -> None:
    seen = pictures.seen(view().draw(pictures.waits_for_approval()))

    assert "It would cost about 2.00 USD (1.00 to 3.00). Nothing has been paid yet." in seen
    assert "over the run's budget of 1.00 USD" in seen
    assert "Approve it?  y yes   n no, stop the run" in seen


def test_without_keyboard_input_the_command_is_shown() -> None:
    seen = pictures.seen(View("test", {}, can_answer=False).draw(pictures.waits_for_approval()))

    assert "tunedrop approve persona-0123456789 --estimate 1-0a1b2c3d4e --stage test" in seen


def test_a_run_in_the_queue_shows_its_place() -> None:
    snapshot = msgspec.structs.replace(
        pictures.trains(),
        steps=(*pictures.PRICED, pictures.step("wait_for_slot", "00:06")),
        job=None,
        queue=Queue(place=2, waiting=5),
    )

    assert "number 2 of 5 in the queue" in pictures.seen(view().draw(snapshot))


def test_what_is_left_is_shown_once_earlier_runs_tell() -> None:
    seen = pictures.seen(view(wait_for_training=600, evaluate_model=113).draw(pictures.trains()))

    assert "about 7 minutes left, based on earlier runs" in seen


def test_a_failed_step_shows_its_reason() -> None:
    steps = (pictures.step("validate_data", "00:01", "00:04", error="line 3: no completion\nline 4"),)
    snapshot = msgspec.structs.replace(pictures.trains(), steps=steps, job=None)

    assert "✗ validate data               3 s line 3: no completion" in pictures.seen(view().draw(snapshot))


def end(record: Record, width: int = 80) -> str:
    shown = io.StringIO()
    final.print_end(Console(file=shown, width=width), builders.stage(), record)
    return shown.getvalue()


def test_the_end_shows_verdict_scores_cost_how_to_ask_and_where_to_read_on() -> None:
    promotion = Promotion(alias="/tunedrop/test/models/persona", model_arn="arn")

    seen = end(pictures.ended(promotion=promotion))

    assert "is better than its base model and in production" in seen
    assert "Token F1  0.300  0.600  +0.300 (+0.200 to +0.400)" in seen
    assert "It cost nothing." in seen
    assert "aws ssm get-parameter --name /tunedrop/test/models/persona" in seen
    assert "tunedrop report persona-0123456789" in seen


def test_commands_to_copy_are_outside_the_box_in_whole_lines() -> None:
    promotion = Promotion(alias="/tunedrop/test/models/persona", model_arn="arn")

    lines = end(pictures.ended(promotion=promotion), width=60).splitlines()

    (asked,) = [line for line in lines if "aws ssm get-parameter" in line]
    assert asked.startswith("MODEL_ID=$(aws ssm get-parameter --name /tunedrop/test/models/persona")


def test_a_failed_run_ends_with_its_cause_and_what_to_do() -> None:
    failure = Failure(error="CustomizationFailed", cause="Bedrock's job failed: out of luck")

    seen = end(pictures.record("failed", failure))

    assert "Bedrock's job failed: out of luck" in seen
    assert "tunedrop retry persona-0123456789" in seen
