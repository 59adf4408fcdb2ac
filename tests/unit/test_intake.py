from __future__ import annotations

import pytest

from tunedrop.intake import Upload, read_key


@pytest.mark.parametrize(
    ("key", "upload"),
    [
        ("drop/support.jsonl", Upload("dataset", "support")),
        ("drop/team a/support v1.2.jsonl", Upload("shard", "team a")),
        ("drop/support", Upload("dataset", "support")),
        ("drop/", Upload("dataset", "unnamed")),
        ("runs//run.yaml", Upload("manifest", "unnamed")),
        ("drop/Gru\u0308\u00dfe\u202e.jsonl", Upload("dataset", "Gr\u00fc\u00dfe\\u202e")),
        ("runs/persona/run.yaml", Upload("manifest", "persona")),
        ("runs/persona/run.json", Upload("manifest", "persona")),
        ("runs/persona/train.jsonl", Upload("other")),
        ("runs/run.yaml", Upload("other")),
        ("runs/persona-1/approve/1-ab", Upload("approve", "persona-1", "1-ab")),
        ("runs/persona-1/stop/1", Upload("stop", "persona-1", "1")),
        ("elsewhere/run.yaml", Upload("other")),
    ],
)
def test_a_key_says_what_was_uploaded(key: str, upload: Upload) -> None:
    assert read_key(key) == upload
