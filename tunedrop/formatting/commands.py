"""Our own commands in mails, pages and output, to be copied into a shell."""

from __future__ import annotations

import shlex


def command(name: str, *subjects: str, options: str = "") -> str:
    """A command of `tunedrop` for these subjects, safely quoted.

    A subject may be another user's text, such as the name of an uploaded file. It is quoted for a POSIX
    shell, and if it begins with a hyphen it follows `--`, after which there are no options (POSIX utility
    syntax guideline 10).

    >>> command("rollback", "support team", options="--stage dev")
    "tunedrop rollback 'support team' --stage dev"
    >>> command("rollback", "--all", options="--stage dev")
    'tunedrop rollback --stage dev -- --all'
    """
    words = [shlex.quote(subject) for subject in subjects]
    if any(subject.startswith("-") for subject in subjects):
        words = [options, "--", *words]
    else:
        words = [*words, options]
    return " ".join(word for word in ("tunedrop", name, *words) if word)
