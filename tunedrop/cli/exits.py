"""The exit codes of every command: the one place where they are defined."""

from __future__ import annotations

YES = 0
NO = 1
USAGE = 2
NO_AWS = 3
INTERRUPTED = 130

MEANINGS = {
    YES: "yes, done, valid",
    NO: "no: an invalid dataset, a failed run, nothing found",
    USAGE: "wrong usage",
    NO_AWS: "AWS could not be used: no credentials, no such stage, no permission",
    INTERRUPTED: "interrupted with Ctrl-C or Ctrl-D; a started run continues in AWS",
}
