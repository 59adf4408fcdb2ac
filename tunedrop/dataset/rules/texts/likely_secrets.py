"""TD061: keys and tokens."""

from __future__ import annotations

from collections.abc import Iterator

from tunedrop.dataset.rules.secrets import secrets_in
from tunedrop.dataset.rules.texts.rule import TextRule


class LikelySecrets(TextRule):
    """No text contains a key, token or other secret."""

    code = "TD061"
    literals = (
        "AKIA", "ASIA", "PRIVATE KEY", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "sk-", "sk_", "pk-", "pk_",
        "rk-", "rk_", "xoxa-", "xoxb-", "xoxp-", "xoxr-", "xoxs-", "eyJ",
    )  # fmt: skip
    signs = literals

    def find(self, text: str, role: str) -> Iterator[str]:
        """Each kind, never the value."""
        for name in secrets_in(text):
            yield f"it looks like {name} (not shown here); a tuned model may repeat it"
