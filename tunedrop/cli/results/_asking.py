"""`ask`: sends a prompt to the tuned, base and production model, side by side; or starts a chat."""

from __future__ import annotations

import msgspec
import typer
from rich.columns import Columns
from rich.console import Group
from rich.panel import Panel
from rich.text import Text

from tunedrop.cli.confirming import is_interactive
from tunedrop.cli.deployed import Deployed
from tunedrop.cli.exits import NO, USAGE
from tunedrop.cli.output import Format, console, errors, fail, print_json
from tunedrop.dataset.prepare.held_out import Message
from tunedrop.results.side_by_side import WHO, Contender, Models, Said, Who

NARROWEST = 34
"""The minimum width of an answer next to others."""

COLOURS = {"tuned": "green", "base": "cyan", "production": "magenta"}


class Wanted(msgspec.Struct, frozen=True):
    """The system prompt (None: that of training), and the models to ask (empty: all)."""

    system: str | None = None
    only: tuple[str, ...] = ()


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What `ask --format json` prints. `not_asked` has the reason for each model that was not asked."""

    run_id: str
    prompt: str
    system: str
    answers: list[Said]
    not_asked: dict[Who, str]


def ask(here: Deployed, name: str, prompt: str | None, wanted: Wanted, format_: Format) -> None:
    """Ask once, or, without a prompt, until an empty line."""
    if wrong := [one for one in wanted.only if one not in WHO]:
        fail(f"--only {wrong[0]}: it is one of {', '.join(WHO)}", USAGE)
    if prompt is None and (format_ is Format.json or not is_interactive()):
        fail("give a prompt: tunedrop ask RUN PROMPT", USAGE)
    who: tuple[Who, ...] = tuple(one for one in WHO if not wanted.only or one in wanted.only)
    models = Models(here.aws, here.stage, here.trained_run(name))
    contenders = models.contenders(who)
    if not any(one.model_id for one in contenders):
        fail("; ".join(f"{one.who}: {one.note}" for one in contenders), NO, "See: tunedrop throughput")
    system = models.system_prompt() if wanted.system is None else wanted.system
    if format_ is Format.text:
        _introduce(models, contenders, system)
    if prompt is not None:
        _once(models, contenders, prompt, system, format_)
    else:
        _chat(models, contenders, system)


def _once(models: Models, contenders: list[Contender], prompt: str, system: str, format_: Format) -> None:
    answers = models.ask(contenders, prompt, system)
    if format_ is Format.json:
        not_asked = {one.who: one.note for one in contenders if not one.model_id}
        run_id = models.record.run.run_id
        print_json(Asked(run_id=run_id, prompt=prompt, system=system, answers=answers, not_asked=not_asked))
    else:
        _show(answers)
    if all(one.error for one in answers):
        raise typer.Exit(NO)


def _chat(models: Models, contenders: list[Contender], system: str) -> None:
    before: dict[Who, list[Message]] = {}
    errors.print("an empty line or Ctrl-D ends the chat", style="dim")
    while True:
        try:
            prompt = input("> ")
        except EOFError:
            errors.print()
            return
        if not prompt.strip():
            return
        with console.status("asking …"):
            answers = models.ask(contenders, prompt, system, before)
        _show(answers)


def _introduce(models: Models, contenders: list[Contender], system: str) -> None:
    run = models.record.run
    errors.print(f"{run.run_id}, {run.base_model}", style="dim")
    if system:
        errors.print(f"system prompt: {system}", style="dim")
    for one in contenders:
        if not one.model_id:
            errors.print(f"{one.who}: {one.note}", style="yellow")


def _show(answers: list[Said]) -> None:
    if not console.is_terminal:
        for one in answers:
            console.print(f"{one.who}: {one.error or one.text}", soft_wrap=True)
        return
    width = console.width // len(answers)
    beside = width >= NARROWEST
    panels = [_panel(one, width - 1 if beside else console.width) for one in answers]
    console.print(Columns(panels, padding=(0, 1, 0, 0)) if beside else Group(*panels))


def _panel(one: Said, width: int) -> Panel:
    text = Text(one.error, style="red") if one.error else Text(one.text.strip() or "(no text)")
    foot = "" if one.error else f"{one.latency_ms:,} ms, {one.output_tokens:,} tokens"
    return Panel(
        text, title=one.who, title_align="left", subtitle=foot, subtitle_align="right",
        border_style=COLOURS[one.who], width=width,
    )  # fmt: skip
