"""Questions, interruptions and guesses: where somebody says no, presses Ctrl-C, or is not there."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from tests import builders
from tunedrop.aws import Aws
from tunedrop.cli import confirming
from tunedrop.cli.app import app
from tunedrop.cli.deployed import Deployed
from tunedrop.cli.exits import INTERRUPTED, NO, USAGE
from tunedrop.cli.failures import Failed
from tunedrop.cli.suggestions import hint
from tunedrop.contracts import Failure
from tunedrop.registry import Registry

WHERE = ("--stage", "test", "--region", "us-east-1")
ARN = builders.DEPLOYMENT_ARN


def run(*arguments: str, input: str | None = None) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, [*arguments, *WHERE], input=input)
    return result.exit_code, result.stdout, result.stderr


def test_without_a_terminal_nothing_is_taken_for_a_yes() -> None:
    with pytest.raises(Failed) as failed:
        confirming.confirm("Delete it?", otherwise="nothing was deleted")

    assert failed.value.code == USAGE
    assert "nothing was deleted: without a terminal, say --yes" in str(failed.value)


def test_a_long_question_breaks_between_words(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setattr(confirming, "is_interactive", lambda: True)
    monkeypatch.setattr(sys.modules[typer.confirm.__module__], "visible_prompt_func", lambda _: "y")
    question = f"{ARN} is in production. {'It answers customers. ' * 5}Delete it?"

    confirming.confirm(question, otherwise="nothing was deleted")

    lines = capsys.readouterr().err.splitlines()
    assert " ".join(lines).split() == [*question.split(), "[y/N]:"]
    assert all(len(line) <= 60 or line == ARN for line in lines)


@pytest.mark.parametrize(("answer", "code"), [("n\n", NO), ("\n", NO), ("", INTERRUPTED)])
def test_no_and_ctrl_d_do_nothing_and_say_so(monkeypatch: pytest.MonkeyPatch, answer: str, code: int) -> None:
    program = typer.Typer()

    @program.command()
    def ask() -> None:
        monkeypatch.setattr(confirming, "is_interactive", lambda: True)
        try:
            confirming.confirm("Delete it?", otherwise="nothing was deleted")
        except Failed as failed:
            typer.echo(failed.message)
            raise typer.Exit(failed.code) from None

    result = CliRunner().invoke(program, [], input=answer)

    assert result.exit_code == code
    assert "nothing was deleted" in result.stdout


@pytest.mark.parametrize("key", [b"\x03", b"\x04"], ids=["ctrl-c", "ctrl-d"])
def test_a_key_that_interrupts_a_question_ends_with_130_and_no_trace(key: bytes, tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.touch()
    script = (
        "import signal\nfrom tunedrop.cli import confirming\nfrom tunedrop.cli.data import checking\n"
        # A test run in the background has been told to ignore it.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "checking.check_files = lambda *_: confirming.confirm('Go on?', otherwise='nothing was done')\n"
        "from tunedrop.cli.main import main\nmain()\n"
    )
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", script, "check", str(file)],
        stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
        preexec_fn=_take_the_terminal,
    )  # fmt: skip
    os.close(theirs)
    try:
        seen = _until(ours, "Go on?")
        seen += _until(ours, "nothing was done", key=key)
        code = process.wait(timeout=120)
    finally:
        process.kill()
        process.wait()
        os.close(ours)

    assert code == INTERRUPTED
    assert "interrupted: nothing was done" in seen
    assert "Traceback" not in seen
    assert "bug" not in seen


def _take_the_terminal() -> None:
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def _until(ours: int, text: str, key: bytes = b"") -> str:
    """What the terminal shows, up to `text`.

    `key` is pressed, and again where nothing came of it for five seconds: Python notices a signal
    that comes after the question was written and before the answer is read only at the next key.
    """
    seen, deadline, pressed = "", time.monotonic() + 120, 0.0
    while text not in seen:
        now = time.monotonic()
        assert now < deadline, seen
        if key and now - pressed > 5:
            os.write(ours, key)
            pressed = now
        if select.select([ours], [], [], 1)[0]:
            try:
                seen += os.read(ours, 65_536).decode()
            except OSError:
                break
    return seen


@pytest.fixture
def promoted(deployed: Deployed, registry: Registry) -> str:
    run_id = builders.run().run_id
    registry.save(run_id, dataset=builders.dataset(), job=builders.job(), evaluation=builders.evaluation())
    registry.end(run_id, "promoted", None)
    deployed.aliases.promote("persona", run_id, builders.MODEL_ARN, ARN)
    return run_id


@pytest.mark.parametrize(
    "command", [["promote", "persona"], ["rollback", "persona"], ["throughput", "release", ARN]], ids=" ".join
)
def test_models_in_production_are_named_before_the_confirmation(
    aws: Aws, deployed: Deployed, registry: Registry, promoted: str, monkeypatch: pytest.MonkeyPatch,
    command: list[str],
) -> None:  # fmt: skip
    before = builders.MODEL_ARN.replace("abcdefghij12", "zzzzzzzzzz99")
    deployed.aliases.promote("persona", "persona-9999999999", before, before)
    deployed.aliases.promote("persona", promoted, builders.MODEL_ARN, ARN)
    facts = {
        "arn": ARN, "model_arn": builders.MODEL_ARN, "run_id": promoted, "status": "Active",
        "committed_until": "",
    }  # fmt: skip
    served = [type("One", (), facts)]
    for module in ("costs._serving", "production._moving"):
        monkeypatch.setattr(f"tunedrop.cli.{module}.in_service", lambda *_: served)
    changed = deployed.aliases.all()

    code, out, err = run(*command, *(["--production"] if "release" in command else []))

    assert (code, out) == (USAGE, "")
    assert "IN PRODUCTION  /tunedrop/test/models/persona" in err
    assert "without a terminal, say --yes" in err
    assert deployed.aliases.all() == changed


def test_throughput_of_a_commitment_is_not_taken_out_of_production_in_vain(
    deployed: Deployed, promoted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bedrock deletes it only when the commitment ends; the alias was changed all the same."""
    arn = builders.PROVISIONED_ARN
    deployed.aliases.promote("persona", promoted, builders.MODEL_ARN, arn)
    facts = {"arn": arn, "run_id": promoted, "committed_until": "2126-01-01T00:00:00Z"}
    monkeypatch.setattr("tunedrop.cli.costs._serving.in_service", lambda *_: [type("One", (), facts)])

    code, _, err = run("throughput", "release", arn, "--production", "--yes")

    assert (code, "was bought for a term, until 2126-01-01" in err) == (NO, True)
    assert deployed.aliases.current("persona") == arn


