"""Every AWS call that the deployed functions make on the journeys; a test holds it against what they make."""

from __future__ import annotations

_STEP = ("dynamodb:PutItem", "dynamodb:UpdateItem")

CALLS: dict[str, tuple[str, ...]] = {
    "register_run": ("dynamodb:PutItem", "s3:GetObject", "s3:GetObjectVersion"),
    "validate_data": (*_STEP, "s3:GetObjectVersion", "s3:PutObject"),
    "preflight": (
        *_STEP,
        "bedrock:GetFoundationModel",
        "bedrock:GetFoundationModelAvailability",
        "bedrock:GetModelCustomizationJob",
        "iam:SimulatePrincipalPolicy",
    ),
    "estimate_cost": (*_STEP, "dynamodb:Query"),
    "start_customization": (
        *_STEP,
        "bedrock:CreateModelCustomizationJob",
        "bedrock:ListModelCustomizationJobs",
        "dynamodb:Query",
    ),
    "wait_for_completion": (
        *_STEP,
        "bedrock:GetCustomModelDeployment",
        "bedrock:GetModelCustomizationJob",
        "bedrock:GetProvisionedModelThroughput",
        "dynamodb:DeleteItem",
        "dynamodb:GetItem",
        "s3:GetObject",
        "sns:Publish",
        "states:SendTaskSuccess",
    ),
    "set_up_throughput": (
        *_STEP,
        "bedrock:CreateCustomModelDeployment",
        "bedrock:CreateProvisionedModelThroughput",
    ),
    "evaluate_model": (*_STEP, "bedrock:InvokeModel", "s3:GetObject", "s3:PutObject"),
    "promote_model": (*_STEP, "dynamodb:Query", "ssm:PutParameter"),
    "release_throughput": (
        *_STEP,
        "bedrock:DeleteProvisionedModelThroughput",
        "bedrock:StopModelCustomizationJob",
    ),
    "notify": (
        *_STEP,
        "dynamodb:GetItem",
        "dynamodb:Query",
        "events:PutEvents",
        "s3:GetObject",
        "s3:ListBucket",
        "s3:PutObject",
        "sns:Publish",
    ),
    "resume_waits": (
        *_STEP,
        "bedrock:GetCustomModelDeployment",
        "bedrock:GetModelCustomizationJob",
        "bedrock:GetProvisionedModelThroughput",
        "dynamodb:DeleteItem",
        "dynamodb:GetItem",
        "dynamodb:Query",
        "s3:GetObject",
        "states:SendTaskFailure",
        "states:SendTaskSuccess",
    ),
    "sweep_throughput": (
        "bedrock:ListCustomModelDeployments",
        "bedrock:ListProvisionedModelThroughputs",
        "bedrock:ListTagsForResource",
        "dynamodb:GetItem",
        "dynamodb:Query",
        "s3:GetObject",
        "s3:ListBucket",
        "ssm:GetParametersByPath",
        "states:DescribeExecution",
    ),
    "record_notice": ("dynamodb:UpdateItem",),
}
