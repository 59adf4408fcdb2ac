"""Which resources a request to our services needs, by the reference's own types."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest

from local.bedrock.authorization import PAGES, extract
from local.bedrock.resources import resources_of
from local.sagemaker import resources as sagemaker

ACCOUNT = "111122223333"
OURS = f"arn:aws:bedrock:us-east-1:{ACCOUNT}"
LITE = "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0:300k"
MODEL = f"{OURS}:custom-model/amazon.nova-lite-v1:0:300k/abcdefghij12"
DEPLOYMENT = f"{OURS}:custom-model-deployment/abcdefghij12"


@pytest.mark.parametrize("service", PAGES)
def test_the_extract_equals_the_reference(service: str) -> None:
    written = json.loads(PAGES[service].read_text())
    assert written == extract(service), "run: python -m local.bedrock.authorization"


@pytest.mark.parametrize(
    ("method", "path", "body", "needed"),
    [
        ("GET", "/foundation-model-availability/amazon.nova-lite-v1:0", {}, ["*"]),
        ("GET", "/foundation-models/amazon.nova-lite-v1:0:300k", {}, [LITE]),
        ("GET", "/custom-models", {}, ["*"]),
        ("POST", "/model-customization-jobs", {"baseModelIdentifier": "amazon.nova-lite-v1:0:300k"}, [LITE]),
        ("POST", "/model-customization-jobs", {"baseModelIdentifier": MODEL}, [MODEL]),
        ("DELETE", f"/custom-models/{quote(MODEL, safe='')}", {}, [MODEL]),
        (
            "PATCH",
            f"/model-customization/custom-model-deployments/{quote(DEPLOYMENT, safe='')}",
            {"modelArn": MODEL},
            [DEPLOYMENT, MODEL],
        ),
        (
            "POST",
            "/model/us.amazon.nova-lite-v1%3A0/converse",
            {"messages": []},
            [
                f"{OURS}:inference-profile/us.amazon.nova-lite-v1:0",
                "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0",
            ],
        ),
        (
            "POST",
            "/model/global.amazon.nova-2-lite-v1%3A0/converse",
            {"messages": []},
            [
                f"{OURS}:inference-profile/global.amazon.nova-2-lite-v1:0",
                "arn:aws:bedrock:::foundation-model/amazon.nova-2-lite-v1:0",
                "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-2-lite-v1:0",
            ],
        ),
        (
            "POST",
            "/evaluation-jobs/batch-delete",
            {"jobIdentifiers": [f"{OURS}:evaluation-job/abcdefghij12"]},
            [f"{OURS}:evaluation-job/abcdefghij12"],
        ),
    ],
)
def test_a_request_needs_what_it_names(
    method: str, path: str, body: dict[str, Any], needed: list[str]
) -> None:
    assert resources_of(method, path, {}, json.dumps(body).encode(), "us-east-1", ACCOUNT) == needed


SAGEMAKER = f"arn:aws:sagemaker:us-east-1:{ACCOUNT}"
PUBLIC = "arn:aws:sagemaker:us-east-1:aws"
TRAINS = "arn:aws:iam::111122223333:role/trains"


@pytest.mark.parametrize(
    ("operation", "body", "needed"),
    [
        ("ListTrainingJobs", {}, ["*"]),
        ("DescribeTrainingJob", {"TrainingJobName": "job"}, [f"{SAGEMAKER}:training-job/job"]),
        (
            "CreateTrainingJob",
            {
                "TrainingJobName": "job",
                "RoleArn": TRAINS,
                "Tags": [{"Key": "a", "Value": "b"}],
                "ModelPackageConfig": {"ModelPackageGroupArn": f"{SAGEMAKER}:model-package-group/group"},
            },
            [
                f"{SAGEMAKER}:training-job/job",
                f"iam:PassRole|{TRAINS}",
                f"sagemaker:AddTags|{SAGEMAKER}:training-job/job",
            ],
        ),
        (
            "DescribeHubContent",
            {"HubName": "SageMakerPublicHub", "HubContentType": "Model", "HubContentName": "qwen"},
            [f"{PUBLIC}:hub/SageMakerPublicHub", f"{PUBLIC}:hub-content/SageMakerPublicHub/Model/qwen"],
        ),
        ("ListHubContents", {"HubName": "SageMakerPublicHub"}, [f"{PUBLIC}:hub/SageMakerPublicHub"]),
        (
            "DeleteModelPackage",
            {"ModelPackageName": f"{SAGEMAKER}:model-package/group/1"},
            [f"{SAGEMAKER}:model-package/group/1"],
        ),
        (
            "ListModelPackages",
            {"ModelPackageGroupName": "group"},
            [f"{SAGEMAKER}:model-package/group/*"],
        ),
        (
            "CreateModelPackageGroup",
            {"ModelPackageGroupName": "group"},
            [f"{SAGEMAKER}:model-package-group/group"],
        ),
        (
            "ListTags",
            {"ResourceArn": f"{SAGEMAKER}:training-job/job"},
            [f"{SAGEMAKER}:training-job/job"],
        ),
    ],
)
def test_a_sagemaker_request_needs_what_it_names(
    operation: str, body: dict[str, Any], needed: list[str]
) -> None:
    headers = {"x-amz-target": f"SageMaker.{operation}"}
    content = json.dumps(body).encode()

    assert sagemaker.resources_of("POST", "/", headers, content, "us-east-1", ACCOUNT) == needed


@pytest.mark.parametrize(
    ("method", "path", "body", "needed"),
    [
        ("POST", "/model-import-jobs", {"jobName": "a", "roleArn": TRAINS}, ["*", f"iam:PassRole|{TRAINS}"]),
        ("GET", f"/imported-models/{quote(f'{OURS}:imported-model/abcdefghij12', safe='')}", {},
         [f"{OURS}:imported-model/abcdefghij12"]),
        ("POST", f"/model/{quote(f'{OURS}:imported-model/abcdefghij12', safe='')}/invoke", {},
         [f"{OURS}:imported-model/abcdefghij12"]),
    ],
)  # fmt: skip
def test_imports_and_imported_models_are_named(
    method: str, path: str, body: dict[str, Any], needed: list[str]
) -> None:
    assert resources_of(method, path, {}, json.dumps(body).encode(), "us-east-1", ACCOUNT) == needed
