"""HTML documents that open offline, and in which data is never more than text.

Three independent protections: the templates escape every value by default; the document's content security
policy allows only its own style and script, by hash; invisible characters and characters that change the text
direction are shown by name.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import Any

import jinja2
from markupsafe import Markup

from tunedrop import clock
from tunedrop.escaping import UNSEEN
from tunedrop.formatting.counts import counted

_PACKAGE = "tunedrop.reporting"

_FOLDERS = ("report", "pages")
"""Packages of `tunedrop.reporting` with templates, whose names are unique."""

_NEGATIVE = re.compile(r"(?<![\w.-])-(?=[\d.])")
"""Matches the sign of a number, but not a hyphen in a name or date."""


def render(template: str, *, styles: Sequence[str], scripts: Sequence[str] = (), **values: Any) -> str:
    """Render a document. Styles and scripts are files of this package, such as `report/report.css`."""
    style = "\n".join(map(_source, styles))
    script = "\n".join(map(_source, scripts))
    return (
        _environment()
        .get_template(template)
        .render(
            policy=policy(style, script),
            style=Markup(style),  # noqa: S704 - our own file
            script=Markup(script),  # noqa: S704 - our own file
            **values,
        )
    )


def policy(style: str, script: str) -> str:
    """A content security policy that allows this style and this script only."""
    return (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    )


def visible(value: Any) -> Any:
    """A value for output: invisible characters are named, such as U+202E."""
    if not isinstance(value, str) or hasattr(value, "__html__"):
        return value
    if not UNSEEN.search(value):
        return value
    pieces, end = [], 0
    for match in UNSEEN.finditer(value):
        name = Markup('<span class="unseen">U+{:04X}</span>').format(ord(match[0]))
        pieces += [Markup("{}").format(value[end : match.start()]), name]
        end = match.end()
    return Markup("").join([*pieces, value[end:]])


def _score(value: float, digits: int = 3) -> str:
    return f"{value:.{digits}f}"


def _signed(value: float, digits: int = 3) -> str:
    """With its sign."""
    return with_minus(f"{value:+.{digits}f}")


def with_minus(text: str) -> str:
    """Replace the hyphen before negative numbers with a minus sign, which is as wide as a plus."""
    return _NEGATIVE.sub("\N{MINUS SIGN}", text)


def _count(value: int) -> str:
    return f"{value:,}"


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


@cache
def _source(name: str) -> str:
    return (resources.files(_PACKAGE) / name).read_text("utf-8").strip()


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.ChoiceLoader([jinja2.PackageLoader(_PACKAGE, f"{one}/templates") for one in _FOLDERS]),
        autoescape=True,
        finalize=visible,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "when": clock.for_people, "score": _score, "signed": _signed, "count": _count, "counted": counted,
    }  # fmt: skip
    return environment
