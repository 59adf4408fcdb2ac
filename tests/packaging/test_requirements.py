"""The ranges in the metadata and the pins in the locks are of one mind."""

from __future__ import annotations

import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tools import lock

PROJECT = tomllib.loads((lock.ROOT / "pyproject.toml").read_text("utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]


def ranges(*extras: str) -> list[Requirement]:
    lines = [*PROJECT["dependencies"], *(line for extra in extras for line in EXTRAS[extra])]
    return [one for one in map(Requirement, lines) if one.name != PROJECT["name"]]


@pytest.mark.parametrize(
    ("path", "extras"),
    [(lock.DEPLOYMENT, ("deploy",)), (lock.EVERYTHING, ("deploy", "local", "dev"))],
)
def test_every_requirement_is_pinned_within_its_range(path: object, extras: tuple[str, ...]) -> None:
    pins = lock.pins_in(path)  # type: ignore[arg-type]

    for one in ranges(*extras):
        pinned = pins.get(canonicalize_name(one.name))
        assert pinned is not None, f"{one.name} is not pinned: run make lock"
        assert one.specifier.contains(pinned), f"{one}: {pinned} is pinned"


@pytest.mark.parametrize("path", [lock.DEPLOYMENT, *lock.BUNDLED])
def test_one_version_of_a_package_everywhere(path: object) -> None:
    everything = lock.pins_in(lock.EVERYTHING)
    pins = lock.pins_in(path)  # type: ignore[arg-type]

    assert pins == {name: everything.get(name) for name in pins}


def test_an_installation_has_ranges_and_no_deployment_packages() -> None:
    light = ranges()

    assert not [one for one in light if any(spec.operator == "==" for spec in one.specifier)]
    assert not {"aws-cdk-lib", "constructs", "ziglang", "ministack"} & {one.name for one in light}
