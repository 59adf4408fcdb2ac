"""The notification of how an attempt at a run ended is sent once, although Lambda may call twice."""

from __future__ import annotations

from typing import Literal

from tunedrop import clock
from tunedrop.registry._table import Table

UNSURE_SECONDS = 20
"""How long the receipt of a notification may take; SNS delivers to Lambda in well under a second."""


class Notices:
    """Which attempt at a run was notified: `notice` and `told_attempt` of the run's item."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def claim(self, run_id: str, attempt: int) -> Literal["claimed", "sent", "unsure"]:
        """Claim the notification of the end of an attempt: only the first caller sends it.

        `unsure`: an earlier caller has begun, and it is not known yet whether SNS has accepted the message.
        After `UNSURE_SECONDS` without a receipt it has not, and the next caller may claim it.
        """
        item = self._table.get(f"RUN#{run_id}", "RUN") or {}
        earlier = str(item.get("notice", ""))
        condition, values = "attribute_not_exists(notice)", {}
        if earlier and int(earlier.split()[0]) == attempt:
            if int(item.get("told_attempt", 0)) == attempt:
                return "sent"
            if clock.seconds_between(earlier.split()[1], clock.now()) < UNSURE_SECONDS:
                return "unsure"
        if earlier:
            condition, values = "notice = :earlier", {":earlier": earlier}
        mine = {"notice": f"{attempt} {clock.now()}"}
        claimed = self._table.update_if(f"RUN#{run_id}", "RUN", condition, mine, values=values)
        return "claimed" if claimed else "unsure"

    def confirm(self, run_id: str, attempt: int) -> bool:
        """SNS has accepted the notification, as its publisher or a subscriber knows. False if nobody has
        claimed it: then it is not this one that was sent."""
        return self._table.update_if(
            f"RUN#{run_id}",
            "RUN",
            "begins_with(notice, :claimed)",
            {"told_attempt": attempt},
            values={":claimed": f"{attempt} "},
        )

    def give_back(self, run_id: str) -> None:
        """SNS has not accepted the notification: the next caller may claim it at once."""
        self._table.update(f"RUN#{run_id}", "RUN", {}, remove=("notice",))

    def mark_emitted(self, run_id: str, attempt: int) -> None:
        """The event of the attempt's end is on the event bus."""
        self._table.update(f"RUN#{run_id}", "RUN", {"emitted_attempt": attempt})