@pytest.mark.parametrize("has_history", [True, False])
def test_a_model_that_was_put_into_production_by_hand_is_named_before_it_is_replaced(
    aws: Aws, deployed: Deployed, registry: Registry, promoted: str, monkeypatch: pytest.MonkeyPatch,
    has_history: bool,
) -> None:  # fmt: skip
    """The history does not have it: nothing seemed to be in production, or another model."""
    monkeypatch.setattr("tunedrop.cli.production._moving.in_service", lambda *_: [])
    if not has_history:
        monkeypatch.setattr(type(deployed.aliases), "history", lambda *_: [])
    alias = deployed.aliases.parameter("persona")
    aws.ssm.put_parameter(Name=alias, Value=f"{ARN}-copy", Type="String", Overwrite=True)

    code, _, err = run("promote", promoted)

    assert code == USAGE
    assert f"IN PRODUCTION  {alias} points to what no run promoted" in err
    assert f"{ARN}-copy" in err


@pytest.mark.parametrize(("arn", "whose"), [(ARN, "persona-0123456789"), (f"{ARN}-copy", "an unknown run")])
def test_of_what_an_alias_names_and_nobody_lists_the_run_is_that_of_the_alias(
    aws: Aws, deployed: Deployed, promoted: str, monkeypatch: pytest.MonkeyPatch, arn: str, whose: str
) -> None:
    """Somebody has deleted it outside Tunedrop; the copy was put into production by hand."""
    monkeypatch.setattr("tunedrop.cli.costs._serving.in_service", lambda *_: [])
    asked: list[str] = []
    monkeypatch.setattr("tunedrop.cli.costs._serving.confirm", lambda text, **_: asked.append(text))
    monkeypatch.setattr("tunedrop.cli.costs._serving.Production.stand_down", lambda *_: None)
    monkeypatch.setattr("tunedrop.cli.costs._serving.Removal.remove", lambda *_: True)
    alias = deployed.aliases.parameter("persona")
    aws.ssm.put_parameter(Name=alias, Value=arn, Type="String", Overwrite=True)

    run("throughput", "release", arn, "--production")

    assert asked == [f"Release {arn}, which serves the model of {whose}?"]


