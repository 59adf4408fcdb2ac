"""TD067: spreadsheet errors, mangled numbers, and words that programs print for missing values."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tunedrop.dataset.rules.texts.rule import TextRule

_ERROR = re.compile(
    r"(?<![\w#])#(?:REF!|N/A|NAME\?|VALUE!|DIV/0!|NULL!|NUM!|SPILL!|CALC!|FIELD!|GETTING_DATA|BEZUG!|WERT!|NV)(?!\w)"
)
_WHOLE = re.compile(
    r"\s*(?:nan|NaN|NULL|None|null|undefined|NA|<NA>|\\N|#+|[0-9]\.[0-9]+E\+[0-9]{2}|\[object Object\])\s*"
)
"""What programs write for a value that is missing or cannot be written."""
_BYTES = re.compile(r"""b(['"]).+\1""", re.DOTALL)


class SpreadsheetErrors(TextRule):
    """No text is a spreadsheet error or a program's word for a missing value."""

    code = "TD067"
    literals = (
        "#REF!", "#N/A", "#NAME?", "#VALUE!", "#DIV/0!", "#NULL!", "#NUM!", "#SPILL!", "#CALC!", "#FIELD!",
        "#GETTING_DATA", "#BEZUG!", "#WERT!", "#NV", '"nan"', '"NaN"', '"NULL"', '"None"', '"null"',
        '"undefined"', '"<NA>"', '"NA"', r'"\\N"', '###"', '"[object Object]"', r"#N\/A", r"#DIV\/0!",
        "\"b'", r'"b\"',
    )  # fmt: skip
    expressions = (rb'"\s*[0-9]\.[0-9]+E\+[0-9]{2}\s*"',)

    def find(self, text: str, role: str) -> Iterator[str]:
        """The first of them."""
        if _WHOLE.fullmatch(text):
            yield (
                f"the text is {text.strip()[:30]!r}, a program's word for a missing value; remove the record"
            )
        elif _BYTES.fullmatch(text):
            yield "the text is bytes as Python prints them, b'…'; decode them before writing the file"
        elif "#" in text and len(text) < 200 and (found := _ERROR.search(text)):
            yield f"{found[0]!r} is a spreadsheet error; write the value or remove the record"
