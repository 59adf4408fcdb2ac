"""What people install: wheel and sdist are built, and the wheel is tried in an environment of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MOST_MEGABYTES = 200
"""Of all files that the installation adds, with the bytecode that pip compiles."""
OF_THE_ENVIRONMENT = ("pip", "setuptools", "pkg_resources", "_distutils_hack", "distutils-precedence")
"""What a new environment holds before anything is installed."""
DEPLOYMENT_ONLY = ("aws_cdk", "ziglang", "ministack", "aws_lambda_powertools", "moto", "pytest")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with wheel and sdist, built from a clean copy of what git knows."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("dist")
    files = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, files.stdout.split("\0")):
        if (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, source / name)
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return out


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    return next(built.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A fresh environment with the wheel and its dependencies, which nobody may write to."""
    place = tmp_path_factory.mktemp("clean") / "venv"
    subprocess.run([sys.executable, "-m", "venv", str(place)], check=True)
    install = [str(place / "bin" / "pip"), "install", "-q", "--disable-pip-version-check", str(wheel)]
    done = subprocess.run(install, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    subprocess.run(["chmod", "-R", "a-w", str(place)], check=True)
    yield place
    subprocess.run(["chmod", "-R", "u+w", str(place)], check=True)


def run(installed: Path, cwd: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    kept = {name: os.environ[name] for name in ("LANG", "SYSTEMROOT") if name in os.environ}
    return subprocess.run(
        [str(installed / "bin" / "tunedrop"), *arguments],
        cwd=cwd,
        env=kept | {"PATH": "/usr/bin:/bin", "HOME": str(cwd)},
        capture_output=True,
        text=True,
        timeout=120,
    )


def files_in(folder: Path) -> dict[str, int]:
    return {
        str(one.relative_to(folder)): one.stat().st_mtime_ns for one in folder.rglob("*") if one.is_file()
    }


def test_the_wheel_holds_our_package_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        tops = {name.partition("/")[0] for name in archive.namelist()}
        names = set(archive.namelist())

    assert {top for top in tops if not top.endswith(".dist-info")} == {"tunedrop"}
    assert "tunedrop/py.typed" in names
    assert not [name for name in names if name.endswith((".c", ".h", ".lib", ".so"))]


def test_the_wheel_misses_no_file_of_the_package(wheel: Path) -> None:
    known = subprocess.run(
        ["git", "ls-files", "tunedrop"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    expected = {name for name in known.stdout.split() if (ROOT / name).is_file()}

    with zipfile.ZipFile(wheel) as archive:
        assert expected <= set(archive.namelist())


def test_the_source_distribution_can_be_deployed_from(built: Path) -> None:
    with tarfile.open(next(built.glob("*.tar.gz"))) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}

    assert {"app.py", "cdk.json", "infra/stack.py", "lambdas/notify/handler.py", "local/__main__.py"} <= names
    assert {"requirements.txt", "requirements-lambda.txt", "requirements-scoring.txt", "Makefile"} <= names
    assert not [name for name in names if "__pycache__" in name or name.startswith((".work", ".venv"))]


def test_an_installation_is_small_and_has_nothing_that_only_deployments_need(installed: Path) -> None:
    (site,) = (installed / "lib").glob("python*/site-packages")
    files = (one for one in site.rglob("*") if one.is_file())
    ours = (one for one in files if not one.relative_to(site).parts[0].startswith(OF_THE_ENVIRONMENT))
    megabytes = sum(one.stat().st_size for one in ours) / 1e6

    assert megabytes < MOST_MEGABYTES
    assert not [name for name in (*DEPLOYMENT_ONLY, "local", "infra", "lambdas") if (site / name).exists()]


def test_a_read_only_installation_checks_a_dataset_and_writes_nothing_into_itself(
    installed: Path, tmp_path: Path
) -> None:
    before = files_in(installed)
    started = run(installed, tmp_path, "init", "run")
    checked = run(installed, tmp_path, "check", "run", "--format", "json")

    assert started.returncode == 0, started.stderr
    assert checked.returncode == 0, checked.stderr
    assert json.loads(checked.stdout)["files"]
    assert files_in(installed) == before


def test_every_module_of_an_installation_imports_that_the_command_line_or_a_notebook_uses(
    installed: Path, tmp_path: Path
) -> None:
    script = (
        "import importlib, pkgutil, tunedrop, tunedrop.cli\n"
        "for one in pkgutil.walk_packages(tunedrop.cli.__path__, 'tunedrop.cli.'):\n"
        "    importlib.import_module(one.name)\n"
        "for name in tunedrop.__all__:\n"
        "    getattr(tunedrop, name)\n"
    )
    python = str(installed / "bin" / "python")
    done = subprocess.run([python, "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=120)

    assert done.returncode == 0, done.stderr


def test_without_a_checkout_the_local_command_asks_for_one(installed: Path, tmp_path: Path) -> None:
    done = run(installed, tmp_path, "local", "up")

    assert done.returncode == 2
    assert "from a checkout" in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
