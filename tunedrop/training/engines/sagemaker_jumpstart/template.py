"""The document in SageMaker's public hub of a base model that JumpStart's script trains (DescribeHubContent).

The fields, and their use in CreateTrainingJob: AWS's SDK (sagemaker-python-sdk 3, model_trainer
and defaults; sagemaker 2.257.7, estimator and job), whose tests have one complete hub document, of Llama
2 13B (read 2026-11-29). That the document of another base model has the same fields is a belief.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from tunedrop.catalog.model import BaseModel
from tunedrop.training import public_hub

CODE_CHANNEL, MODEL_CHANNEL = "code", "model"

REGISTRY = "763104351884"
"""The account of AWS's Deep Learning Containers, in us-east-1 and us-west-2."""

SUBMITTED = "/opt/ml/input/data/code/sourcedir.tar.gz"
"""The path of a script that comes through its own channel, as required in an isolated network."""


class Incomplete(ValueError):
    """A document that lacks what a job needs; the message is a clause whose subject is the base model."""


class Template(msgspec.Struct, frozen=True, kw_only=True):
    """How JumpStart's script trains a base model.

    `supported` are the supported instance types, `image_of` their images (by type or family) if not the
    default. `base_weights` are the files that Bedrock can import unchanged.
    """

    version: str
    image: str
    script: str
    artifact: str
    instance: str
    supported: tuple[str, ...]
    hyperparameters: dict[str, str]
    image_of: dict[str, str] = {}
    hyperparameters_of: dict[str, dict[str, str]] = {}
    metrics: tuple[dict[str, str], ...] = ()
    volume_gb: int = 256
    most_seconds: int = 0
    is_isolated: bool = False
    encrypts_traffic: bool = False
    is_gated: bool = False
    licence: str = ""
    base_weights: str = ""

    def image_on(self, instance: str) -> str:
        """The image that an instance type runs."""
        return self.image_of.get(instance) or self.image_of.get(_family(instance)) or self.image

    def defaults_on(self, instance: str) -> dict[str, str]:
        """The default hyperparameters of an instance type."""
        own = self.hyperparameters_of
        return {**self.hyperparameters, **own.get(_family(instance), {}), **own.get(instance, {})}


def describe(sagemaker: Any, base_model: BaseModel) -> Template:
    """The hub document of a base model.

    Raises
    ------
    ClientError
        As SageMaker refuses.
    Incomplete
        If the model cannot be trained like this, or the document lacks what a job needs.
    """
    version, text = public_hub.page(sagemaker, base_model)
    return read(text, version)


def read(text: str, version: str) -> Template:
    """A document of the hub.

    Raises
    ------
    Incomplete
        As `describe`.
    """
    document: dict[str, Any] = json.loads(text)
    if not document.get("TrainingSupported"):
        raise Incomplete("is not trained by JumpStart (any more): its hub page says TrainingSupported: false")
    needed = ("TrainingEcrUri", "TrainingScriptUri", "TrainingArtifactUri", "DefaultTrainingInstanceType")
    if missing := [name for name in needed if not document.get(name)]:
        raise Incomplete(f"has a hub page ({version}) without {', '.join(missing)}, which a job needs")
    images, hyperparameters = _variants(document)
    return Template(
        version=version,
        image=document["TrainingEcrUri"],
        script=document["TrainingScriptUri"],
        artifact=document["TrainingArtifactUri"],
        instance=document["DefaultTrainingInstanceType"],
        supported=tuple(document.get("SupportedTrainingInstanceTypes") or ()),
        hyperparameters=_defaults(document.get("Hyperparameters")),
        image_of=images,
        hyperparameters_of=hyperparameters,
        metrics=tuple(
            {"Name": one["Name"], "Regex": one["Regex"]} for one in document.get("TrainingMetrics") or ()
        ),
        volume_gb=int(document.get("TrainingVolumeSize") or 256),
        most_seconds=int(document.get("MaxRuntimeInSeconds") or 0),
        is_isolated=bool(document.get("TrainingEnableNetworkIsolation")),
        encrypts_traffic=bool(document.get("EncryptInterContainerTraffic")),
        is_gated=bool(document.get("GatedBucket")),
        licence=str(document.get("HostingEulaUri") or ""),
        base_weights=public_hub.weights(document),
    )


def strangers(template: Template, region: str, instance: str) -> Iterator[str]:
    """What a job on this instance type needs from outside JumpStart's buckets and AWS's registry of a Region,
    which the role cannot read."""
    own = tuple(f"s3://{place.format(region=region)}/" for place in public_hub.BUCKETS)
    for uri in (template.script, template.artifact):
        if not uri.startswith(own):
            yield uri
    if not (image := template.image_on(instance)).startswith(f"{REGISTRY}.dkr.ecr.{region}.amazonaws.com/"):
        yield image


def _variants(document: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
    """Images and hyperparameters of instance types (`ml.g5.24xlarge`) and families (`g5`).

    An image may be an alias, such as `$gpu_ecr_uri_1`. Keys are spelled as everywhere in a document or in
    small letters, and families with and without `ml.` (both in documents in tests of AWS's SDK, whose reader
    takes either: sagemaker-python-sdk, jumpstart/types.py, read 2026-11-30).
    """
    table = document.get("TrainingInstanceTypeVariants") or {}
    aliases = table.get("Aliases") or {}
    images, hyperparameters = {}, {}
    for name, variant in (table.get("Variants") or {}).items():
        type_ = name if name.count(".") > 1 else name.removeprefix("ml.")
        properties = variant.get("Properties") or variant.get("properties") or {}
        image = str(properties.get("ImageUri") or properties.get("image_uri") or "")
        if image := str(aliases.get(image[1:]) or "") if image.startswith("$") else image:
            images[type_] = image
        if own := _defaults(properties.get("Hyperparameters") or properties.get("hyperparameters")):
            hyperparameters[type_] = own
    return images, hyperparameters


def _defaults(listed: Any) -> dict[str, str]:
    """The defaults by name; those of a variant have keys in lower case. The job sets what only the
    container reads (`sagemaker_…`)."""
    found = {}
    for one in listed or ():
        name, default = one.get("Name", one.get("name")), one.get("Default", one.get("default"))
        if name and default is not None and not str(name).startswith("sagemaker_"):
            found[str(name)] = str(default)
    return found


def _family(instance: str) -> str:
    return instance.split(".")[1] if instance.count(".") > 1 else instance