def test_what_was_put_into_production_by_hand_after_the_confirmation_is_not_replaced(
    aws: Aws, deployed: Deployed, promoted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    alias = deployed.aliases.parameter("persona")

    def meanwhile(*_: object, **__: object) -> None:
        aws.ssm.put_parameter(Name=alias, Value=f"{ARN}-copy", Type="String", Overwrite=True)

    monkeypatch.setattr("tunedrop.cli.production._moving.in_service", lambda *_: [])
    monkeypatch.setattr("tunedrop.cli.production._moving.confirm", meanwhile)

    code, _, err = run("promote", promoted)

    assert code != 0
    assert "has changed meanwhile" in err
    assert deployed.aliases.all() == {alias: f"{ARN}-copy"}


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["rollback", "persna"], "Did you mean persona?"),
        (["models", "persna"], "Did you mean persona?"),
        (["show", "persna"], "Did you mean persona"),
        (["compare", "persona", "persna"], "Did you mean persona"),
        (["ask", "persna", "Hello?"], "Did you mean persona"),
        (["runs", "--status", "promotd"], "it is one of running, promoted"),
        (["runs", "--sort", "age"], "--sort is one of started, name"),
        (["compare", "persona"], "name at least two runs"),
        (["compare", "persona", "persona"], "is listed twice"),
        (["ask", "persona"], "give a prompt"),
        (["ask", "persona", "Hi", "--only", "judge"], "it is one of tuned, base, production"),
    ],
    ids=lambda one: " ".join(one) if isinstance(one, list) else "",
)
def test_what_is_not_there_fails_and_the_nearest_is_named(
    aws: Aws, deployed: Deployed, promoted: str, command: list[str], said: str
) -> None:
    code, out, err = run(*command)

    assert code in (NO, USAGE)
    assert out == ""
    assert said in err


def test_a_hint_prefers_names_that_contain_what_was_typed() -> None:
    known = ["amazon.nova-lite-v1:0:300k", "meta.llama3-1-8b-instruct-v1:0:128k", "support"]

    assert hint("llama", known, "") == "Did you mean meta.llama3-1-8b-instruct-v1:0:128k?"
    assert hint("suport", known, "") == "Did you mean support?"
    assert hint("zzz", known, "See them: tunedrop runs") == "See them: tunedrop runs"


@pytest.mark.parametrize("arguments", [["-h"], ["help"], ["--help"]])
def test_help_has_three_names(arguments: list[str]) -> None:
    result = CliRunner().invoke(app, arguments)

    assert result.exit_code == 0
    assert "Prepare a dataset" in result.stdout


@pytest.mark.parametrize("arguments", [["help", "runs"], ["runs", "-h"], ["help", "throughput", "release"]])
def test_help_of_a_command_names_values_and_shows_no_types(arguments: list[str]) -> None:
    result = CliRunner().invoke(app, arguments)

    assert result.exit_code == 0
    assert "--stage NAME" in result.stdout
    assert "--format text|json" in result.stdout
    assert not any(one in result.stdout for one in ("<str>", "<int>", "<path>", "<bool>", "<text|json>"))


