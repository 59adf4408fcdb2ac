"""Checks well-formed records: their texts, other keys and media, and the base model's requirements."""

from __future__ import annotations

from collections import Counter

from tunedrop.dataset.check._columns import Columns
from tunedrop.dataset.check.options import CheckOptions
from tunedrop.dataset.check.results import Findings, Records
from tunedrop.dataset.formats import Conversation, SourceFormat
from tunedrop.dataset.formats.json_typed import Typed
from tunedrop.dataset.rules import record as rules
from tunedrop.dataset.rules import reserved_words
from tunedrop.dataset.rules.texts.prefilter import WORDS, Candidates, broken
from tunedrop.dataset.rules.texts.rule import Text
from tunedrop.dataset.sources import media
from tunedrop.dataset.types import MediaResolver, Problem, shorten

_MOST_KNOWN = 10_000
"""Number of record templates whose problems are cached."""


class RecordCheck:
    """Finds problems, and adds them to the records of a format."""

    def __init__(self, asked: CheckOptions, resolver: MediaResolver | None, is_held_out: bool) -> None:
        self._asked = asked
        self._most = asked.max_findings
        self._resolver = resolver
        self._is_held_out = is_held_out
        self._to_expect = b""

    def begin(self, body: bytes) -> None:
        """Set the block of the next records."""
        self._to_expect = body

    def may_look_at_media(self) -> bool:
        """Whether Converse records of the block may refer to media that can be checked."""
        return self._resolver is not None and not media.are_all_elsewhere(self._to_expect, self._resolver)

    def check(
        self, number: int, format_: SourceFormat, conversation: Conversation, columns: Columns, size: int
    ) -> None:
        """Check a record, except its texts."""
        is_plain = conversation.is_plain
        if not is_plain:
            self._beside(number, format_, conversation, columns)
        if columns.is_chat and (conversation.extra or not conversation.is_answered):
            self._end(number, conversation, columns.records)
        if (
            not is_plain
            or conversation.system
            or conversation.extra
            or not conversation.has_version
            or size > columns.harmless_size
            or len(conversation.turns) > columns.harmless_turns
        ):
            self._for_the_model(number, format_, conversation, columns, size)

    def _for_the_model(
        self, number: int, format_: SourceFormat, conversation: Conversation, columns: Columns, size: int
    ) -> None:
        """Add what the base model does not support."""
        if self._asked.base_model is None:
            return
        is_small = size <= columns.harmless_size and len(conversation.turns) <= columns.harmless_turns
        alike = rules.alike(conversation) if is_small else None
        wrong = columns.known.get(alike) if alike is not None else None
        if wrong is None:
            wrong = self._model_problems(conversation, format_, columns, size)
            if alike is not None and len(columns.known) < _MOST_KNOWN:
                columns.known[alike] = wrong
        self.add_for_the_model(number, wrong, columns)

    def add_for_the_model(self, number: int, wrong: list[list[Problem]], columns: Columns) -> None:
        """Add the problems that `alike` or `words` found in a record, for each candidate rule set."""
        for found, problems in zip(columns.records.views, wrong, strict=True):
            for problem in problems:
                if not found.counted(problem.code, 1, self._asked):
                    found.add(number, problem, self._asked)

    def alike(
        self, kinds: dict[int, tuple[object, ...]], columns: Columns, typed: Typed, records: list[object]
    ) -> dict[int, list[list[Problem]]]:
        """The base model's problems with small records that have tools or non-text blocks, by record.

        Records with the same key have the same problems. Problems that need no details are counted here.
        """
        left: dict[tuple[object, ...], list[list[Problem]]] = {}
        for which, times in Counter(kinds.values()).items():
            wrong = columns.known.get(which)
            if wrong is None:
                at = next(at for at, one in kinds.items() if one == which)
                wrong = self._model_problems(typed.conversation(records[at]), typed.format, columns, 0)
                if len(columns.known) < _MOST_KNOWN:
                    columns.known[which] = wrong
            left[which] = [
                [one for one in problems if not found.counted(one.code, times, self._asked)]
                for found, problems in zip(columns.records.views, wrong, strict=True)
            ]
        return {at: left[which] for at, which in kinds.items() if any(left[which])}

    def _model_problems(
        self, conversation: Conversation | None, format_: SourceFormat, columns: Columns, size: int
    ) -> list[list[Problem]]:
        """Problems with the base model, by candidate rule set."""
        model = self._asked.base_model
        if model is None or conversation is None:
            return [[] for _ in columns.views]
        tokens = rules.tokens_of(rules.longest_of(conversation))
        return [
            list(rules.model_problems(conversation, format_, view, model, tokens, size)) if view else []
            for view in columns.views
        ]

    def texts(self, number: int, texts: list[Text], columns: Columns, candidate: int) -> None:
        """Apply the rules about texts that the prefilter selected."""
        candidates = Candidates({number: texts}, {number: candidate})
        for problem in self.broken(candidates, columns.records.findings).get(number, ()):
            columns.records.findings.add(number, problem, self._asked)
        for wrong in self.words(candidates, columns).values():
            self.add_for_the_model(number, wrong, columns)

    def words(self, candidates: Candidates, columns: Columns) -> dict[int, list[list[Problem]]]:
        """The reserved words in each record, for each candidate rule set; findings without details are
        counted here."""
        model = self._asked.base_model
        texts, owners = candidates.of(WORDS)
        left: dict[int, list[list[Problem]]] = {}
        if model is None or not texts:
            return left
        known: dict[tuple[object, ...], dict[int, list[tuple[str, str]]]] = {}
        for at, (view, found) in enumerate(zip(columns.views, columns.records.views, strict=True)):
            if view is None:
                continue
            which = view.reserved_words, view.doubtful_words, view.reserved_in_answers
            if which not in known:
                known[which] = reserved_words.find(texts, view)
            times = Counter([code for some in known[which].values() for code, _ in some])
            listed = [code for code, count in times.items() if not found.counted(code, count, self._asked)]
            for place, some in known[which].items() if listed else ():
                path = texts[place][0]
                problems = [reserved_words.problem(path, *one, model) for one in some if one[0] in listed]
                left.setdefault(owners[place], [[] for _ in columns.views])[at].extend(problems)
        return left

    def _beside(
        self, number: int, format_: SourceFormat, conversation: Conversation, columns: Columns
    ) -> None:
        """Check unread keys and media."""
        for problem in rules.unread(conversation, self._is_held_out):
            columns.records.findings.add(number, problem, self._asked)
        # Any key may name a picture: only the record as it was read tells whether there is one.
        if self._resolver is None or not any(media.references(conversation, format_)):
            return
        if self._to_expect:  # fetch all media of the block together
            body, self._to_expect = self._to_expect, b""
            self._resolver.expect(media.named_in(body))
        if not media.has_any_to_look_at(conversation, format_, self._resolver):
            return
        for view, found in zip(columns.views, columns.records.views, strict=True):
            for problem in media.problems(
                conversation, format_, self._resolver, view, self._asked.base_model
            ):
                found.add(number, problem, self._asked)

    def _end(self, number: int, conversation: Conversation, records: Records) -> None:
        """Whether a conversation's last turn is valid depends on the method."""
        last = conversation.turns[-1]
        at = last.path.removesuffix(".content")
        if not conversation.is_answered:
            why = (
                "the conversation must end with the assistant's answer (not for distillation, reinforcement)"
            )
            records.unanswered.add(number, Problem(at, "TD020", why, "user", "assistant"), self._most)
            for problem in rules.no_reference(conversation):
                records.unreferenced.add(number, problem, self._most)
        if conversation.extra:
            for key in conversation.extra:
                if key != "toolConfig":
                    why = (
                        f"Bedrock does not read {shorten(key)} for this method; what "
                        f"Tunedrop writes leaves it out"
                    )
                    problem = Problem(f"$.{shorten(key)}", "TD014", why, shorten(key))
                    records.ungraded.add(number, problem, self._most)

    def broken(self, candidates: Candidates, findings: Findings) -> dict[int, list[Problem]]:
        """The problems of each record's texts; those that need no details are counted here."""
        wrong: dict[int, list[Problem]] = {}
        for code, found in broken(candidates):
            if not findings.counted(code, sum([len(whys) for _, whys in found.values()]), self._asked):
                for at, (path, whys) in found.items():
                    wrong.setdefault(at, []).extend([Problem(path, code, why) for why in whys])
        return wrong
