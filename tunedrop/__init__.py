"""Tunedrop: drop a dataset into S3, get a fine-tuned Amazon Bedrock model back.

The domain of the pipeline: pure, typed Python that knows nothing of the AWS CDK or of Lambda handlers.
`tunedrop.evaluate` gives the gate's verdict on answers from anywhere.
"""

from __future__ import annotations

from typing import Any

__all__ = ["evaluate"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """`evaluate` is loaded when it is asked for: it needs numpy, which most Lambda functions do not have."""
    if name == "evaluate":
        from tunedrop.evaluation.answers_file import evaluate

        return evaluate
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
