"""What the pages have in common: the report's style, a content security policy, texts made harmless."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Any

import jinja2
from markupsafe import Markup

from tunedrop import clock
from tunedrop.reporting.report.page import policy, visible

_PACKAGE = "tunedrop.reporting.pages"
_REPORT = "tunedrop.reporting.report"


def render(name: str, script: str = "", **values: Any) -> str:
    """A page of `templates/`, with the report's style and its own; `script` is a file of this package."""
    style = _source(_REPORT, "report.css") + "\n" + _source(_PACKAGE, "pages.css")
    code = _source(_PACKAGE, script) if script else '"use strict";'
    return (
        _environment()
        .get_template(name)
        .render(
            policy=policy(style, code),
            style=Markup(style),  # noqa: S704 - our own file
            script=Markup(code),  # noqa: S704 - our own file
            **values,
        )
    )


@cache
def _source(package: str, name: str) -> str:
    return (resources.files(package) / name).read_text("utf-8").strip()


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader(_PACKAGE),
        autoescape=True,
        finalize=visible,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"when": clock.for_people, "score": _score, "signed": _signed, "count": _count}
    return environment


def _score(value: float, digits: int = 3) -> str:
    return f"{value:.{digits}f}"


def _signed(value: float, digits: int = 3) -> str:
    """With its sign; a minus as wide as a plus."""
    return f"{value:+.{digits}f}".replace("-", "\N{MINUS SIGN}")


def _count(value: int) -> str:
    return f"{value:,}"
