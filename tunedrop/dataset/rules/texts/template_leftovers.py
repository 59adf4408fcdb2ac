"""TD060: leftover template markup."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tunedrop.dataset.rules.texts.rule import TextRule, has_any, is_code

_ALWAYS = re.compile(
    r"<[|\uff5c][A-Za-z_\u2581]{2,30}[|\uff5c]>|<extra_id_\d{1,2}>"
    r"|\[/?INST\]|<</?SYS>>|### ?(?:Instruction|Response|Input|Human|Assistant|User):"
    r"|\b(?:TODO|FIXME|TBD)\b|[Ll]orem ipsum|\[(?:INSERT|YOUR)[ A-Z_]{0,40}\]"
    r"|(?m:^|\A)<(?:image|video|audio)>(?=\s|\Z)|<(?:image|video|audio)>\Z"
    r"|<IMG_CONTEXT>|<img>[^<]{1,400}</img>|</?tool_call>|<functioncall>|</?tool_response>|<(?:start|end)_of_turn>|\[\|(?:Human|AI|system|user|assistant|endofturn)\|\]"
)
"""Markup of other models, placeholders of missing images, and authors' placeholders."""

_CALL = re.compile(
    r'\s*+(?:\[\s*+)?\{\s*"name"\s*:\s*"[^"]{1,80}"\s*,\s*"(?:arguments|parameters)"\s*:\s*[{"]'
)
_OF_CALLS = ("arguments", "parameters")

_OUTSIDE_CODE = re.compile(
    r"[{$](?:(?<=\{)(?:\{[^{}\n]{0,60}\}\}|%[^%\n]{0,60}%\})|(?<=\$)\{[^{}\n]{1,60}\})"
)
"""Template languages, which people also ask about."""


_TEMPLATES = ("{{", "{%", "${")
_SIGNS = (
    "<|", "<\uff5c", "<extra_id_", "INST]", "SYS>>", "TODO", "FIXME", "TBD", "orem ipsum", "[INSERT",
    "[YOUR", "Instruction:", "Response:", "Input:", "### Human", "### Assistant", "### User",
    "###Human", "###Assistant", "###User",
    "<image>", "<video>", "<audio>", "<IMG_CONTEXT>", "</img>", "tool_call>",
    "<functioncall>", "tool_response>", "_of_turn>", "[|Human|]", "[|AI|]",
    "[|system|]", "[|user|]", "[|assistant|]", "[|endofturn|]",
)  # fmt: skip
_MARKUP = ("<", "[", "#", "TODO", "FIXME", "TBD", "orem ipsum")
"""Every match of `_SIGNS` contains one of these; headings follow a #."""


class TemplateLeftovers(TextRule):
    """No text contains leftover template markup."""

    code = "TD060"
    literals = (*_TEMPLATES, *_SIGNS, *_OF_CALLS, r"<\uff5c", r"<\uFF5C")
    signs = ("{", *_MARKUP)

    def find(self, text: str, role: str) -> Iterator[str]:
        """The first of them."""
        if role == "assistant" and _CALL.match(text):
            yield "a tool call as plain text; declare the tool, or the model only learns to write JSON"
            return
        found = _ALWAYS.search(text) if has_any(text, _MARKUP) and has_any(text, _SIGNS) else None
        if found is None and has_any(text, _TEMPLATES):
            found = _OUTSIDE_CODE.search(text)
            if found is not None and is_code(text):
                return
        if found is not None:
            yield f"leftover template markup, {found[0][:40]!r}; the model would learn to write it"
