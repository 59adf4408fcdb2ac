"""How the program speaks and ends, whatever the command: for people, for pipes, for programs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace

import botocore.exceptions
import pytest
import typer
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConfigParseError,
    CredentialRetrievalError,
    InvalidRegionError,
    LoginRefreshRequired,
    NoCredentialsError,
    NoRegionError,
    ProfileNotFound,
    ProxyConnectionError,
    ReadTimeoutError,
    SSLError,
    UnauthorizedSSOTokenError,
)
from typer.testing import CliRunner

from tunedrop.aws import Aws
from tunedrop.aws.hints import hint
from tunedrop.cli import completion
from tunedrop.cli.app import app
from tunedrop.cli.deployed import Deployed
from tunedrop.cli.exits import MEANINGS, NO_AWS, USAGE
from tunedrop.cli.failures import foreseen
from tunedrop.errors import OverBudget, TransientError

COMMANDS = sorted(typer.main.get_command(app).commands)  # type: ignore[attr-defined]
PROGRAM = str(Path(sys.executable).with_name("tunedrop"))


def run(*arguments: str, **environment: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, list(arguments), env={"AWS_REGION": "us-east-1", **environment})
    return result.exit_code, result.stdout, result.stderr


def test_the_version_is_that_of_the_package() -> None:
    assert run("--version") == (0, f"tunedrop {version('tunedrop')}\n", "")


def test_the_help_names_every_exit_code() -> None:
    _, out, _ = run("--help")

    assert all(str(code) in out and meaning.split(":")[0] in out for code, meaning in MEANINGS.items())


@pytest.mark.parametrize(
    "command",
    COMMANDS,
)
def test_every_commands_help_has_examples(command: str) -> None:
    code, out, _ = run(command, "--help")

    assert code == 0
    assert f"tunedrop {command}" in out.partition("Examples")[2]


def test_a_wrong_use_is_an_error_object_for_programs() -> None:
    code, out, err = run("check", "--basline", "--format", "json")

    assert (code, out) == (USAGE, "")
    message = "No such option: --basline (Possible options: --baseline)"
    assert json.loads(err) == {"error": {"message": message, "next": "", "exit_code": 2}}


def test_a_failure_is_an_error_object_for_programs(tmp_path: Path) -> None:
    code, out, err = run("estimate", str(tmp_path), "--format=json")

    assert (code, out) == (USAGE, "")
    assert "needs exactly one of run.yaml" in json.loads(err)["error"]["message"]
    assert "tunedrop init" in json.loads(err)["error"]["next"]


def test_a_command_that_is_mistyped_is_guessed() -> None:
    code, _, err = run("chekc")

    assert code == USAGE
    assert "Did you mean check?" in err


def test_without_credentials_the_next_step_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)

    code, _, err = run("runs", AWS_EC2_METADATA_DISABLED="true", AWS_CONFIG_FILE="/nowhere", HOME="/nowhere")

    assert code == NO_AWS
    assert "Unable to locate credentials" in err
    assert 'eval "$(tunedrop local up)"' in err


@pytest.mark.parametrize(
    ("error", "next_step"),
    [
        (NoCredentialsError(), "aws sso login"),
        (NoRegionError(), "--region"),
        (ProfileNotFound(profile="none"), "aws configure list-profiles"),
        (ReadTimeoutError(endpoint_url="https://s3"), "Try again"),
        (SSLError(endpoint_url="https://s3", error="self-signed"), "network"),
        (ProxyConnectionError(proxy_url="http://proxy"), "HTTPS_PROXY"),
        (UnauthorizedSSOTokenError(), "aws sso login"),
        (LoginRefreshRequired(), "aws login"),
        (CredentialRetrievalError(provider="custom-process", error_msg="1"), "aws configure list"),
        (ConfigParseError(path="config"), "Correct this file"),
        (InvalidRegionError(region_name="us_east_1"), "us-east-1"),
        (ClientError({"Error": {"Code": "ExpiredTokenException"}}, "GetParameter"), "have expired"),
        (ClientError({"Error": {"Code": "AccessDeniedException"}}, "PutObject"), "PutObject"),
        (ClientError({"Error": {"Code": "InvalidClientTokenId"}}, "GetParameter"), "does not know these"),
    ],
)
def test_an_aws_error_shows_the_next_step(error: ClientError, next_step: str) -> None:
    assert next_step in hint(error)


NETWORK = [
    one
    for one in vars(botocore.exceptions).values()
    if isinstance(one, type) and issubclass(one, BotoCoreError) and issubclass(one, OSError)
]
"""botocore's errors of the network are also OSErrors, without a file and without its text."""


@pytest.mark.parametrize("error", NETWORK, ids=lambda error: error.__name__)
def test_an_error_of_the_network_has_a_text_and_a_next_step(error: type[BotoCoreError]) -> None:
    fields = dict.fromkeys(("endpoint_url", "proxy_url", "error", "request", "response"), "https://s3")

    failure = foreseen(error(**fields))

    assert failure is not None
    assert (failure.code, failure.next != "") == (NO_AWS, True)
    assert "https://s3" in failure.message


