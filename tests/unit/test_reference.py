"""The reference that is written from the code says everything that the code knows."""

from __future__ import annotations

import re
from typing import Any

import jsonschema
import msgspec
import pytest
import typer
from ruamel.yaml import YAML

from docs.reference import cli, errors, events, manifest, models, settings
from infra.settings import StageSettings
from tests.pages import ROOT
from tunedrop import catalog
from tunedrop.cli.app import app
from tunedrop.contracts import Ending
from tunedrop.manifest import Manifest
from tunedrop.schemas import SCHEMAS, structs_in
from tunedrop.schemas.docstrings import attributes

WRITTEN: list[type[msgspec.Struct]] = [Manifest, *structs_in(Manifest), StageSettings]
"""What people write by hand."""

EXAMPLES = sorted((ROOT / "examples").glob("*/run.yaml"))


@pytest.mark.parametrize("shape", WRITTEN, ids=lambda shape: shape.__name__)
def test_every_key_that_people_write_is_described(shape: type[msgspec.Struct]) -> None:
    assert set(attributes(shape)) == set(shape.__struct_fields__)


def test_the_page_of_the_manifest_has_every_key() -> None:
    page = manifest.markdown()

    names = [one.encode_name for shape in WRITTEN[:-1] for one in msgspec.structs.fields(shape)]
    assert [name for name in names if f"| `{name}` |" not in page] == []


def test_the_page_of_the_settings_has_every_setting() -> None:
    page = settings.markdown()

    assert [
        name for name in StageSettings.__struct_fields__ if name != "name" and f"`{name}`" not in page
    ] == []


def test_the_page_of_the_command_line_has_every_command_and_option() -> None:
    page = cli.markdown()

    for path, command in cli.commands(typer.main.get_command(app)):
        section = page.partition(f"## {path}\n")[2].partition("\n## ")[0]
        assert command.help.splitlines()[0] in section
        assert [
            one.opts[0]
            for one in command.params
            if one.opts[0] not in section and one.opts[0].startswith("--") and one.name != "help"
        ] == []


def test_the_catalogs_page_has_every_base_model_with_its_prices() -> None:
    page = models.markdown()

    assert [one for one in catalog.load() if f"`{one}`" not in page] == []
    assert "1.49 (2026-07-24)" in page


def test_the_page_of_errors_says_how_each_ends_a_run() -> None:
    page = errors.markdown()

    assert re.search(r"`OverBudget` .* \| refused \|", page)
    assert re.search(r"`CustomizationFailed` .* \| failed \|", page)
    assert re.search(r"^\| 3 \| AWS could not be used", page, flags=re.MULTILINE)


def test_the_page_of_events_has_every_struct_that_a_program_reads() -> None:
    page = events.markdown()

    assert [one.__name__ for one in structs_in(Ending) if f"### {one.__name__}\n" not in page] == []


def test_every_variable_of_the_environment_is_on_its_page() -> None:
    page = (ROOT / "docs" / "reference" / "environment.md").read_text()
    read = {
        name
        for folder in ("tunedrop", "lambdas", "local", "bench", "infra")
        for file in (ROOT / folder).rglob("*.py")
        for name in re.findall(r"\bTUNEDROP_[A-Z_]+\b", file.read_text())
    }

    assert set(re.findall(r"`(TUNEDROP_[A-Z_]+)`", page)) == read


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_is_one(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMAS[name]())


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.parent.name)
def test_the_manifests_of_the_examples_follow_their_schema(example: Any) -> None:
    jsonschema.validate(YAML(typ="safe", pure=True).load(example), SCHEMAS["manifest"]())


@pytest.mark.parametrize(
    ("key", "value"),
    [("budgt_usd", 5), ("budget_usd", -1), ("method", "guess"), ("data", {"trian": "train.jsonl"})],
)
def test_an_editor_finds_what_the_reader_of_the_manifest_refuses(key: str, value: object) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"data": {"train": "train.jsonl"}, key: value}, SCHEMAS["manifest"]())
