"""Lambda bundles without Docker: wheels unpacked for the stage's platform, and our own code beside them.

Both are cached under `.work/bundles`, named by a hash of their inputs. The bundle has its own SDK, in the
tested version, reduced to the services we call: the one in Lambda's runtime cannot be pinned and may lack
operations. For arm64 the layer is 36 MB, 10 MB zipped, of which botocore is 4 MB instead of 31.
"""

from __future__ import annotations

import compileall
import hashlib
import platform
import py_compile
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec

from infra.settings import Settings
from tunedrop.training import engines

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".work" / "bundles"
REQUIREMENTS = ROOT / "requirements-lambda.txt"
READING_REQUIREMENTS = ROOT / "requirements-reading.txt"
SCORING_REQUIREMENTS = ROOT / "requirements-scoring.txt"

_SERVICES = (
    "bedrock", "bedrock-runtime", "cloudwatch", "dynamodb", "events", "iam", "lambda", "pricing", "s3",
    "service-quotas", "sns", "ssm", "stepfunctions", "sts", "xray",
)  # fmt: skip
"""Those of `tunedrop.aws.Aws`, STS, and X-Ray, whose SDK creates a client on import."""

_WHEEL_TAGS = {"arm64": "aarch64", "x86_64": "x86_64"}
_GLIBC = ("manylinux2014", "manylinux_2_24", "manylinux_2_28")
"""Lambda's Python 3.12 and later run on Amazon Linux 2023: glibc 2.34 (Lambda guide, runtimes)."""


def services() -> list[str]:
    """The services whose botocore models are bundled: those that every stage calls, and the engines'."""
    return sorted({*_SERVICES, *(one.service for one in engines.every())})


class Target(msgspec.Struct, frozen=True):
    """The platform of a bundle; without platforms, this machine and Python."""

    python_version: str
    platforms: tuple[str, ...] = ()

    @property
    def is_this_python(self) -> bool:
        return not self.platforms

    def pip_options(self) -> list[str]:
        if self.is_this_python:
            return []
        platforms = [option for name in self.platforms for option in ("--platform", name)]
        return [*platforms, "--implementation", "cp", "--python-version", self.python_version]


class Bundle(msgspec.Struct, frozen=True):
    """A folder to deploy, and the hash of its inputs."""

    path: Path
    hash: str


class Bundles(msgspec.Struct, frozen=True):
    """The code of all functions: layers with `python/`, and our packages in `code`.

    `scoring` is the layer of the function that scores, with numpy, twice as large as the rest; `reading` that
    of functions that read datasets: 41 MB, of which 33 for Parquet.
    """

    layer: Bundle
    reading: Bundle
    scoring: Bundle
    code: Bundle


def build(settings: Settings) -> Bundles:
    """The bundles of a stage, from the cache if nothing has changed.

    Raises
    ------
    RuntimeError
        If a dependency has no wheel for the stage's platform; the message is pip's.
    """
    target = target_of(settings)
    return Bundles(
        layer=layer(target),
        reading=layer(target, READING_REQUIREMENTS),
        scoring=layer(target, SCORING_REQUIREMENTS),
        code=code(target),
    )


def target_of(settings: Settings) -> Target:
    """The platform of a stage: Lambda's, or this machine for the emulator."""
    if settings.local:
        return Target(f"{platform.python_version()} {platform.machine()}")
    tag = _WHEEL_TAGS[settings.architecture]
    return Target(settings.python_version, tuple(f"{glibc}_{tag}" for glibc in _GLIBC))


def layer(target: Target, requirements: Path = REQUIREMENTS) -> Bundle:
    """A dependency layer: pinned wheels, without tests and without the SDK's models of other services."""

    def fill(folder: Path) -> None:
        _install(requirements, target, folder / "python")
        _trim(folder / "python")
        _compile(target, folder)

    inputs = [repr(target), requirements.read_text(), Path(__file__).read_text(), *services()]
    return _cached("layer", inputs, fill)


def code(target: Target, root: Path = ROOT) -> Bundle:
    """Our own packages, without the command line."""
    files = sorted(_sources(root))

    def fill(folder: Path) -> None:
        for file in files:
            copy = folder / file.relative_to(root)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, copy)
        _compile(target, folder)

    inputs = [repr(target), Path(__file__).read_text()]
    inputs += [f"{file.relative_to(root)} {hashlib.sha256(file.read_bytes()).hexdigest()}" for file in files]
    return _cached("code", inputs, fill)


def _sources(root: Path) -> Iterable[Path]:
    for package in ("tunedrop", "lambdas"):
        for file in (root / package).rglob("*"):
            inside = file.relative_to(root).parts
            if "__pycache__" in inside or inside[:2] == ("tunedrop", "cli"):
                continue
            if file.is_file():
                yield file


def _install(requirements: Path, target: Target, folder: Path) -> None:
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--only-binary=:all:"]
    command += ["--no-compile", "--disable-pip-version-check", "--target", str(folder)]
    command += [*target.pip_options(), "--requirement", str(requirements)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own words
    if done.returncode:
        raise RuntimeError(f"the Lambda bundle for {target} could not be built:\n{done.stderr.strip()}")


def _trim(site: Path) -> None:
    for name in ("tests", "__pycache__"):
        for folder in list(site.rglob(name)):
            shutil.rmtree(folder)
    shutil.rmtree(site / "bin", ignore_errors=True)
    called = services()
    for service in (site / "botocore" / "data").glob("*"):
        if service.is_dir() and service.name not in called:
            shutil.rmtree(service)


def _compile(target: Target, folder: Path) -> None:
    """Precompiled byte code shortens cold starts; it can only be written for this Python."""
    if target.is_this_python:
        mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
        compileall.compile_dir(folder, quiet=2, invalidation_mode=mode)


def _cached(kind: str, inputs: Iterable[str], fill: Callable[[Path], None]) -> Bundle:
    digest = hashlib.sha256("\0".join(inputs).encode()).hexdigest()
    final = CACHE / f"{kind}-{digest[:20]}"
    if not final.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE, prefix=f"{kind}-") as scratch:
            made = Path(scratch) / "bundle"
            made.mkdir()
            fill(made)
            _move(made, final)
    return Bundle(final, digest)


def _move(made: Path, final: Path) -> None:
    """Rename atomically, so that an interrupted build is never mistaken for a complete one."""
    try:
        made.rename(final)
    except OSError:
        if not final.exists():  # otherwise another process has built the same bundle meanwhile
            raise
