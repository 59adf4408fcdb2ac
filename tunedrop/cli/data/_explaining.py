"""`explain`: one rule, with a dataset that fails and one that passes it; or the list of rules."""

from __future__ import annotations

import difflib

from tunedrop.cli.exits import USAGE
from tunedrop.cli.output import Format, console, fail, print_json, table
from tunedrop.dataset.rules import explanations
from tunedrop.dataset.rules.codes import CODES, severity


def explain(code: str | None, format_: Format) -> None:
    """Print one rule, or the list of all."""
    if code is None:
        _list_all(format_)
        return
    name = code.strip().upper()
    if name not in CODES:
        near = ", ".join(difflib.get_close_matches(name, CODES, n=3, cutoff=0.6))
        question = near and f"; did you mean {near}?"
        fail(f"there is no rule {code}{question}", USAGE, "List all rules: tunedrop explain")
    one = explanations.load()[name]
    if format_ is Format.json:
        print_json({"code": name, "rule": CODES[name], "severity": severity(name), "explanation": one})
        return
    console.print(f"{name}, {severity(name)}: {CODES[name]}", style="bold")
    console.print(f"\n{one.why}\n")
    for title, example in (("fails", one.breaks), ("passes", one.holds)):
        if example is not None:
            text = explanations.shown(example)
            console.print(f"{title}{explanations.surroundings(example)}{':' if text else ''}", style="dim")
            console.print(text + "\n" if text else "")
    if one.prose:
        console.print(f"{one.prose}\n")
    console.print(f"How to fix: {one.fix}")
    console.print(f"Source: {one.source}", style="dim")


def _list_all(format_: Format) -> None:
    if format_ is Format.json:
        rules = [{"code": code, "rule": title, "severity": severity(code)} for code, title in CODES.items()]
        print_json(rules)
        return
    listing = table("code", "severity", "rule")
    for code, title in CODES.items():
        listing.add_row(code, severity(code), title)
    console.print(listing)
