"""Other people's texts in Markdown: on a line, in a sentence of ours, and as code."""

from __future__ import annotations

import re

from tunedrop import escaping


def inline(text: str) -> str:
    """A value on one line, none of whose characters mean anything to Markdown."""
    return "".join(f"\\{one}" if one in "\\`*_{}[]<>()#|!" else one for one in escaping.line(text))


def sentence(text: str) -> str:
    r"""A sentence of ours that may quote somebody, without links, images and HTML.

    >>> sentence("Add to s3://b/![x](http://a.example)<img>, or see `tunedrop runs`")
    'Add to s3://b/!\\[x](http://a.example)\\<img>, or see `tunedrop runs`'
    """
    return re.sub(r"[\[<]", r"\\\g<0>", text)


def code(text: str) -> str:
    """A value as code: between more backticks than follow one another in it (CommonMark 0.31.2, code spans).

    >>> code("tunedrop rollback 'a``b'")
    "```tunedrop rollback 'a``b'```"
    """
    marks = "`" * (max(map(len, re.findall("`+", text)), default=0) + 1)
    gap = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{marks}{gap}{text}{gap}{marks}"
