from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from infra import bundling, settings
from infra.bundling import Target
from infra.functions import GRADER, RECORDER, STEPS, WATCHERS
from tests.infra.conftest import CONTEXT

HERE = Target("this machine")
EM_AARCH64, EM_X86_64 = 183, 62
AMAZON_LINUX_2023 = (2, 34)
"""The glibc of Lambda's Python 3.12 and later (Lambda guide, lambda-runtimes)."""
LAMBDA = Target("3.13", ("manylinux2014_aarch64", "manylinux_2_24_aarch64", "manylinux_2_28_aarch64"))
MACHINES = {"arm64": EM_AARCH64, "x86_64": EM_X86_64}
LAYERS = {
    "dependencies": bundling.REQUIREMENTS, "reading": bundling.READING_REQUIREMENTS,
    "scoring": bundling.SCORING_REQUIREMENTS,
}  # fmt: skip


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small copy of the house, and a cache of its own."""
    monkeypatch.setattr(bundling, "CACHE", tmp_path / "cache")
    for file in (
        "tunedrop/stage.py",
        "tunedrop/cli/main.py",
        "tunedrop/page.html",
        "lambdas/notify/handler.py",
    ):
        path = tmp_path / "house" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    return tmp_path / "house"


def files_of(folder: Path) -> set[str]:
    return {
        str(file.relative_to(folder))
        for file in folder.rglob("*")
        if file.is_file() and file.suffix != ".pyc"
    }


def test_the_code_bundle_holds_domain_and_handlers_without_the_command_line(house: Path) -> None:
    bundle = bundling.code(HERE, house)

    assert files_of(bundle.path) == {
        "tunedrop/stage.py",
        "tunedrop/page.html",
        "lambdas/notify/handler.py",
    }


def test_a_bundle_is_made_once_while_nothing_changes(house: Path) -> None:
    first = bundling.code(HERE, house)
    made = first.path.stat().st_mtime_ns

    assert bundling.code(HERE, house) == first
    assert first.path.stat().st_mtime_ns == made


def test_a_change_makes_another_bundle(house: Path) -> None:
    first = bundling.code(HERE, house)
    (house / "lambdas" / "notify" / "handler.py").write_text("x = 1\n")

    assert bundling.code(HERE, house).hash != first.hash


def test_a_change_to_the_command_line_makes_no_other_bundle(house: Path) -> None:
    first = bundling.code(HERE, house)
    (house / "tunedrop" / "cli" / "main.py").write_text("x = 1\n")

    assert bundling.code(HERE, house) == first


def test_a_build_that_breaks_off_leaves_nothing_in_the_cache(
    house: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_off(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(bundling, "_compile", break_off)
    with pytest.raises(KeyboardInterrupt):
        bundling.code(HERE, house)

    assert list(bundling.CACHE.iterdir()) == []


def test_a_dependency_without_a_wheel_is_reported_with_pips_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundling, "CACHE", tmp_path / "cache")
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("./no-such-wheel-1.0-py3-none-any.whl\n")

    with pytest.raises(RuntimeError, match=r"could not be built(.|\n)*no-such-wheel"):
        bundling.layer(LAMBDA, requirements)


@pytest.mark.parametrize(("stage", "platforms"), [("dev", LAMBDA.platforms), ("local", ())])
def test_a_stage_is_bundled_for_where_its_functions_run(stage: str, platforms: tuple[str, ...]) -> None:
    target = bundling.target_of(settings.read(CONTEXT["stages"], stage))

    assert target.platforms == platforms


def test_the_layer_for_lambda_is_small_and_native_to_arm() -> None:
    layer = bundling.layer(LAMBDA)
    native = [file.name for file in layer.path.rglob("*.so")]

    assert native
    assert all("aarch64-linux-gnu" in name for name in native)
    assert sum(file.stat().st_size for file in layer.path.rglob("*") if file.is_file()) < 40e6


def elf_files(bundle: bundling.Bundle) -> list[Path]:
    files = (file for file in bundle.path.rglob("*") if file.is_file())
    return [file for file in files if file.read_bytes()[:4] == b"\x7fELF"]


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("architecture", MACHINES)
def test_everything_native_loads_on_lambdas_processor_glibc_and_python(architecture: str, layer: str) -> None:
    """By what the files themselves say (System V ABI, ELF header; GNU symbol versions)."""
    stage = {**CONTEXT["stages"]["dev"], "architecture": architecture}
    target = bundling.target_of(settings.read({"dev": stage}, "dev"))
    files = elf_files(bundling.layer(target, LAYERS[layer]))

    assert files
    for file in files:
        content = file.read_bytes()
        needed = {tuple(map(int, one)) for one in re.findall(rb"GLIBC_(\d+)\.(\d+)", content)}
        tag = re.search(r"\.cpython-(\d+)", file.name)
        assert int.from_bytes(content[18:20], "little") == MACHINES[architecture], file
        assert max(needed, default=(0, 0)) <= AMAZON_LINUX_2023, file
        assert tag is None or tag[1] == target.python_version.replace(".", ""), file


def test_the_scoring_layer_for_lambda_leaves_room_below_the_limit() -> None:
    layer = bundling.layer(LAMBDA, bundling.SCORING_REQUIREMENTS)

    assert sum(file.stat().st_size for file in layer.path.rglob("*") if file.is_file()) < 60e6


EVERYTHING = """
import importlib, sys
from functools import cached_property
for name in sys.argv[1:]:
    importlib.import_module(f"lambdas.{name}.handler").handler
from tunedrop.aws import Aws
aws = Aws()
clients = [getattr(aws, name) for name, value in vars(Aws).items() if isinstance(value, cached_property)]
assert clients
import botocore, tunedrop
print(botocore.__file__, tunedrop.__file__)
"""


@pytest.mark.parametrize("scores", [False, True])
def test_every_function_starts_with_nothing_but_its_bundles(tmp_path: Path, scores: bool) -> None:
    bundles = bundling.build(settings.read(CONTEXT["stages"], "local"))
    layers = [bundles.layer, bundles.scoring] if scores else [bundles.layer]
    paths = (*(layer.path / "python" for layer in layers), bundles.code.path)
    functions = [one.name for one in (*STEPS, *WATCHERS, RECORDER, GRADER) if one.scores is scores]
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join(map(str, paths)),
        "AWS_DEFAULT_REGION": "us-west-2",
        "AWS_LAMBDA_FUNCTION_NAME": "any",
        "POWERTOOLS_SERVICE_NAME": "tunedrop",
    }

    done = subprocess.run(
        [sys.executable, "-S", "-c", EVERYTHING, *functions],
        env=environment, cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert all(str(path) in done.stdout for path in (paths[0], paths[-1]))
