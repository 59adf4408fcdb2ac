"""TD085: stop sequences and separators that older fine-tuning formats required."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tunedrop.dataset.rules.texts.rule import TextRule

END_OF_ANSWER = re.compile(r"(?:###|\bEND|</?s>|<eos>|\[EOS\]|\[DONE\]|<end_of_turn>|<\|?endoftext\|?>)\s*$")
END_OF_PROMPT = re.compile(r"(?:(?<!\s)[^\S\n]*+\n\s*+(?:###|->)|\s->|=>)\s*$")
_ANYWHERE = re.compile(r"</s>|<s>\s*\[|<start_of_turn>|<end_of_turn>|<eos>|<bos>")


class StopMarks(TextRule):
    """No text contains stop sequences or separators of older formats."""

    code = "TD085"
    literals = ("</s>", r"<\/s>", "<s>", "<eos>", "<bos>", "_of_turn>", "[DONE]", "[EOS]", "endoftext")
    expressions = (rb'(?:###|END|->|=>)(?:\s|\\n)*"',)
    signs = ("###", "END", "s>", "[EOS]", "[DONE]", "_of_turn>", "endoftext", "->", "=>")

    def find(self, text: str, role: str) -> Iterator[str]:
        """The one at the end, else the first one in the text."""
        end = END_OF_ANSWER if role == "assistant" else END_OF_PROMPT
        if found := end.search(text) or _ANYWHERE.search(text):
            yield f"{found[0].strip()!r} is a stop sequence of an older format; Bedrock adds its own"
