"""What a hub page says of training by JumpStart's script, and what such a job has left."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from tests import builders
from tests.recorded import recorded
from tunedrop import catalog
from tunedrop.training.engines.sagemaker_jumpstart import checks, weights
from tunedrop.training.engines.sagemaker_jumpstart.template import Incomplete, Template, read, strangers

BASE = next(one for one in catalog.load().values() if one.engine_of("auto") == "sagemaker-jumpstart")
NEEDED: dict[str, Any] = {
    "TrainingSupported": True,
    "TrainingEcrUri": "image",
    "TrainingScriptUri": "s3://jumpstart-cache-prod-us-east-1/script",
    "TrainingArtifactUri": "s3://jumpstart-private-cache-prod-us-east-1/weights",
    "DefaultTrainingInstanceType": "ml.g5.24xlarge",
}
VARIANTS = {
    "Variants": {
        "g5": {
            "Properties": {
                "ImageUri": "image of g5",
                "Hyperparameters": [
                    {"name": "epoch", "default": 2},
                    {"name": "peft_type", "default": "lora"},
                ],
            }
        },
        "ml.g5.48xlarge": {
            "Properties": {
                "ImageUri": "image of 48", "Hyperparameters": [{"Name": "epoch", "Default": 3}],
            }
        },
        "p4d": {"Properties": {"ImageUri": "", "Hyperparameters": None}},
        "p5": {"Properties": None},
        "trn1": {},
    }
}  # fmt: skip


def page(**document: Any) -> Template:
    return read(json.dumps(NEEDED | document), "1.2.3")


def test_a_page_says_what_a_job_is_made_of() -> None:
    found = page(
        SupportedTrainingInstanceTypes=["ml.g5.24xlarge", "ml.g5.48xlarge"],
        Hyperparameters=[
            {"Name": "epoch", "Default": 1},
            {"Name": "zero", "Default": 0},
            {"Name": "none", "Default": None},
            {"Name": "sagemaker_program", "Default": "x"},  # the job says it itself
            {"Default": 1},
        ],
        TrainingMetrics=[{"Name": "eval-loss", "Regex": ".*", "Unit": "x"}],
        TrainingVolumeSize=512,
        MaxRuntimeInSeconds=360_000,
        TrainingEnableNetworkIsolation=True,
        EncryptInterContainerTraffic=True,
        GatedBucket=True,
        HostingEulaUri="s3://eula",
    )

    assert found == Template(
        version="1.2.3",
        image="image",
        script=NEEDED["TrainingScriptUri"],
        artifact=NEEDED["TrainingArtifactUri"],
        instance="ml.g5.24xlarge",
        supported=("ml.g5.24xlarge", "ml.g5.48xlarge"),
        hyperparameters={"epoch": "1", "zero": "0"},
        metrics=({"Name": "eval-loss", "Regex": ".*"},),
        volume_gb=512,
        most_seconds=360_000,
        is_isolated=True,
        encrypts_traffic=True,
        is_gated=True,
        licence="s3://eula",
    )


@pytest.mark.parametrize("value", [None, "left out"])
def test_what_a_page_leaves_out_has_a_default(value: Any) -> None:
    names = (
        "SupportedTrainingInstanceTypes", "Hyperparameters", "TrainingMetrics", "TrainingVolumeSize",
        "MaxRuntimeInSeconds", "TrainingInstanceTypeVariants", "HostingEulaUri", "GatedBucket",
    )  # fmt: skip
    found = page(**dict.fromkeys(names)) if value is None else page()

    assert (found.supported, found.hyperparameters, found.metrics) == ((), {}, ())
    assert (found.volume_gb, found.most_seconds, found.is_gated, found.licence) == (256, 0, False, "")
    assert (found.image_on("ml.g5.24xlarge"), found.defaults_on("ml.g5.24xlarge")) == ("image", {})


@pytest.mark.parametrize(
    ("instance", "image", "epoch", "peft"),
    [
        ("ml.g5.24xlarge", "image of g5", "2", "lora"),  # of its family
        ("ml.g5.48xlarge", "image of 48", "3", "lora"),  # its own, before its family's
        ("ml.p4d.24xlarge", "image", "1", None),
        ("ml.p5.48xlarge", "image", "1", None),
        ("ml.trn1.32xlarge", "image", "1", None),
        ("ml.g6.12xlarge", "image", "1", None),
        ("local", "image", "1", None),
    ],
)
def test_an_instance_type_may_have_an_image_and_hyperparameters_of_its_own(
    instance: str, image: str, epoch: str, peft: str | None
) -> None:
    found = page(TrainingInstanceTypeVariants=VARIANTS, Hyperparameters=[{"Name": "epoch", "Default": 1}])

    assert found.image_on(instance) == image
    assert found.defaults_on(instance) == {"epoch": epoch} | ({"peft_type": peft} if peft else {})


@pytest.mark.parametrize("name", [name for name in NEEDED if name != "TrainingSupported"])
def test_a_page_without_what_a_job_needs_is_not_trained(name: str) -> None:
    for value in ("", None):
        with pytest.raises(Incomplete, match=rf"hub page \(1.2.3\) without {name}, which a job needs"):
            page(**{name: value})


def test_a_page_of_a_model_that_is_trained_no_more_says_so() -> None:
    with pytest.raises(Incomplete, match="TrainingSupported: false"):
        page(TrainingSupported=False)


def test_files_outside_jumpstarts_buckets_of_the_region_are_strange() -> None:
    image = "763104351884.dkr.ecr.us-east-1.amazonaws.com/huggingface-pytorch-training:2.0.0"

    def strange(region: str = "us-east-1", **document: Any) -> list[str]:
        return list(strangers(page(**{"TrainingEcrUri": image, **document}), region, "ml.g5.24xlarge"))

    assert strange() == []
    assert strange("us-west-2") == [NEEDED["TrainingScriptUri"], NEEDED["TrainingArtifactUri"], image]
    assert strange(TrainingScriptUri="s3://somebody-elses/script") == ["s3://somebody-elses/script"]
    assert strange(TrainingInstanceTypeVariants=VARIANTS) == ["image of g5"]


def test_a_page_that_aws_has_published_needs_nothing_strange() -> None:
    published = read(json.dumps(recorded("hub-content-llama-2-13b")), "1.2.3")

    for instance in published.supported:
        assert list(strangers(published, "us-east-1", instance)) == []


FOLDER = {"config.json", "model-00001-of-00002.safetensors", "tokenizer.json"}


@pytest.mark.parametrize(
    ("names", "problem"),
    [
        (FOLDER, ""),
        (FOLDER | {"adapter_config.json"}, ""),  # merged, and the adapter is left beside it
        (FOLDER | {"checkpoint-1/adapter_config.json"}, ""),
        (FOLDER - {"tokenizer.json"} | {"tokenizer.model"}, ""),
        (set(), "nothing"),
        ({"checkpoint-1/config.json"}, "nothing"),
        ({"model.tar.gz"}, "an archive, or nothing"),
        ({"adapter_config.json", "adapter_model.safetensors"}, "an adapter that is not merged"),
        (FOLDER - {"config.json"}, "a folder without config.json"),
        (FOLDER - {"tokenizer.json"}, "a folder without tokenizer.json or tokenizer.model"),
        ({"config.json", "pytorch_model.bin", "tokenizer.json"}, "a folder without *.safetensors"),
        ({"README.md"}, "a folder without config.json, *.safetensors, tokenizer.json or tokenizer.model"),
    ],
)
def test_a_folder_that_bedrock_could_not_import_is_said_to_lack_something(
    names: set[str], problem: str
) -> None:
    found = weights.problem(names)

    assert found.startswith(problem)
    assert bool(found) == bool(problem)


@pytest.mark.parametrize(
    ("artifacts", "place"),
    [
        ({"S3ModelArtifacts": "s3://artifacts/a/output/model"}, "s3://artifacts/a/output/model/"),
        ({"S3ModelArtifacts": "s3://artifacts/a/output/model/"}, "s3://artifacts/a/output/model/"),
        ({"S3ModelArtifacts": "s3://artifacts/a/model.tar.gz"}, "s3://artifacts/a/model.tar.gz"),
        ({}, ""),
        (None, ""),
    ],
)
def test_the_weights_lie_where_the_job_says(artifacts: dict[str, str] | None, place: str) -> None:
    assert weights.place({"ModelArtifacts": artifacts}) == place


# --- what of a page is looked at before anything is paid


@pytest.mark.parametrize(
    ("gated", "licence", "accepted", "passed"),
    [
        (False, "", False, True),
        (True, "", False, False),
        (False, "Apache 2.0", False, False),
        (True, "", True, True),
        (True, "Apache 2.0", True, True),
    ],
)
def test_a_licence_is_accepted_by_a_person_where_there_is_one(
    gated: bool, licence: str, accepted: bool, passed: bool
) -> None:
    base_model = msgspec.structs.replace(BASE, license=licence)

    found = checks._licence(builders.run(accept_eula=accepted), base_model, page(GatedBucket=gated))

    assert found.passed is passed
    assert ("accepted" in found.detail) == (gated or bool(licence))


@pytest.mark.parametrize(
    ("default", "supported", "passed"),
    [
        ("ml.p4d.24xlarge", [BASE.training_instance], True),
        (BASE.training_instance, [], True),
        ("ml.p4d.24xlarge", ["ml.p4d.24xlarge"], False),
    ],
)
def test_the_instance_type_is_the_one_that_was_priced(
    default: str, supported: list[str], passed: bool
) -> None:
    template = page(DefaultTrainingInstanceType=default, SupportedTrainingInstanceTypes=supported)

    assert checks._instance(BASE, template).passed is passed
