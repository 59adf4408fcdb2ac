"""`submit` up to the moment when S3's event takes over: what is checked, what is sent, what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tests import builders, pictures
from tests.unit.fake_bedrock import refusal
from tunedrop import catalog
from tunedrop.aws import Aws
from tunedrop.cli.app import app
from tunedrop.cli.data import folder as submissions
from tunedrop.cli.deployed import Deployed
from tunedrop.cli.runs import submitting
from tunedrop.contracts import S3Object
from tunedrop.dataset.check.check import check, plain_errors
from tunedrop.registry import Record
from tunedrop.stage import Stage

NOVA_LITE = "amazon.nova-lite-v1:0:300k"

RECORDS = "".join(
    json.dumps(
        {
            "messages": [
                {"role": "user", "content": f"What is {n} and {n}?"},
                {"role": "assistant", "content": f"It is {2 * n}, as far as I can count."},
            ]
        }
    )
    + "\n"
    for n in range(150)
)


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing registers the run here; the deployed stage does, in the end-to-end tests."""
    monkeypatch.setattr(
        "tunedrop.cli.runs.submitting.started", lambda *_: Record(run=builders.run(), status="running")
    )


class Bedrock:
    """What GetFoundationModel says of every base model's life; nothing, where it may not be asked."""

    def __init__(self, status: str = "") -> None:
        self._status = status

    def get_foundation_model(self, modelIdentifier: str) -> dict[str, object]:  # noqa: N803
        if not self._status:
            raise refusal("AccessDeniedException")
        return {"modelDetails": {"modelId": modelIdentifier, "modelLifecycle": {"status": self._status}}}


@pytest.fixture(autouse=True)
def nobody_to_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Aws, "bedrock", Bedrock())


@pytest.fixture
def stage(request: pytest.FixtureRequest) -> Stage:
    """A stage; its tenants are a test's parameter."""
    return builders.stage(default_base_model=NOVA_LITE, tenants=getattr(request, "param", {}))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "persona"
    path.mkdir()
    (path / "run.yaml").write_text(f"base_model: {NOVA_LITE}\ndata: {{train: train.jsonl}}\n")
    (path / "train.jsonl").write_text(RECORDS)
    return path


