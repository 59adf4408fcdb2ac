"""Every alarm of the stack has an entry in the operations page, and every entry an alarm."""

from __future__ import annotations

import re
from pathlib import Path

from tests.infra.conftest import Resources

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "operate.md"


def test_every_alarm_has_an_entry_and_every_entry_an_alarm(resources: Resources) -> None:
    alarms = {
        re.sub(r"^Observability(\w+)[0-9A-F]{8}$", r"\1", id_)
        for id_ in resources.of("AWS::CloudWatch::Alarm")
    }
    section = PAGE.read_text().partition("## Alarms")[2].partition("\n## ")[0]

    assert set(re.findall(r"^### (\w+)$", section, flags=re.MULTILINE)) == alarms
