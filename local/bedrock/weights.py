"""A brain as a file of weights, as training jobs write it and imports read it: a safetensors file.

safetensors: eight bytes of the header's length, a JSON header of tensors and of metadata (strings), the
tensors' bytes (huggingface/safetensors, format).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from local.bedrock.brain import Brain
from local.bedrock.language import LanguageModel
from local.bedrock.learner import Matrix, Memory, Pair
from local.bedrock.policy import Policy
from local.bedrock.preferences import Preferences, Preferred


def pack(brain: Brain, about: Mapping[str, str]) -> bytes:
    """A brain as a safetensors file, with its metadata."""
    metadata = {"format": "pt", **about}
    tensors: dict[str, Matrix] = {}
    if brain.memory is not None:
        pairs = [[pair.context, pair.answer] for pair in brain.memory.pairs]
        metadata |= {"pairs": json.dumps(pairs), "confidence": json.dumps(brain.memory.confidence)}
        tensors["words"] = brain.memory.weights
    if brain.language is not None:
        metadata |= {
            "texts": json.dumps(list(brain.language.texts)),
            "share": json.dumps(brain.language.share),
        }
    if brain.policy is not None:
        metadata |= {
            "known": json.dumps(list(brain.policy.known)),
            "rewarded": json.dumps(sorted(brain.policy.rewarded)),
        }
        tensors["preferences"] = brain.policy.weights
    if brain.preferences is not None:
        liked = [[one.context, one.chosen, one.rejected] for one in brain.preferences.pairs]
        metadata |= {"liked": json.dumps(liked), "scale": json.dumps(brain.preferences.scale)}
        tensors["liked_words"] = brain.preferences.memory.weights
    return _safetensors(tensors, metadata)


def unpack(content: bytes) -> tuple[Brain, Mapping[str, str]]:
    """The brain in a safetensors file, and the file's metadata; for any other file, a base model."""
    length = int.from_bytes(content[:8], "little")
    header: dict[str, Any] = json.loads(content[8 : 8 + length])
    metadata: dict[str, str] = header.pop("__metadata__", {})
    data = content[8 + length :]
    memory, policy, language = None, None, None
    if "pairs" in metadata:
        memory = Memory([Pair(context, answer) for context, answer in json.loads(metadata["pairs"])])
        memory.weights = _tensor(header["words"], data)
        memory.confidence = float(json.loads(metadata["confidence"]))
    if "known" in metadata:
        known = {word: number for number, word in enumerate(json.loads(metadata["known"]))}
        policy = Policy(known, _tensor(header["preferences"], data), set(json.loads(metadata["rewarded"])))
    if "texts" in metadata:
        language = LanguageModel()
        language.remember(json.loads(metadata["texts"]), float(json.loads(metadata["share"])))
    liked = [Preferred(*one) for one in json.loads(metadata.get("liked", "[]"))]
    preferences = Preferences(liked, float(json.loads(metadata["scale"]))) if liked else None
    if preferences is not None:
        preferences.memory.weights = _tensor(header["liked_words"], data)
    return Brain(memory=memory, language=language, policy=policy, preferences=preferences), metadata


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
