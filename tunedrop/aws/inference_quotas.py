"""The quotas of a model's tokens per day, found by name, because the quota of every model has another code.

Requests per minute are limited no longer, and tokens per minute only slow an evaluation down (Bedrock user
guide, quotas-runtime, read 2026-11-30).
"""

from __future__ import annotations

import re

import msgspec

from tunedrop.aws.quotas import Quota, Quotas

OF_A_MODEL = "Model invocation max tokens per day"
OF_TUNED_MODELS = "(Model customization) Sum of on demand custom model deployment tokens per day"
_OF_GLOBAL_PROFILES = "Global cross-region model inference tokens per day"

CURE = "Ask AWS Support for the default (limit increase form), or lower evaluation.max_prompts"
"""Bedrock user guide, quotas: for quotas that Service Quotas does not adjust."""

_DOUBLED = " (doubled for cross-region calls)"

PROFILE = re.compile(r"(us|us-gov|eu|apac|jp|au|ca|global)\.")
"""The prefixes of inference profile ids (Bedrock user guide, inference-profiles-support)."""

_VERSION = re.compile(r"[ -]v(\d+)(?::\d+)?$|-(\d+):\d+$")
_DATE = re.compile(r"-20\d{6}(?=-|$)")


def kind_of(model_id: str) -> str:
    """The beginning of the name of the quota of a modelId."""
    if ":custom-model-deployment/" in model_id:
        return OF_TUNED_MODELS
    return _OF_GLOBAL_PROFILES if model_id.startswith("global.") else OF_A_MODEL


def per_day(quotas: Quotas, model_id: str, kind: str = "") -> Quota | None:
    """The tokens per day of a model, by its id or a profile of it; None if Service Quotas lists none.

    Parameters
    ----------
    kind
        `OF_TUNED_MODELS` for the models tuned from this one.
    """
    model_id = model_id.rpartition("/")[2]
    profile = PROFILE.match(model_id)
    provider, _, name = model_id[profile.end() if profile else 0 :].rpartition(".")
    wanted = {_words(name), _words(f"{provider} {name}")}
    for quota in quotas.values():
        what, _, whose = quota.name.removesuffix(_DOUBLED).partition(" for ")
        if what == (kind or kind_of(model_id)) and _words(whose) in wanted:
            twice = quota.name.endswith(_DOUBLED) and profile is not None
            return msgspec.structs.replace(quota, value=quota.value * 2) if twice else quota
    return None


def _words(name: str) -> tuple[str, str]:
    """A name without its punctuation, and its version.

    >>> _words("Meta Llama 3.3 70B Instruct") == _words("meta llama3-3-70b-instruct-v1:0")
    True
    >>> _words("OpenAI GPT OSS 20B") == _words("openai gpt-oss-20b-1:0") != _words("GPT OSS 20B V2")
    True
    """
    plain = _DATE.sub("", name.lower())
    version = _VERSION.search(plain)
    number = (version[1] or version[2]) if version else "1"
    return re.sub(r"[^a-z0-9]", "", _VERSION.sub("", plain)), number
