"""The command line, from the command line itself."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import typer

from docs.reference.tables import page, table
from tunedrop.cli.app import app
from tunedrop.cli.options import WHERE
from tunedrop.cli.program import CONTEXT

Command = Any
"""A command of the Click that typer carries inside, whose names are its own."""

_OPTION_HEADERS = ("option", "default", "what it does")


def markdown() -> str:
    """Every command with its arguments and options."""
    root = typer.main.get_command(app)
    return page(
        "# Command line",
        _text(root.help),
        "`tunedrop --install-completion` sets up completion for your shell. An option that says *env* can be "
        "given by that environment variable too. Exit codes are with the [errors](errors.md).",
        "Commands that ask a deployed stage find it as the AWS CLI finds an account:",
        _where(root),
        *(_command(path, command) for path, command in commands(root)),
    )


def commands(root: Command, path: str = "tunedrop") -> Iterator[tuple[str, Command]]:
    """Every command below a root, with the words that call it."""
    for name, command in getattr(root, "commands", {}).items():
        if not command.hidden:
            yield f"{path} {name}", command
            yield from commands(command, f"{path} {name}")


def _where(root: Command) -> list[str]:
    """The options that all commands of a deployed stage share, once."""
    shared = {
        one.name: _option(one, command) for _, command in commands(root) for one in _options(command, WHERE)
    }
    return table(_OPTION_HEADERS, shared.values())


def _command(path: str, command: Command) -> list[str]:
    arguments = [one for one in command.params if one.param_type_name == "argument"]
    usage = (
        " ".join((path, *command.collect_usage_pieces(_context(command)))).replace("{", "").replace("}", "")
    )
    lines = [f"## {path}", "", _text(command.help), "", "```text", usage, "```", ""]
    if arguments:
        rows = ((f"`{one.metavar or one.name.upper()}`", _help(one)) for one in arguments)
        lines += table(("argument", "what it is"), rows)
    if own := _options(command):
        lines += table(_OPTION_HEADERS, (_option(one, command) for one in own))
    if where := _options(command, WHERE):
        lines += [
            "And " + ", ".join(f"`{one.opts[0]}`" for one in where) + ", [as above](#command-line).",
            "",
        ]
    return [*lines, *_examples(command.epilog), ""]


def _examples(epilog: str | None) -> list[str]:
    """The commands to copy at the end of a help text, and what each does above it."""
    title, _, commands_ = _text(epilog).partition("\n")
    return [f"{title}:", "", "```bash", inspect.cleandoc(commands_), "```"] if commands_ else [title]


def _options(command: Command, panel: str | None = None) -> list[Command]:
    return [
        one
        for one in command.params
        if one.param_type_name == "option"
        and not one.hidden
        and one.name != "help"
        and (one.rich_help_panel == WHERE) == (panel == WHERE)
    ]


def _context(command: Command) -> Any:
    """A context as the program makes it: a command keeps the help option of the first one."""
    return command.context_class(command, **CONTEXT)


def _option(one: Command, command: Command) -> tuple[str, str, str]:
    names, _ = one.get_help_record(_context(command))
    default = getattr(one.default, "value", one.default)
    shown = "" if default in (None, False, "") or callable(default) else f"`{default}`"
    variables = [one.envvar] if isinstance(one.envvar, str) else list(one.envvar or ())
    note = f" *env* {', '.join(f'`{name}`' for name in variables)}" if variables else ""
    names, choices = _apart(names)
    return f"`{names}`", "**required**" if one.required else shown, _help(one) + choices + note


def _apart(names: str) -> tuple[str, str]:
    """An option, and in words what it may be: a list of choices would leave no room for anything else."""
    option, found, choices = names.partition(" <")
    if not found or "|" not in choices:
        return names, ""
    return option, " " + ", ".join(f"`{one}`" for one in choices.rstrip(">").split("|")) + "."


def _help(one: Command) -> str:
    return str(one.help or "")


def _text(help_: str | None) -> str:
    return inspect.cleandoc(help_ or "").replace("\b\n", "")
