"""Merges range results into the report that a single pass over all files would give."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing

import msgspec

from tunedrop.contracts import Method
from tunedrop.dataset.check._found import Found
from tunedrop.dataset.check._places import Places
from tunedrop.dataset.check._repeats import Repeats
from tunedrop.dataset.check.options import CheckOptions
from tunedrop.dataset.check.report import FileReport, Report, Rule
from tunedrop.dataset.check.results import PLACES, Findings, RangeResult, Records, Tally
from tunedrop.dataset.check.statistics import Gatherer
from tunedrop.dataset.duplicates.candidates import MOST_COMPARED, SPLITS, Duplicates, Place, Prints
from tunedrop.dataset.duplicates.leaks import HeldOut
from tunedrop.dataset.formats import METHODS, SourceFormat
from tunedrop.dataset.formats.json_lines import lines_of
from tunedrop.dataset.rules import files as file_rules
from tunedrop.dataset.rules.blocks import MEDIA
from tunedrop.dataset.rules.codes import Severity
from tunedrop.dataset.rules.files import FileCounts
from tunedrop.dataset.types import Finding, Opened, Problem, Source, Split, printable


def merge_ranges(
    partials: Iterable[RangeResult],
    sources: Mapping[Split, Source],
    names: Mapping[Split, str],
    asked: CheckOptions,
    opened: Mapping[Split, Opened] | None = None,
) -> Report:
    """The report on a dataset.

    Parameters
    ----------
    partials
        The results of all ranges: of the training file first, then validation, then test, in order. They may
        be produced lazily; each is used once.
    sources
        The files themselves.
    names
        The names of the files in findings.
    opened
        The readers that know the places of lines, for files other than plain JSON lines.
    """
    with closing(_Merger(sources, names, asked, opened or {})) as merger:
        for partial in partials:
            merger.take(partial)
        return merger.report()


class _File(msgspec.Struct):
    """The merged ranges of one file."""

    line_count: int = 0
    records: int = 0
    another_kind: Problem | None = None
    findings: Findings = msgspec.field(default_factory=Findings)
    formats: dict[SourceFormat, Records] = {}


class _Merger:
    def __init__(
        self,
        sources: Mapping[Split, Source],
        names: Mapping[Split, str],
        asked: CheckOptions,
        opened: Mapping[Split, Opened],
    ) -> None:
        self._sources = sources
        self._places = Places(names, opened)
        self._asked = asked
        self._files: dict[Split, _File] = {split: _File() for split in SPLITS if split in sources}
        self._duplicates: dict[SourceFormat, Duplicates] = {}
        self._errors = Found(asked.max_findings, asked.judged)
        self._warnings = Found(asked.max_findings)
        self._repeats = Repeats(asked.max_findings)

    def close(self) -> None:
        """Delete temporary files."""
        for duplicates in self._duplicates.values():
            duplicates.close()

    def take(self, partial: RangeResult) -> None:
        """Add the partial result of the range that comes next."""
        most = self._asked.max_findings
        file = self._files[partial.range.split]
        if file.another_kind is not None:
            return
        file.another_kind = partial.another_kind
        file.findings.merge(partial.findings, file.line_count, most)
        for format_, records in partial.formats.items():
            if format_ not in self._duplicates:
                self._duplicates[format_] = Duplicates(format_ == "preference")
            self._duplicates[format_].take(partial.range.split, records.prints, file.line_count)
            records.prints = Prints()
            file.formats.setdefault(format_, Records()).merge(records, file.line_count, most)
        file.line_count += partial.line_count
        file.records += partial.records

    def report(self) -> Report:
        format_ = self._format()
        method = self._method(format_)
        for split, file in self._files.items():
            self._gather(split, file, format_, method)
            for number, problem in self._places.problems(split):
                self._add(split, number, problem)
        if format_ is not None:
            self._duplicates[format_].report(self._repeats.take)
            for split, code, tally in self._repeats.tallies(self._places.written):
                self._take_all(split, tally, code)
            if left_out := self._duplicates[format_].left_out:
                why = f"the last {left_out:,} records were not compared with others: the dataset is too large"
                problem = Problem("", "TD057", why, f"{left_out:,}", f"at most {MOST_COMPARED:,} records")
                self._add("train", 0, problem)
        self._search_leaks()
        counts = {split: self._counts(split, file, format_) for split, file in self._files.items()}
        for split, problem in file_rules.dataset_problems(
            counts, method, self._asked.base_model, self._asked.threshold
        ):
            self._add(split, 0, problem)
        return self._written(format_, method)

    def _search_leaks(self) -> None:
        """Search the training file for held-out turns; `duplicates` finds whole prompts."""
        train = self._sources.get("train")
        for split, source in self._sources.items():
            if split == "train" or train is None or self._files[split].another_kind is not None:
                continue
            similarity = self._asked.threshold("near_duplicate")
            held_out = HeldOut(enumerate(lines_of(source), start=1), similarity)
            for leak in held_out.search(enumerate(lines_of(train), start=1)):
                if (SPLITS.index(split), leak.line) not in self._repeats.leaked:
                    trained_on = self._places.written(Place(0, leak.trained_on))
                    self._add(split, leak.line, leak.problem(split, trained_on))

    def _format(self) -> SourceFormat | None:
        """The most common format; of equally common ones, the first in the list of formats."""
        counts: Counter[SourceFormat] = Counter()
        for file in self._files.values():
            counts.update({format_: one.misplaced.count for format_, one in file.formats.items()})
        return max(sorted(counts, key=list(METHODS).index), key=counts.__getitem__, default=None)

    def _method(self, format_: SourceFormat | None) -> Method | None:
        if self._asked.method != "auto":
            return self._asked.method
        counts: Counter[str] = Counter()
        for file in self._files.values():
            counts.update(file.formats[format_].methods if format_ in file.formats else {})
        if format_ is None or not counts:
            return None
        without_answer = counts["distillation"] + counts["reinforcement"]
        if counts["multi-turn"] and 2 * without_answer < counts.total():
            return "multi-turn"
        return max(METHODS[format_], key=counts.__getitem__)

    def _gather(self, split: Split, file: _File, format_: SourceFormat | None, method: Method | None) -> None:
        if file.another_kind is not None:
            self._add(split, 1, file.another_kind)
            return
        self._take(split, file.findings)
        for other, records in file.formats.items():
            if other != format_:
                self._misplaced(split, records, other, format_)
                continue
            self._take(split, records.findings)
            if method is not None:
                self._take(split, records.views[self._asked.view(other, method)])
                self._ends(split, records, method)
            if split == "train" and other != "text":
                median = records.gathered.quantiles().get("median", 0)
                for line, code, message in records.answers.warnings(median, self._asked.threshold):
                    self._add(split, line, Problem("$", code, message))

    def _ends(self, split: Split, records: Records, method: Method) -> None:
        """Add findings that depend on the method: how conversations end, and keys for a grader."""
        if method == "reinforcement":
            if records.answered_count:
                first = records.answered.first
                self._errors.take(split, _tally({"TD020": records.answered_count}, first))
            self._take_all(split, records.unreferenced, "TD080")
            return
        if method != "distillation":
            self._errors.take(split, records.unanswered)
        self._take_all(split, records.ungraded, "TD014")

    def _take(self, split: Split, findings: Findings) -> None:
        self._errors.take(split, findings.errors)
        self._warnings.take(split, findings.warnings)

    def _misplaced(
        self, split: Split, records: Records, other: SourceFormat, format_: SourceFormat | None
    ) -> None:
        message = f"{_a(other)} record in {_a(format_)} dataset"
        if {other, format_} == {"transcript", "text"}:
            message += "; where all are texts to read, choose the method continued-pretraining"
        problem = Problem("$", "TD010", message, other, format_ or "")
        first = [(line, problem) for line, _ in records.misplaced.first]
        self._errors.take(split, _tally(records.misplaced.counts, first))

    def _add(self, split: Split, line: int, problem: Problem) -> None:
        if (found := self._where(problem.code)) is not None:
            found.add(split, line, problem)

    def _take_all(self, split: Split, tally: Tally, code: str) -> None:
        """Add all findings of one rule."""
        if (found := self._where(code)) is not None:
            found.take(split, tally)

    def _where(self, code: str) -> Found | None:
        """Where to add findings of a rule; None if it is off."""
        severity = self._asked.severity(code)
        return None if severity == "off" else self._errors if severity == "error" else self._warnings

    def _counts(self, split: Split, file: _File, format_: SourceFormat | None) -> FileCounts:
        return FileCounts(
            name=self._places.plain_name(split),
            records=file.records,
            bytes=self._sources[split].size,
            errors=self._errors.count(split),
            duplicates=self._repeats.count(split, "TD050"),
            contradictions=self._repeats.count(split, "TD051"),
            contradicted_prompts=self._duplicates[format_].contradicted_prompts if format_ is not None else 0,
            traits=file.formats[format_].traits if format_ in file.formats else {},
        )

    def _written(self, format_: SourceFormat | None, method: Method | None) -> Report:
        files = {split: self._file(split, file, format_) for split, file in self._files.items()}
        error_count = sum(self._errors.by_code.values())
        return Report(
            valid=error_count == 0,
            method=method,
            format=format_,
            records=sum(file.records for file in files.values()),
            tokens=sum(file.tokens for file in files.values()),
            error_count=error_count,
            errors=self._findings(self._errors),
            warnings=self._findings(self._warnings),
            warning_count=sum(self._warnings.by_code.values()),
            by_code=self._errors.by_code | self._warnings.by_code,
            by_rule=(*self._rules(self._errors, "error"), *self._rules(self._warnings, "warning")),
            rules=self._asked.rules,
            duplicates=sum(self._repeats.count(split, "TD050") for split in files),
            near_duplicates=sum(self._repeats.count(split, "TD053") for split in files),
            files=files,
            statistics=self._together(format_).statistics(),
        )

    def _file(self, split: Split, file: _File, format_: SourceFormat | None) -> FileReport:
        records = file.formats.get(format_, Records()) if format_ is not None else Records()
        tokens = records.gathered.tokens
        return FileReport(
            records=file.records,
            tokens=sum(length * count for length, count in tokens.items()),
            bytes=self._sources[split].size,
            error_count=self._errors.count(split),
            shortest_tokens=min(tokens, default=0),
            longest_tokens=max(tokens, default=0),
            statistics=records.gathered.statistics(),
            labels={printable(label): count for label, count in records.answers.balance()},
            media={kind: records.traits[kind] for kind in MEDIA if kind in records.traits},
        )

    def _together(self, format_: SourceFormat | None) -> Gatherer:
        together = Gatherer()
        for file in self._files.values():
            if format_ in file.formats:
                together.merge(file.formats[format_].gathered)
        return together

    def _findings(self, found: Found) -> tuple[Finding, ...]:
        return tuple(self._finding(*one) for one in found.first())

    def _finding(self, split: int, number: int, problem: Problem) -> Finding:
        name, line = self._places.of(SPLITS[split], number)
        return Finding(printable(name), line, *map(printable, problem))

    def _rules(self, found: Found, severity: Severity) -> Iterator[Rule]:
        for code, count in found.by_code.items():
            places = tuple(self._finding(*one) for one in sorted(found.places.get(code, []))[:PLACES])
            yield Rule(code, severity, count, places)


def _tally(counts: dict[str, int], first: list[tuple[int, Problem]]) -> Tally:
    return Tally(counts, first, dict.fromkeys(counts, first[:PLACES]))


def _a(format_: SourceFormat | None) -> str:
    """A format with its article, such as `an openai-chat`."""
    name = format_ or "mixed"
    return f"{'an' if name[0] in 'aeio' else 'a'} {name}"
