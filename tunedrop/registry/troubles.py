"""Isolates uploads, waits, releases and runs: one that fails is retried later and does not delay others.

`pk` = `TROUBLE`, `sk` = the subject. A failing subject is retried with doubling delays; its entry is deleted
on success; after `REPORT_AFTER` failures it is reported once.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from tunedrop import clock, escaping
from tunedrop.aws import explain
from tunedrop.errors import TransientError
from tunedrop.registry._table import Item, Table

T = TypeVar("T")
R = TypeVar("R")

FIRST_PAUSE_SECONDS = 60
LONGEST_PAUSE_SECONDS = 900
REPORT_AFTER = 5
"""The number of tries before a report: the fifth is a quarter of an hour after the first."""
REPORT_OF = "report of "
"""Begins the names of reports among the subjects: one that cannot be published fails like any other."""
KEPT_SECONDS = 7 * 86_400
MOST_BYTES = 900
MOST_SAID = 4_000

log = logging.getLogger(__name__)


class Trouble(msgspec.Struct, frozen=True, kw_only=True):
    """A failing subject: how often, since when, why, and when it is retried."""

    subject: str
    error: str
    tries: int
    since: str
    next_at: str
    reported: bool = False


class Troubles:
    """The failing subjects of a stage; one object per scheduled call.

    `failed` are the subjects that failed in this call, for the alarm.
    """

    def __init__(self, dynamodb: Any, table: str) -> None:
        self._table = Table(dynamodb, table)
        self._known: dict[str, Trouble] | None = None
        self.failed: list[Trouble] = []

    def each(
        self, subjects: Iterable[T], name: Callable[[T], str], act: Callable[[T], R], *, eager: bool = False
    ) -> Iterator[tuple[T, R]]:
        """Act on every due subject. Returns those that succeeded, with their results.

        Parameters
        ----------
        eager
            Whether to include subjects that are not due, because an event concerns them.
        """
        for subject in subjects:
            called = _key(name(subject))
            if not (eager or self._is_due(called)):
                continue
            try:
                result = act(subject)
            except Exception as error:
                self.note(called, error)
                continue
            self._forget(called)
            yield subject, result

    def attempt(self, name: str, act: Callable[[], R], otherwise: R) -> R:
        """The same for a single action that is always due; returns `otherwise` if it fails."""
        done = self.each([name], str, lambda _: act(), eager=True)
        return next((result for _, result in done), otherwise)

    def note(self, subject: str, error: Exception) -> None:
        """Record a failure. If that fails too, the subject is retried at once and reported later."""
        subject = _key(subject)
        earlier = self.known.get(subject)
        tries = earlier.tries + 1 if earlier else 1
        pause = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2 ** (tries - 1))
        now = clock.now()
        trouble = Trouble(
            subject=subject,
            error=_said(error),
            tries=tries,
            since=earlier.since if earlier else now,
            next_at=clock.after(now, pause),
            reported=earlier.reported if earlier else False,
        )
        if not isinstance(error, TransientError) or tries > 1:
            self.failed.append(trouble)
        log.warning("failed, and is tried again: %s", subject, exc_info=error, extra={"tries": tries})
        self._try_to_keep(trouble)

    @property
    def known(self) -> dict[str, Trouble]:
        """All subjects that have failed and have not succeeded since."""
        if self._known is None:
            self._known = {item["sk"]: _read(item) for item in self._table.query({"pk": "TROUBLE"})}
        return self._known

    def has(self, subject: str) -> bool:
        """Whether a subject has failed and has not succeeded since."""
        return _key(subject) in self.known

    def forget_others(self, beginnings: tuple[str, ...]) -> None:
        """Forget the subjects that begin like this and have not failed in this call, which looked at all of
        them."""
        failed = {one.subject for one in self.failed}
        for subject in set(self.known) - failed:
            if subject.startswith(beginnings):
                self._forget(subject)

    def to_report(self) -> list[Trouble]:
        """The failing subjects to report that have not been reported; of a report there is none."""
        return [
            one for one in self.known.values()
            if one.tries >= REPORT_AFTER and not one.reported and not one.subject.startswith(REPORT_OF)
        ]  # fmt: skip

    def mark_reported(self, trouble: Trouble) -> None:
        self._keep(msgspec.structs.replace(trouble, reported=True))

    def _is_due(self, subject: str) -> bool:
        trouble = self.known.get(subject)
        return trouble is None or trouble.next_at <= clock.now()

    def _try_to_keep(self, trouble: Trouble) -> None:
        try:
            self._keep(trouble)
        except (ClientError, BotoCoreError):
            log.exception("the failure of %s could not be kept", trouble.subject)

    def _keep(self, trouble: Trouble) -> None:
        self.known[trouble.subject] = trouble
        ttl = int(clock.read(trouble.next_at).timestamp()) + KEPT_SECONDS
        self._table.put(
            {
                "pk": "TROUBLE",
                "sk": trouble.subject,
                "trouble": msgspec.json.encode(trouble).decode(),
                "ttl": ttl,
            }
        )

    def _forget(self, subject: str) -> None:
        if self.known.pop(subject, None) is not None:
            try:
                self._table.delete("TROUBLE", subject)
            except (ClientError, BotoCoreError):
                log.exception("%s could not be forgotten", subject)


def _key(subject: str) -> str:
    """A subject as a sort key, on one line; DynamoDB allows 1,024 bytes, which an S3 key alone may have.

    A truncated subject keeps a hash, so that it stays unique.
    """
    subject = escaping.line(subject)
    cut = subject.encode()[:MOST_BYTES].decode(errors="ignore")
    return subject if cut == subject else f"{cut}~{hashlib.sha256(subject.encode()).hexdigest()[:8]}"


def _said(error: Exception) -> str:
    is_aws = isinstance(error, ClientError | BotoCoreError)
    return escaping.lines(explain(error) if is_aws else f"{type(error).__name__}: {error}")[:MOST_SAID]


def _read(item: Item) -> Trouble:
    try:
        return msgspec.json.decode(item["trouble"], type=Trouble)
    except (KeyError, TypeError, msgspec.MsgspecError):
        # The row cannot be read: its subject counts as due, and the next failure overwrites it.
        now = clock.now()
        return Trouble(subject=item["sk"], error="", tries=1, since=now, next_at=now)
