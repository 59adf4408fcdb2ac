"""Commands of ours that a mail, a page or a screen proposes, to be copied into a shell."""

from __future__ import annotations

import shlex


def command(name: str, *subjects: str, options: str = "") -> str:
    """A command of `tunedrop` that acts on these subjects and on nothing else.

    A subject may be somebody else's text, such as the name of an uploaded file. It is one word of a POSIX
    shell, and one that begins with a hyphen stands behind `--`, where no program reads options (POSIX
    utility syntax guideline 10).

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