def test_an_endpoint_that_is_no_url_is_not_a_bug() -> None:
    code, _, err = run("runs", "--stage", "test", AWS_ENDPOINT_URL="localhost")

    assert (code, "bug" in err) == (NO_AWS, False)
    assert "AWS_ENDPOINT_URL" in err


def test_a_missing_stage_shows_how_to_deploy_it(aws: Aws) -> None:
    code, _, err = run("runs", "--stage", "nowhere")

    assert code == NO_AWS
    assert "there is no stage nowhere in us-east-1" in err
    assert "make deploy STAGE=nowhere" in err


def test_the_stage_of_the_profile_is_the_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "config"
    config.write_text("[profile team]\nregion = us-east-1\ntunedrop_stage = team\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))

    here = Deployed(None, "team", None)

    assert (here.name, here.aws.session.region_name) == ("team", "us-east-1")
    assert Deployed("other", "team", "us-east-1").name == "other"
    assert Deployed(None, None, "us-east-1").name == "dev"


def test_a_run_that_is_mistyped_is_guessed(aws: Aws, deployed: Deployed) -> None:
    code, _, err = run("show", "persna", "--stage", "test")

    assert code == 1
    assert "there is no run persna in stage test" in err
    assert "Did you mean persona" in err


def test_runs_in_a_pipe_are_one_row_a_line(aws: Aws, deployed: Deployed) -> None:
    code, out, _ = run("runs", "--stage", "test")

    assert code == 0
    assert out.splitlines()[1].split()[:2] == ["persona-0123456789", "register"]
    assert "\x1b" not in out


def test_a_shell_completes_base_models_methods_and_runs(
    aws: Aws, deployed: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TUNEDROP_STAGE_NAME", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")

    def complete(line: str) -> str:
        environment = {"_TUNEDROP_COMPLETE": "complete_bash", "COMP_WORDS": line}
        environment["COMP_CWORD"] = str(len(line.split(" ")) - 1)
        return CliRunner().invoke(app, [], env=environment, prog_name="tunedrop").stdout

    assert "amazon.nova-lite-v1:0:300k" in complete("tunedrop check a.jsonl --base-model amazon.nova")
    assert complete("tunedrop init x --method multi").split() == ["multi-turn"]
    assert "persona-0123456789" in complete("tunedrop show pers")
    assert "submit" in complete("tunedrop sub")


def test_a_shell_that_cannot_reach_aws_completes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    context = SimpleNamespace(params={"stage": "test", "profile": "nobody-has-this-profile"})

    assert completion.run_ids(context, "") == []  # type: ignore[arg-type]


def test_a_closed_pipe_is_not_reported(tmp_path: Path) -> None:
    (tmp_path / "train.jsonl").write_text('{"prompt": "a", "completion": "b"}\n' * 2000)
    command = f"{PROGRAM} check {tmp_path / 'train.jsonl'} --format json | head -c 10"

    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=120, check=False)

    assert done.stderr == ""
    assert len(done.stdout) == 10


def test_ctrl_c_ends_with_130_and_a_plain_line(tmp_path: Path) -> None:
    file = tmp_path / "train.jsonl"
    file.touch()
    script = (
        "import signal, time\nfrom tunedrop.cli.data import checking\n"
        # A test run in the background has been told to ignore it.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "checking.check_files = lambda *_: (print('at work', flush=True), "
        "[time.sleep(0.1) for _ in range(600)])\n"
        "from tunedrop.cli.main import main\nmain()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, "check", str(file)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "at work\n"
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=120)

    assert process.returncode == 130
    assert "interrupted" in err
    assert "Traceback" not in err


def test_no_color_means_no_colour() -> None:
    done = subprocess.run(
        [PROGRAM, "check", "/nowhere"],
        env=os.environ | {"NO_COLOR": "1", "FORCE_COLOR": "", "TERM": "xterm-256color"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == USAGE
    assert "\x1b" not in done.stderr


def test_what_nobody_foresaw_is_a_sentence_and_a_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def broken(*_: object) -> int:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr("tunedrop.cli.data.checking.check_files", broken)

    file = tmp_path / "a.jsonl"
    file.touch()

    code, _, err = run("check", str(file), "--format", "json")

    error = json.loads(err)["error"]
    assert code == 1
    assert error["message"] == "a bug in tunedrop: ZeroDivisionError: division by zero"
    log = Path(error["next"].rpartition(" ")[2])
    assert "ZeroDivisionError" in log.read_text()
    log.unlink()


def test_a_run_over_the_months_budget_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> int:
        raise OverBudget("this month's runs amount to 500.00 USD")

    monkeypatch.setattr("tunedrop.cli.plan.estimating.estimate_path", refused)

    assert run("estimate", "runs/a") == (1, "", "this month's runs amount to 500.00 USD\n")


@pytest.mark.parametrize(
    "error",
    [
        ReadTimeoutError(endpoint_url="https://s3.example"),
        ClientError({"Error": {"Code": "AccessDenied"}}, "PutObject"),
        TransientError("again and again"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_a_command_has_done_stays_done_though_the_page_of_all_runs_cannot_be_written(
    deployed: Deployed, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: Exception
) -> None:
    def fails(*_: object) -> None:
        raise error

    monkeypatch.setattr("tunedrop.results.index.rewrite", fails)

    deployed.rewrite_index()

    assert "the index page was not updated" in capsys.readouterr().err