def test_help_of_a_command_that_is_not_there_is_a_wrong_use() -> None:
    result = CliRunner().invoke(app, ["help", "chekc"])

    assert result.exit_code == USAGE
    assert "Did you mean check" in result.stderr


def test_what_is_piped_has_no_spaces_that_fill_a_line(
    aws: Aws, deployed: Deployed, promoted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tunedrop.serving.throughput.exists", lambda *_: True)
    for command in (["runs"], ["models"], ["models", "persona"]):
        code, out, said = run(*command)
        assert code == 0, said
        assert all(line == line.rstrip() for line in out.splitlines())
        assert max(map(len, out.splitlines())) < 400


def test_runs_are_filtered_and_sorted(
    aws: Aws, deployed: Deployed, registry: Registry, promoted: str
) -> None:
    other = builders.run(run_id="other-0123456789", name="other", created_at="2026-11-24T10:00:00Z")
    registry.register(other)
    registry.end(other.run_id, "rejected", None)

    def ids(*arguments: str) -> list[str]:
        code, out, _ = run("runs", *arguments, "--format", "json")
        assert code == 0
        return [one["run_id"] for one in json.loads(out)]

    assert ids() == ["other-0123456789", promoted]
    assert ids("--sort", "score") == [promoted, "other-0123456789"]
    assert ids("--status", "rejected") == ["other-0123456789"]
    assert ids("--name", "pers") == [promoted]
    assert ids("--since", "2026-11-24") == ["other-0123456789"]
    assert ids("--since", "2026-11-24T11:30+01:00") == []
    code, _, err = run("runs", "--since", "yesterday")
    assert (code, "--since yesterday: write a day (YYYY-MM-DD)" in err) == (2, True)
    assert ids("--data", "0000") == [promoted]
    assert ids("--limit", "1") == ["other-0123456789"]
    (row,) = json.loads(run("runs", "--name", "persona", "--format", "json")[1])
    assert row["score"]["tuned"] == 0.6
    assert row["hyperparameters"]["epochCount"] == "5"
    assert row["in_production"] is True
    assert "0.300 → 0.600" in run("runs")[1]


def test_models_reports_production_models_that_were_deleted(
    aws: Aws, deployed: Deployed, promoted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tunedrop.serving.throughput.exists", lambda *_: False)

    code, out, _ = run("models")

    assert (code, "GONE: it was deleted" in out) == (0, True)


def test_a_name_means_its_latest_trained_run_not_a_refused_upload(
    deployed: Deployed, registry: Registry, promoted: str
) -> None:
    again = builders.run(run_id="persona-refused", created_at="2026-11-24T10:00:00Z")
    registry.register(again)
    registry.end(again.run_id, "refused", Failure(error="AlreadyTrained", cause="trained before"))

    assert deployed.run("persona").run.run_id == again.run_id
    assert deployed.trained_run("persona").run.run_id == promoted
    assert deployed.trained_run(again.run_id).run.run_id == again.run_id


@pytest.mark.parametrize(
    ("arguments", "call", "said"),
    [
        (("stop", "persona"), "deployed.Deployed._put", "AWS may or may not have received the request"),
        (
            ("throughput", "release", ARN, "--yes"),
            "costs._serving.Removal.remove",
            f"{ARN} may still be billed",
        ),
    ],
    ids=["a request", "a release"],
)
def test_a_call_that_is_interrupted_says_what_is_unknown(
    deployed: Deployed, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], call: str, said: str
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    facts = {"arn": ARN, "run_id": "persona-0123456789", "committed_until": ""}
    served = [type("One", (), facts)]
    monkeypatch.setattr("tunedrop.cli.costs._serving.in_service", lambda *_: served)
    monkeypatch.setattr(f"tunedrop.cli.{call}", interrupted)

    code, _, err = run(*arguments)

    assert code == INTERRUPTED
    assert f"interrupted: {said}" in err
    assert "Repeat the command" in err
