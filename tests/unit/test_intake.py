from __future__ import annotations

import pytest

from tunedrop.intake import Upload, read_key


@pytest.mark.parametrize(
    ("key", "upload"),
    [
        ("drop/support.jsonl", Upload("dataset", "support")),
        ("drop/team a/support v1.2.jsonl", Upload("dataset", "team a/support v1.2")),
        ("drop/support", Upload("dataset", "support")),
        ("drop/", Upload("other")),
        ("runs/persona/run.yaml", Upload("manifest", "persona")),
        ("runs/persona/run.json", Upload("manifest", "persona")),
        ("runs/persona/train.jsonl", Upload("other")),
        ("runs/run.yaml", Upload("other")),
        ("runs/persona/approve", Upload("approve", "persona")),
        ("runs/persona/stop", Upload("stop", "persona")),
        ("elsewhere/run.yaml", Upload("other")),
    ],
)
def test_a_key_says_what_was_uploaded(key: str, upload: Upload) -> None:
    assert read_key(key) == upload
