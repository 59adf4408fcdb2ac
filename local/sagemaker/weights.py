"""What a customization writes: a Hugging Face folder whose safetensors file holds what was learned.

safetensors: eight bytes of the header's length, a JSON header of tensors and of metadata (strings), the
tensors' bytes (huggingface/safetensors, format). Bedrock's import reads it back.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from local.bedrock.brain import Brain
from local.bedrock.learner import Matrix, Memory, Pair
from local.bedrock.policy import Policy
from local.sagemaker.hub import HubModel

WEIGHTS = "model-00001-of-00001.safetensors"
MERGED, ADAPTER = "checkpoints/hf_merged/", "checkpoints/hf/"
"""Under a model package's prefix: the merged weights, and the adapter alone (SageMaker Python SDK)."""

BYTES_A_PARAMETER = 2
CHAT_TEMPLATE = (
    "{% for message in messages %}{{ message.role }}: {{ message.content }}\n{% endfor %}assistant:"
)


def files(model: HubModel, brain: Brain, architecture: str) -> dict[str, bytes]:
    """The files of a tuned model, by name."""
    config = {
        "architectures": [architecture],
        "model_type": architecture.partition("For")[0].lower(),
        "max_position_embeddings": model.context,
        "torch_dtype": "bfloat16",
        "transformers_version": "4.51.3",
    }
    size = int(model.billions * 1e9) * BYTES_A_PARAMETER
    documents: dict[str, Any] = {
        "config.json": config,
        "generation_config.json": {"do_sample": True, "transformers_version": "4.51.3"},
        "tokenizer.json": {"version": "1.0", "model": {"type": "BPE", "vocab": {}, "merges": []}},
        "tokenizer_config.json": {"model_max_length": model.context, "chat_template": CHAT_TEMPLATE},
        "model.safetensors.index.json": {"metadata": {"total_size": size}, "weight_map": {"words": WEIGHTS}},
    }
    written = {name: json.dumps(one, indent=1).encode() for name, one in documents.items()}
    return written | {WEIGHTS: pack(brain, model)}


def pack(brain: Brain, model: HubModel) -> bytes:
    """A brain as a safetensors file."""
    metadata = {"format": "pt", "base": model.name, "reasons": json.dumps(model.reasons)}
    tensors: dict[str, Matrix] = {}
    if brain.memory is not None:
        pairs = [[pair.context, pair.answer] for pair in brain.memory.pairs]
        metadata |= {"pairs": json.dumps(pairs), "confidence": json.dumps(brain.memory.confidence)}
        tensors["words"] = brain.memory.weights
    if brain.policy is not None:
        metadata |= {
            "known": json.dumps(list(brain.policy.known)),
            "rewarded": json.dumps(sorted(brain.policy.rewarded)),
        }
        tensors["preferences"] = brain.policy.weights
    return _safetensors(tensors, metadata)


def unpack(content: bytes) -> tuple[Brain, Mapping[str, str]]:
    """The brain in a safetensors file, and the file's metadata; of somebody else's file, a base model."""
    length = int.from_bytes(content[:8], "little")
    header: dict[str, Any] = json.loads(content[8 : 8 + length])
    metadata: dict[str, str] = header.pop("__metadata__", {})
    data = content[8 + length :]
    memory, policy = None, None
    if "pairs" in metadata:
        memory = Memory([Pair(context, answer) for context, answer in json.loads(metadata["pairs"])])
        memory.weights = _tensor(header["words"], data)
        memory.confidence = float(json.loads(metadata["confidence"]))
    if "known" in metadata:
        known = {word: number for number, word in enumerate(json.loads(metadata["known"]))}
        policy = Policy(known, _tensor(header["preferences"], data), set(json.loads(metadata["rewarded"])))
    return Brain(memory=memory, policy=policy), metadata


def _safetensors(tensors: Mapping[str, Matrix], metadata: Mapping[str, str]) -> bytes:
    header: dict[str, Any] = {"__metadata__": metadata}
    data = b""
    for name, tensor in tensors.items():
        content = tensor.astype("<f8").tobytes()
        offsets = [len(data), len(data) + len(content)]
        header[name] = {"dtype": "F64", "shape": list(tensor.shape), "data_offsets": offsets}
        data += content
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + data


def _tensor(described: Mapping[str, Any], data: bytes) -> Matrix:
    start, end = described["data_offsets"]
    return np.frombuffer(data[start:end], "<f8").reshape(described["shape"]).copy()
