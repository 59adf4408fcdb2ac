"""A piece of advice with its reason and source."""

from __future__ import annotations

import msgspec

OURS = "our judgement"
"""The source of statements without documentation: experience."""

RAG_GUIDE = "AWS Prescriptive Guidance, Retrieval Augmented Generation options (read 2026-11-25)"
CUSTOM_MODELS = "Bedrock user guide, custom-models (read 2026-11-23)"
PREPARE = "Bedrock user guide, model-customization-prepare (read 2026-11-25)"
HYPERPARAMETERS = "Bedrock user guide, custom-models-hp (read 2026-11-23)"
NOVA = "Nova user guide, customize-fine-tune-hyperparameters (read 2026-11-23)"
COST = "training is billed by tokens and epochs: aws.amazon.com/bedrock/pricing (read 2026-07-24)"


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """The advice, its reason, and its source."""

    says: str
    because: str
    source: str = OURS