def submit(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(
        app, ["submit", *arguments, "--yes", "--stage", "test", "--region", "us-east-1"]
    )
    return result.exit_code, result.stdout, result.stderr


def keys(aws: Aws, bucket: str) -> list[str]:
    return [item["Key"] for item in aws.s3.list_objects_v2(Bucket=bucket).get("Contents", [])]


def test_data_is_checked_priced_and_uploaded_and_the_manifest_goes_last(
    aws: Aws, deployed: Deployed, intake: str, folder: Path
) -> None:
    code, out, _ = submit(str(folder))

    lines = [line.split()[0] for line in out.splitlines()]
    assert code == 0
    assert lines == ["valid", "price", "it", "uploaded", "uploaded", "started", "follow"]
    assert "it will wait for your approval: 18 held-out conversations cannot decide" in out
    assert "with 250 records or more, or with a test file of 30 or more" in out
    assert out.index("train.jsonl") < out.index("run.yaml")
    assert keys(aws, intake) == ["runs/persona/run.yaml", "runs/persona/train.jsonl"]


@pytest.mark.parametrize("is_replaced", [False, True])
def test_who_submits_under_a_name_at_once_with_another_is_told_whose_data_the_run_reads(
    aws: Aws,
    deployed: Deployed,
    intake: str,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    is_replaced: bool,
) -> None:
    def register(*_: object) -> Record:
        if is_replaced:
            aws.s3.put_object(Bucket=intake, Key="runs/persona/train.jsonl", Body=b"another's")
        head = aws.s3.head_object(Bucket=intake, Key="runs/persona/train.jsonl")
        train = S3Object(bucket=intake, key="runs/persona/train.jsonl", version_id=head["VersionId"])
        return Record(run=builders.run(train=train), status="running")

    monkeypatch.setattr("tunedrop.cli.runs.submitting.started", register)

    code, _, said = submit(str(folder))

    assert code == 0
    assert (f"s3://{intake}/runs/persona/train.jsonl was replaced by another upload" in said) == is_replaced
    assert ("tunedrop stop persona-0123456789 --stage test" in said) == is_replaced


def test_a_run_is_known_by_what_was_sent_and_not_by_what_another_sent_behind_it(
    aws: Aws, deployed: Deployed, intake: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a person is told to stop somebody else's run."""
    send, mine = submitting.send, []

    def sent(s3: Any, path: Path, bucket: str, key: str, *more: Any) -> tuple[int, str]:
        found = send(s3, path, bucket, key, *more)
        mine.append(s3.head_object(Bucket=bucket, Key=key)["VersionId"])
        s3.put_object(Bucket=bucket, Key=key, Body=b"another's")
        return found

    def register(look: Callable[[], Record | None], *_: object) -> Record:
        source = S3Object(bucket=intake, key="runs/persona/run.yaml", version_id=mine[-1])
        deployed.registry.register(builders.run(source=source))
        found = look()
        assert found is not None
        return found

    monkeypatch.setattr(submitting, "send", sent)
    monkeypatch.setattr(submitting, "started", register)

    code, _, said = submit(str(folder))

    assert code == 0, said


def test_a_single_warning_is_counted_as_one(aws: Aws, deployed: Deployed, intake: str, folder: Path) -> None:
    train = folder / "train.jsonl"
    train.write_text(RECORDS + RECORDS.splitlines(keepends=True)[0])

    _, out, _ = submit(str(folder))

    assert " 1 warning" in out
    assert "1 warnings" not in out


def test_what_is_there_already_is_not_sent_again_but_the_manifest_is(
    aws: Aws, deployed: Deployed, intake: str, folder: Path
) -> None:
    submit(str(folder))

    _, out, _ = submit(str(folder))

    assert "unchanged s3://intake/runs/persona/train.jsonl" in out
    assert "uploaded  s3://intake/runs/persona/run.yaml" in out


def with_images(folder: Path) -> None:
    lines = [json.loads(line) for line in RECORDS.splitlines()]
    (folder / "images").mkdir()
    for number, line in enumerate(lines):
        (folder / f"images/{number % 3}.png").write_bytes(pictures.png())
        place = {"s3Location": {"uri": f"images/{number % 3}.png"}}
        user, assistant = ([{"text": message["content"]}] for message in line["messages"])
        user.append({"image": {"format": "png", "source": place}})
        line["schemaVersion"] = "bedrock-conversation-2024"
        line["messages"] = [{"role": "user", "content": user}, {"role": "assistant", "content": assistant}]
    (folder / "train.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (folder / "run.yaml").write_text(
        "base_model: amazon.nova-lite-v1:0:300k\ndata: {train: train.jsonl}\nbudget_usd: 5\n"
    )


def test_images_that_records_name_go_before_the_data_that_names_them(
    aws: Aws, deployed: Deployed, intake: str, folder: Path
) -> None:
    with_images(folder)

    code, out, err = submit(str(folder), "--format", "json")

    assert code == 0, err
    assert json.loads(out)["uploaded"] == [
        f"s3://intake/runs/persona/{name}"
        for name in ("images/0.png", "images/1.png", "images/2.png", "train.jsonl", "run.yaml")
    ]
    assert len(keys(aws, intake)) == 5


def test_an_image_that_is_missing_stops_the_upload(
    aws: Aws, deployed: Deployed, intake: str, folder: Path
) -> None:
    with_images(folder)
    (folder / "images/1.png").unlink()

    checked, _, findings = submit(str(folder))
    unchecked, _, missing = submit(str(folder), "--no-check")

    assert (checked, unchecked) == (1, 1)
    assert "TD078" in findings
    assert "images/1.png, to which a record refers" in missing
    assert keys(aws, intake) == []


def test_a_file_that_names_images_beside_it_needs_a_folder(
    deployed: Deployed, intake: str, folder: Path
) -> None:
    with_images(folder)

    code, _, err = submit(str(folder / "train.jsonl"), "--no-check")

    assert code == 2
    assert "Put them into a folder with a manifest" in err


def test_one_file_is_dropped_with_the_defaults_of_the_stage(
    aws: Aws, deployed: Deployed, intake: str, folder: Path
) -> None:
    code, out, _ = submit(str(folder / "train.jsonl"), "--format", "json")

    submitted = json.loads(out)
    assert code == 0
    assert submitted["uploaded"] == ["s3://intake/drop/train.jsonl"]
    assert submitted["estimate"]["likely"] > 0
    assert submitted["run_id"] == "persona-0123456789"


def test_invalid_data_is_not_uploaded(aws: Aws, deployed: Deployed, intake: str, folder: Path) -> None:
    (folder / "train.jsonl").write_text(RECORDS + "nonsense\n")

    code, _, err = submit(str(folder))

    assert code == 1
    assert "train.jsonl line 151" in err
    assert keys(aws, intake) == []


def test_a_base_model_that_no_job_can_start_on_is_refused_unless_nothing_is_checked(
    aws: Aws, deployed: Deployed, intake: str, folder: Path
) -> None:
    manifest = folder / "run.yaml"
    manifest.write_text(manifest.read_text().replace(NOVA_LITE, builders.LLAMA_3_3))

    code, _, err = submit(str(folder))

    assert code == 1
    assert "has been Legacy since" in err
    assert "Take amazon.nova" in err
    assert "--no-check" in err
    assert keys(aws, intake) == []

    assert submit(str(folder), "--no-check")[0] == 0
    assert len(keys(aws, intake)) == 2


def test_bedrock_is_queried_first(
    aws: Aws, deployed: Deployed, intake: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Aws, "bedrock", Bedrock("LEGACY"))

    code, _, err = submit(str(folder))

    assert code == 1
    assert "is Legacy: Bedrock starts no new job" in err


def test_without_a_check_everything_is_uploaded(
    aws: Aws, deployed: Deployed, intake: str, folder: Path
) -> None:
    (folder / "train.jsonl").write_text("nonsense\n")

    assert submit(str(folder), "--no-check")[0] == 0
    assert len(keys(aws, intake)) == 2


def test_data_that_is_in_s3_already_is_checked_there(
    aws: Aws, deployed: Deployed, intake: str, folder: Path
) -> None:
    (folder / "run.yaml").write_text("data: {train: s3://elsewhere/train.jsonl}\n")

    code, _, err = submit(str(folder))

    assert code == 0
    assert "not checked here, because it is in S3: s3://elsewhere/train.jsonl" in err
    assert keys(aws, intake) == ["runs/persona/run.yaml"]


def test_a_run_over_its_budget_is_reported_before_the_upload(
    aws: Aws, deployed: Deployed, intake: str, folder: Path
) -> None:
    (folder / "run.yaml").write_text(
        f"base_model: {NOVA_LITE}\ndata: {{train: train.jsonl}}\nbudget_usd: 0.5\n"
    )

    _, out, _ = submit(str(folder))

    assert "it will wait for your approval" in out
    assert "budget of 0.50 USD" in out


def test_a_file_that_the_manifest_names_has_to_be_there(
    aws: Aws, deployed: Deployed, intake: str, folder: Path
) -> None:
    (folder / "train.jsonl").unlink()

    code, _, err = submit(str(folder))

    assert code == 2
    assert "data.train: there is no file" in err


def test_a_run_that_never_starts_names_where_to_look(
    aws: Aws, deployed: Deployed, intake: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tunedrop.cli.runs.live import watch

    monkeypatch.setattr(
        "tunedrop.cli.runs.submitting.started", lambda find, what: watch.started(find, what, seconds=0.0)
    )

    code, _, err = submit(str(folder))

    assert code == 1
    assert "tunedrop doctor" in err


def test_a_file_in_the_wrong_format_is_reported_by_rule_not_by_record() -> None:
    wrong = {"messages": [{"role": "user", "contnt": "Where?"}, {"role": "assistant", "contnt": "Here."}]}
    content = f"{json.dumps(wrong)}\n" * 40 + "{\n"

    report = check({"train": [content.encode()]}, {"train": "train.jsonl"}, catalog.find(NOVA_LITE))
    told = list(plain_errors(report))

    assert len(told) < 15, told
    assert sum("train.jsonl line 1 " in one for one in told) >= 1
    assert any("line 41" in one for one in told), "another rule is told too"
    assert any(one.startswith("… and ") and " more of TD" in one for one in told)


@pytest.mark.parametrize("name", ["../secret.jsonl", "../*.jsonl", "/etc/passwd", "a/../../secret.jsonl"])
def test_a_manifest_uploads_no_file_outside_its_folder(
    aws: Aws, deployed: Deployed, intake: str, folder: Path, name: str
) -> None:
    (folder.parent / "secret.jsonl").write_text(RECORDS)
    (folder / "run.yaml").write_text(
        f"base_model: {NOVA_LITE}\ndata: {{train: train.jsonl, test: '{name}'}}\n"
    )

    code, _, error = submit(str(folder), "--no-check")

    assert (code, "is not in the manifest's folder" in error) == (2, True)
    assert keys(aws, intake) == []


@pytest.mark.parametrize(
    ("stage", "arguments", "said"),
    [
        ({"support": ()}, (), "the stage has tenants"),
        ({"support": ()}, ("--tenant", "law"), "law is not a tenant of the stage"),
        ({}, ("--tenant", "law"), "the stage has no tenants"),
    ],
    indirect=["stage"],
)
def test_a_submission_that_no_tenant_could_make_is_refused_before_it_is_uploaded(
    aws: Aws, deployed: Deployed, intake: str, folder: Path, arguments: tuple[str, ...], said: str
) -> None:
    code, _, err = submit(str(folder), *arguments)

    assert code == 2
    assert said in err
    assert keys(aws, intake) == []


@pytest.mark.parametrize("stage", [{"support": ()}], indirect=True)
def test_a_tenants_submission_is_uploaded_below_its_name(
    aws: Aws, deployed: Deployed, intake: str, folder: Path
) -> None:
    code, _, _ = submit(str(folder), "--tenant", "support")
    one_file, _, _ = submit(str(folder / "train.jsonl"), "--tenant", "support")

    assert (code, one_file) == (0, 0)
    assert keys(aws, intake) == [
        "drop/support/train.jsonl", "runs/support/persona/run.yaml", "runs/support/persona/train.jsonl",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("path", "tenant", "name"),
    [
        ("persona", "", "persona"), ("persona", "law", "law/persona"),
        ("persona/train.jsonl", "", "train"), ("persona/train.jsonl", "law", "law/train"),
        ("Gru\u0308\u00dfe.v1.csv", "law", "law/Gr\u00fc\u00dfe.v1"),
        (f"{'x' * 210}.csv", "", f"{'x' * 200}~aa10a2d2"),
    ],
)  # fmt: skip
def test_a_submission_has_the_name_that_its_run_will_have(
    folder: Path, path: str, tenant: str, name: str
) -> None:
    """register_run reads it from the key: letters composed, and no longer than a name may be."""
    if not (whole := folder.parent / path).exists():
        whole.write_text("")
    tenants = ("law",) if tenant else ()

    assert submissions.to_stage(submissions.read(whole), tenant, tenants).name == name


def test_data_in_a_folder_beside_the_manifest_is_uploaded_where_the_manifest_names_it(
    aws: Aws, deployed: Deployed, intake: str, folder: Path
) -> None:
    (folder / "run.yaml").write_text(f"base_model: {NOVA_LITE}\ndata: {{train: 'x/../data/*.jsonl'}}\n")
    (folder / "data").mkdir()
    (folder / "x").mkdir()
    (folder / "train.jsonl").rename(folder / "data/train.jsonl")

    code, _, _ = submit(str(folder))

    assert code == 0
    assert keys(aws, intake) == ["runs/persona/data/train.jsonl", "runs/persona/run.yaml"]


def test_a_file_under_a_name_that_starts_nothing_is_refused_before_it_is_uploaded(
    aws: Aws, deployed: Deployed, intake: str, folder: Path
) -> None:
    (folder / "train.jsonl").rename(folder / "config.json")

    code, _, err = submit(str(folder / "config.json"))

    assert (code, keys(aws, intake)) == (2, [])
    assert "config.json would not start a run" in err


def test_an_estimate_holds_out_no_more_than_the_pipeline(
    aws: Aws, deployed: Deployed, intake: str, folder: Path
) -> None:
    (folder / "train.jsonl").write_text("".join(RECORDS.splitlines(keepends=True)[:46]))

    _, out, _ = submit(str(folder))

    assert "5 held-out conversations" in out  # 12 % of 46 are 5.52
