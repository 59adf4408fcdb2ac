"""Checking a dataset: every record, every finding, one streaming pass in bounded memory.

The same code runs as `tunedrop check` and in the validate_data step.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

import msgspec

from tunedrop.catalog.model import BaseModel, MethodRules
from tunedrop.contracts import Method
from tunedrop.dataset import file_rules, formats, lines, quality, rules
from tunedrop.dataset.file_rules import FileCounts, Split
from tunedrop.dataset.formats import Conversation, SourceFormat
from tunedrop.dataset.quality import Answers
from tunedrop.dataset.rules import Finding, Problem
from tunedrop.dataset.statistics import Gatherer, Statistics

FEWEST_LETTERS_TO_COMPARE = 40
_LOWER = bytes(range(256)).lower()
_SPACES = b" \t\r\n\x0b\x0c"
_NO_LETTERS = bytes(one for one in range(128) if not chr(one).isalpha())
"""Tables for bytes.translate, which lowers and drops ASCII in one pass at the speed of memory."""


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
    bucket: str = "",
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
    bucket
        Where Bedrock will read the dataset, if that is known.
    """
    checker = _Checker(base_model, method, max_errors, bucket)
    for split, chunks in sources.items():
        checker.read_file(split, names[split], chunks)
    return checker.report()


class _Checker:
    def __init__(
        self, base_model: BaseModel | None, method: Method | Literal["auto"], max_errors: int, bucket: str
    ) -> None:
        self._bucket = bucket
        self._counts: dict[Split, FileCounts] = {}
        self._traits: Counter[str] = Counter()
        self._repeated: Counter[str] = Counter()
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
        self._traits, self._repeated = Counter(), Counter()
        if split == "train":
            self._train_name = name
        for line in lines.read(chunks):
            size += line.size
            if line.problem is not None:
                self._error(name, line.number, "", *line.problem)
                continue
            tokens = self._read_record(split, name, line)
            count, total = count + 1, total + tokens
            shortest, longest = min(shortest or tokens, tokens), max(longest, tokens)
        self._counts[split] = FileCounts(
            name=name,
            records=count,
            bytes=size,
            errors=self._error_count - errors_before,
            duplicates=self._repeated["TD050"],
            contradictions=self._repeated["TD051"],
            traits=dict(self._traits),
        )
        self._files[split] = FileReport(
            records=count,
            tokens=total,
            bytes=size,
            error_count=self._error_count - errors_before,
            shortest_tokens=shortest,
            longest_tokens=longest,
            statistics=self._gatherer.statistics(),
        )

    def _read_record(self, split: Split, name: str, line: lines.Line) -> int:
        record, number = line.record, line.number
        format_ = formats.detect(record)
        if format_ is None:
            self._found(name, number, rules.no_format(record))
            return 0
        self._format = self._format or format_
        if format_ != self._format:
            message = f"a {format_} record in a {self._format} dataset"
            self._found(name, number, Problem("$", "TD010", message, format_, self._format))
        problems = list(rules.shape_problems(record, format_, rules.answer_of(self._asked)))
        for problem in problems:
            self._found(name, number, problem)
        if rules.are_fatal(problems):
            return 0
        conversation = formats.read(record, format_)
        self._methods[formats.method_of(format_, conversation)] += 1
        self._traits.update(rules.traits(record, format_, conversation))
        self._compare(split, name, number, conversation)
        tokens = rules.tokens_of(
            sum(len(turn.text) for turn in conversation.turns) + len(conversation.system)
        )
        self._gatherer.add(conversation, tokens)
        for code, message in quality.look(conversation):
            self._found(name, number, Problem("$", code, message))
        if split == "train" and format_ != "text":
            self._answers.add(number, conversation.answer, tokens)
        method_rules = self._rules()
        if method_rules is not None and self._model is not None:
            for problem in rules.model_problems(
                record, format_, conversation, method_rules, self._model, line.size
            ):
                self._found(name, number, problem)
        return tokens

    def _compare(self, split: Split, name: str, number: int, conversation: Conversation) -> None:
        """Duplicates, contradictory answers, and overlap with the held-out set."""
        asked, answer = conversation.asked, conversation.answer
        media = [msgspec.json.encode(turn.blocks).decode() for turn in asked if turn.blocks]
        prompt = _digest(conversation.system, *(turn.text for turn in asked or conversation.turns), *media)
        said = _digest(answer)
        earlier = self._prompts.setdefault(prompt, (said, split, number))
        if earlier[1:] == (split, number):
            self._compare_nearly(split, name, number, conversation)
            return
        where = f"line {earlier[2]} of {earlier[1]}"
        if earlier[1] != split:
            if "test" in (split, earlier[1]):
                message = f"this prompt is also at {where}: what is trained on cannot be held out"
                self._found(name, number, Problem("$", "TD052", message))
            else:
                self._found(name, number, Problem("$", "TD056", f"this prompt is also at {where}"))
        elif earlier[0] == said:
            self._duplicates += 1
            self._repeated["TD050"] += 1
            self._found(name, number, Problem("$", "TD050", f"the same record as {where}"))
        else:
            self._repeated["TD051"] += 1
            message = f"the same prompt as {where}, with another answer"
            self._found(name, number, Problem("$", "TD051", message))

    def _compare_nearly(self, split: Split, name: str, number: int, conversation: Conversation) -> None:
        """The same words with other numbers and punctuation: made by a program, or copied and edited."""
        words = _letters(*(turn.text for turn in conversation.turns))
        if words is None:
            return
        earlier = self._near.setdefault(words, (words, split, number))
        if earlier[1:] != (split, number):
            where = f"line {earlier[2]} of {earlier[1]}"
            message = f"but for numbers and punctuation the same record as {where}"
            self._found(name, number, Problem("$", "TD053", message))

    def report(self) -> Report:
        for line, code, message in self._answers.warnings():
            self._found(self._train_name, line, Problem("$", code, message))
        method = self._method()
        for split, problem in file_rules.dataset_problems(self._counts, method, self._model, self._bucket):
            self._found(self._counts[split].name, 0, problem)
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

    def _error(self, file: str, line: int, path: str, code: str, message: str) -> None:
        self._found(file, line, Problem(path, code, message))

    def _found(self, file: str, line: int, problem: Problem) -> None:
        finding = Finding(file, line, *problem)
        if rules.severity(problem.code) == "error":
            self._error_count += 1
            held = self._errors
        else:
            self._warning_count += 1
            held = self._warnings
        if len(held) < self._max:
            held.append(finding)


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
