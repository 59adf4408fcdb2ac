"""Checking a dataset: every record, every finding, one streaming pass in bounded memory.

The same code runs as `tunedrop check` and in the validate_data step.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal

import msgspec

from tunedrop.catalog.model import BaseModel, MethodRules
from tunedrop.contracts import Method
from tunedrop.dataset import formats, lines, quality, rules
from tunedrop.dataset.formats import Conversation, SourceFormat
from tunedrop.dataset.quality import Answers
from tunedrop.dataset.rules import Finding
from tunedrop.dataset.statistics import Gatherer, Statistics

FEWEST_LETTERS_TO_COMPARE = 40
_LOWER = bytes(range(256)).lower()
_SPACES = b" \t\r\n\x0b\x0c"
_NO_LETTERS = bytes(one for one in range(128) if not chr(one).isalpha())
"""Tables for bytes.translate, which lowers and drops ASCII in one pass at the speed of memory."""

Split = Literal["train", "validation", "test"]


class FileReport(msgspec.Struct, frozen=True, kw_only=True):
    """What one file holds."""

    records: int
    tokens: int
    bytes: int
    error_count: int
    shortest_tokens: int
    longest_tokens: int
    statistics: Statistics


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict on a dataset. Its JSON is what `tunedrop check --format json` prints.

    `errors` holds the first ones, `error_count` all; tokens are estimated at 6 characters each.
    """

    valid: bool
    method: Method | None
    format: SourceFormat | None
    records: int
    tokens: int
    error_count: int
    errors: tuple[Finding, ...]
    warnings: tuple[Finding, ...]
    warning_count: int
    duplicates: int
    files: dict[str, FileReport]


def check(
    sources: Mapping[Split, Iterable[bytes]],
    names: Mapping[Split, str],
    base_model: BaseModel | None = None,
    method: Method | Literal["auto"] = "auto",
    max_errors: int = 100,
) -> Report:
    """Check the files of a dataset against the base model's rules.

    Parameters
    ----------
    sources
        Chunks of bytes of each file, in any sizes.
    names
        What the files are called in findings.
    max_errors
        How many errors and warnings to hold; all are counted.
    """
    checker = _Checker(base_model, method, max_errors)
    for split, chunks in sources.items():
        checker.read_file(split, names[split], chunks)
    return checker.report()


