"""The hyperparameters of a serverless customization, with their limits.

SageMaker AI developer guide, customizing-models-sft, customizing-models-dpo and customizing-models-rft
(read 2026-11-29); the defaults are those of AWS's recipes (aws/sagemaker-hyperpod-recipes, read 2026-11-30).
The pages call all but one required; that a job takes the defaults of those that it does not name is a belief.
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
    "temperature": (0, 2),
    "seed": (0, 2**31 - 1),
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
    "DPO": {"adam_beta": (1e-3, 0.1)},
    "RLVR": {
        "learning_rate": (1e-7, 1e-3),
        "max_prompt_length": (512, 16_384),
        "clip_ratio": (0.1, 1.5),
        "clip_ratio_high": (0, 0.5),
        "clip_ratio_low": (0, 0.5),
        "kl_loss_coef": (0, 0.1),
        "rollout_temperature": (0.01, 2),
        "warmup_steps": (-1, 100),
        "min_lr": (0, 1),
    },
}
"""Additional or changed hyperparameters of one technique."""

WORDS_OF: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "DPO": {"global_batch_size": ("16", "32", "64", "128")},
    "RLVR": {
        "global_batch_size": ("128", "256", "512", "1024"),
        "rollout_n": ("1", "2", "4", "8", "16", "32"),
        "use_kl_loss": ("true", "false"),
        "preset_reward_function": ("", "gsm8k", "prime_code", "prime_math"),
    },
}

NOT_OF: Mapping[str, tuple[str, ...]] = {
    "RLVR": ("merge_weights", "dataset_max_len", "lr_scheduler", "lora_dropout", "logging_steps", "seed")
}
"""Common hyperparameters that a technique does not have."""

DEFAULTS: Mapping[str, Mapping[str, str]] = {
    "SFT": {
        "max_epochs": "5", "learning_rate": "0.0001", "global_batch_size": "8", "dataset_max_len": "4096",
        "merge_weights": "true",
    },
    "DPO": {
        "max_epochs": "3", "learning_rate": "0.0001", "global_batch_size": "16", "dataset_max_len": "4096",
        "adam_beta": "0.01", "merge_weights": "true",
    },
    "RLVR": {
        "max_epochs": "2", "learning_rate": "0.00001", "global_batch_size": "128", "rollout_n": "8",
    },
}  # fmt: skip
"""Of those that the local training reads."""


def defaults(technique: str) -> dict[str, str]:
    """The defaults of a job."""
    return {**DEFAULTS[technique]}


def refuse_wrong(given: Mapping[str, str], technique: str) -> None:
    """Refuse the first unknown name or invalid value.

    Raises
    ------
    Refusal
        ValidationException, naming it.
    """
    for name, value in given.items():
        if not _fits(name, value, technique):
            raise Refusal("ValidationException", f"Invalid value for hyperparameter {name}: {value}")


def _fits(name: str, value: str, technique: str) -> bool:
    words = {**WORDS, **WORDS_OF.get(technique, {})}
    if name in NOT_OF.get(technique, ()):
        return False
    if name in words:
        return value.lower() in words[name]
    ranges = {**RANGES, **OF_TECHNIQUES[technique]}
    if name not in ranges:
        return False
    low, high = ranges[name]
    try:
        return low <= float(value) <= high
    except ValueError:
        return False
