"""The hyperparameters of a serverless customization, with their limits.

SageMaker AI developer guide, customizing-models-sft and customizing-models-dpo (read 2026-11-29); the
defaults are a belief, since those of a recipe stand in a file that its hub document names.
"""

from __future__ import annotations

from collections.abc import Mapping

from local.bedrock.wire import Refusal

RANGES: Mapping[str, tuple[float, float]] = {
    "max_epochs": (1, 100),
    "learning_rate": (5e-7, 1e-4),
    "lr_warmup_steps_ratio": (0, 1),
    "weight_decay": (0, 1),
    "gradient_clipping_threshold": (0, 5),
    "dataset_max_len": (256, 131_072),
    "logging_steps": (1, 100),
    "lora_dropout": (0, 1),
    "train_val_split_ratio": (0, 1),
    "seed": (0, 2**31),
}

WORDS: Mapping[str, tuple[str, ...]] = {
    "global_batch_size": tuple(str(2**power) for power in range(3, 11)),
    "lora_rank": tuple(str(2**power) for power in range(3, 8)),
    "lora_alpha": tuple(str(2**power) for power in range(4, 9)),
    "lr_scheduler": ("cosine", "constant"),
    "merge_weights": ("true", "false"),
    "gradient_clipping": ("true", "false"),
}

OF_TECHNIQUES: Mapping[str, Mapping[str, tuple[float, float]]] = {
    "SFT": {},
    "DPO": {"adam_beta": (1e-3, 0.1), "temperature": (0, 2)},
}
"""What one technique has beside those."""

BATCHES: Mapping[str, tuple[str, ...]] = {"DPO": ("16", "32", "64", "128")}

DEFAULTS: Mapping[str, str] = {
    "max_epochs": "3",
    "learning_rate": "0.0001",
    "global_batch_size": "16",
    "merge_weights": "false",
}


def refuse_wrong(given: Mapping[str, str], technique: str) -> None:
    """Refuse the first name that is not known, or value that is not allowed.

    Raises
    ------
    Refusal
        ValidationException, naming it.
    """
    for name, value in given.items():
        if not _fits(name, value, technique):
            raise Refusal("ValidationException", f"Invalid value for hyperparameter {name}: {value}")


def _fits(name: str, value: str, technique: str) -> bool:
    if name == "global_batch_size" and technique in BATCHES:
        return value in BATCHES[technique]
    if name in WORDS:
        return value.lower() in WORDS[name]
    ranges = {**RANGES, **OF_TECHNIQUES[technique]}
    if name not in ranges:
        return False
    low, high = ranges[name]
    try:
        return low <= float(value) <= high
    except ValueError:
        return False