class _Checker:
    def __init__(
        self, base_model: BaseModel | None, method: Method | Literal["auto"], max_errors: int
    ) -> None:
        self._model = base_model
        self._asked = method
        self._max = max_errors
        self._errors: list[Finding] = []
        self._error_count = 0
        self._warnings: list[Finding] = []
        self._warning_count = 0
        self._format: SourceFormat | None = None
        self._methods: Counter[Method] = Counter()
        self._prompts: dict[bytes, tuple[bytes, str, int]] = {}
        self._near: dict[bytes, tuple[bytes, str, int]] = {}
        self._answers = Answers()
        self._gatherer = Gatherer()
        self._duplicates = 0
        self._train_name = "train"
        self._files: dict[str, FileReport] = {}

    def read_file(self, split: Split, name: str, chunks: Iterable[bytes]) -> None:
        errors_before, count, total, size = self._error_count, 0, 0, 0
        shortest, longest = 0, 0
        self._gatherer = Gatherer()
        if split == "train":
            self._train_name = name
        for line in lines.read(chunks):
            size += line.size
            if line.problem is not None:
                self._error(name, line.number, "", *line.problem)
                continue
            tokens = self._read_record(split, name, line.number, line.record)
            count, total = count + 1, total + tokens
            shortest, longest = min(shortest or tokens, tokens), max(longest, tokens)
        self._files[split] = FileReport(
            records=count,
            tokens=total,
            bytes=size,
            error_count=self._error_count - errors_before,
            shortest_tokens=shortest,
            longest_tokens=longest,
            statistics=self._gatherer.statistics(),
        )

    def _read_record(self, split: Split, name: str, number: int, record: dict[str, Any]) -> int:
        format_ = formats.detect(record)
        if format_ is None:
            keys = ", ".join(rules.shorten(key) for key in record)
            known = "prompt and completion, messages, instruction and output, or input"
            self._error(name, number, "$", "TD010", f"no known format: the keys are {keys}; expected {known}")
            return 0
        self._format = self._format or format_
        if format_ != self._format:
            self._error(name, number, "$", "TD010", f"a {format_} record in a {self._format} dataset")
        problems = list(rules.shape_problems(record, format_))
        for path, code, message in problems:
            self._error(name, number, path, code, message)
        if problems:
            return 0
        conversation = formats.read(record, format_)
        self._methods[formats.method_of(format_, conversation)] += 1
        self._compare(split, name, number, conversation)
        tokens = rules.tokens_of(
            sum(len(turn.text) for turn in conversation.turns) + len(conversation.system)
        )
        self._gatherer.add(conversation, tokens)
        for code, message in quality.look(conversation):
            self._warn(name, number, code, message)
        if split == "train" and format_ != "text":
            self._answers.add(number, conversation.turns[-1].text, tokens)
        method_rules = self._rules()
        if method_rules is not None and self._model is not None:
            texts = [(f"$ ({turn.role})", turn.text, turn.role != "assistant") for turn in conversation.turns]
            media = formats.detect(record) == "converse" and _has_media(record)
            for path, code, message in rules.model_problems(
                texts, conversation.system, media, method_rules, self._model.name
            ):
                self._error(name, number, path, code, message)
        return tokens

    def _compare(self, split: Split, name: str, number: int, conversation: Conversation) -> None:
        """Duplicates, contradictory answers, and overlap with the held-out set."""
        *asked, answer = conversation.turns
        prompt = _digest(conversation.system, *(turn.text for turn in asked or (answer,)))
        said = _digest(answer.text)
        earlier = self._prompts.setdefault(prompt, (said, split, number))
        if earlier[1:] == (split, number):
            self._compare_nearly(split, name, number, conversation)
            return
        where = f"line {earlier[2]} of {earlier[1]}"
        if earlier[1] != split:
            if "test" in (split, earlier[1]):
                message = f"this prompt is also at {where}: what is trained on cannot be held out"
                self._error(name, number, "$", "TD052", message)
            else:
                self._warn(name, number, "TD052", f"this prompt is also at {where}")
        elif earlier[0] == said:
            self._duplicates += 1
            self._warn(name, number, "TD050", f"the same record as {where}")
        else:
            self._warn(name, number, "TD051", f"the same prompt as {where}, with another answer")

    def _compare_nearly(self, split: Split, name: str, number: int, conversation: Conversation) -> None:
        """The same words with other numbers and punctuation: made by a program, or copied and edited."""
        words = _letters(*(turn.text for turn in conversation.turns))
        if words is None:
            return
        earlier = self._near.setdefault(words, (words, split, number))
        if earlier[1:] != (split, number):
            where = f"line {earlier[2]} of {earlier[1]}"
            self._warn(name, number, "TD053", f"but for numbers and punctuation the same record as {where}")

    def report(self) -> Report:
        for line, code, message in self._answers.warnings():
            self._warn(self._train_name, line, code, message)
        for split, file in self._files.items():
            if not file.records and not file.error_count:
                self._error(split, 0, "", "TD006", "the file is empty; it needs one JSON object a line")
        method = self._method()
        if method is not None and self._model is not None:
            self._check_against_model(method, self._model)
        return Report(
            valid=self._error_count == 0,
            method=method,
            format=self._format,
            records=sum(file.records for file in self._files.values()),
            tokens=sum(file.tokens for file in self._files.values()),
            error_count=self._error_count,
            errors=tuple(self._errors),
            warnings=tuple(self._warnings),
            warning_count=self._warning_count,
            duplicates=self._duplicates,
            files=self._files,
        )

    def _method(self) -> Method | None:
        if self._asked != "auto":
            return self._asked
        if not self._methods:
            return None
        return "multi-turn" if self._methods["multi-turn"] else self._methods.most_common(1)[0][0]

    def _rules(self) -> MethodRules | None:
        method = self._method()
        return self._model.methods.get(method) if self._model is not None and method is not None else None

    def _check_against_model(self, method: Method, model: BaseModel) -> None:
        method_rules = model.methods.get(method)
        if method_rules is None:
            offered = ", ".join(model.methods)
            self._error("train", 0, "", "TD042", f"{model.name} does not take {method}; it takes {offered}")
            return
        total = sum(file.records for file in self._files.values())
        train = self._files["train"]
        if train.records and total < method_rules.min_train_records:
            self._error(
                "train",
                0,
                "",
                "TD040",
                f"{total:,} records; {model.name} takes at least {method_rules.min_train_records:,} "
                f"for {method}",
            )
        if method_rules.max_train_records and train.records > method_rules.max_train_records:
            self._error(
                "train",
                0,
                "",
                "TD040",
                f"{train.records:,} records; {model.name} takes at most {method_rules.max_train_records:,}",
            )
        if method_rules.max_train_bytes and train.bytes > method_rules.max_train_bytes:
            limit = method_rules.max_train_bytes
            self._error("train", 0, "", "TD041", f"{train.bytes:,} bytes; {model.name} takes {limit:,}")

    def _error(self, file: str, line: int, path: str, code: str, message: str) -> None:
        self._error_count += 1
        if len(self._errors) < self._max:
            self._errors.append(Finding(file, line, path, code, message))

    def _warn(self, file: str, line: int, code: str, message: str) -> None:
        self._warning_count += 1
        if len(self._warnings) < self._max:
            self._warnings.append(Finding(file, line, "$", code, message))


def _has_media(record: Mapping[str, Any]) -> bool:
    return any(
        "image" in block or "video" in block for message in record["messages"] for block in message["content"]
    )


def _digest(*texts: str) -> bytes:
    """A short hash of texts, whatever their case, spaces and escaped line ends."""
    plain = "\0".join(texts).replace("\\n", "")
    return _hash(_bytes(plain).translate(_LOWER, _SPACES))


def _letters(*texts: str) -> bytes | None:
    """A short hash of the letters alone; None where there are too few for it to mean anything."""
    letters = _bytes("\0".join(texts)).translate(_LOWER, _NO_LETTERS)
    return _hash(letters) if len(letters) >= FEWEST_LETTERS_TO_COMPARE else None


def _bytes(text: str) -> bytes:
    return (text if text.isascii() else text.lower()).encode(errors="surrogatepass")


def _hash(text: bytes) -> bytes:
    return hashlib.blake2b(text, digest_size=10).digest()


def plain_errors(report: Report, most: int = 20) -> Iterator[str]:
    """The errors as lines for a person: file, line, path, reason; then how many more there are."""
    for one in report.errors[:most]:
        where = f"{one.file} line {one.line}" if one.line else one.file
        yield f"{where}{' ' + one.path if one.path not in ('', '$') else ''}: {one.message} [{one.code}]"
    if report.error_count > most:
        yield f"… and {report.error_count - most:,} more"
