"""What the hub says of models that JumpStart's own script trains.

The fields are those of the one whole document that was found, of Llama 2 13B in the tests of AWS's SDK
(`tests/recorded/hub-content-llama-2-13b.json`); Mistral's values are the notebook's where it shows them
(hyperparameters, instance type), else made up after that document.
"""

from __future__ import annotations

from typing import Any

INSTANCE = "ml.g5.24xlarge"
IMAGE = (
    "763104351884.dkr.ecr.{}.amazonaws.com/huggingface-pytorch-training:2.0.0-transformers4.28.1-gpu-py310"
)

DEFAULTS = {
    "peft_type": "None", "instruction_tuned": "True", "chat_dataset": "False", "epoch": "1",
    "learning_rate": "6e-06", "lora_r": "64", "lora_alpha": "16", "lora_dropout": "0", "bits": "16",
    "per_device_train_batch_size": "2", "per_device_eval_batch_size": "8", "warmup_ratio": "0.1",
    "evaluation_strategy": "steps", "eval_steps": "20", "gradient_accumulation_steps": "8",
    "logging_steps": "8", "weight_decay": "0.2", "load_best_model_at_end": "True", "seed": "10",
    "max_input_length": "-1", "validation_split_ratio": "0.2", "save_strategy": "steps",
    "save_steps": "500", "save_total_limit": "1", "lr_scheduler_type": "constant_with_warmup",
}  # fmt: skip
"""What AWS's notebook printed of Mistral 7B's (2024-08-19); those that no run meets are left out."""

CONTAINER = {
    "sagemaker_submit_directory": "/opt/ml/input/data/code/sourcedir.tar.gz",
    "sagemaker_program": "transfer_learning.py",
    "sagemaker_container_log_level": "20",
}


def artifact(name: str, region: str) -> str:
    """Where the weights are that a job begins with."""
    return f"s3://jumpstart-cache-prod-{region}/huggingface-training/v1.0.0/train-{name}.tar.gz"


def fields(name: str, region: str) -> dict[str, Any]:
    """The part of a model's document that is about its training."""
    scripts = f"s3://jumpstart-cache-prod-{region}/source-directory-tarballs/training/huggingface-llm"
    listed = [
        {"Name": key, "Type": "text", "Default": value, "Scope": scope}
        for scope, values in (("algorithm", DEFAULTS), ("container", CONTAINER))
        for key, value in values.items()
    ]
    return {
        "TrainingEcrUri": IMAGE.format(region),
        "TrainingScriptUri": f"{scripts}/prepack/v1.0.0/sourcedir.tar.gz",
        "TrainingArtifactUri": artifact(name, region),
        "DefaultTrainingInstanceType": INSTANCE,
        "SupportedTrainingInstanceTypes": ["ml.g5.12xlarge", INSTANCE, "ml.g5.48xlarge", "ml.p4d.24xlarge"],
        "TrainingInstanceTypeVariants": {
            "Variants": {"g5": {"Properties": {"ImageUri": IMAGE.format(region)}}}
        },
        "Hyperparameters": listed,
        "TrainingMetrics": [
            {"Name": "huggingface-textgeneration:train-loss", "Regex": "'loss': ([0-9]+\\.[0-9]+)"},
            {"Name": "huggingface-textgeneration:eval-loss", "Regex": "'eval_loss': ([0-9]+\\.[0-9]+)"},
        ],
        "TrainingVolumeSize": 256,
        "TrainingEnableNetworkIsolation": True,
        "EncryptInterContainerTraffic": True,
        "DisableOutputCompression": True,
        "MaxRuntimeInSeconds": 360_000,
        "ValidationSupported": True,
        "FineTuningSupported": True,
    }
