"""What a stage's functions may do in SageMaker, by function, for `infra.permissions`.

The names in braces are filled in (`tunedrop.aws.permission.Permission`).
Resource types: Service Authorization Reference, Amazon SageMaker, read 2026-11-29.
"""

from __future__ import annotations

from tunedrop.aws.permission import OURS, WITH_OUR_TAG, Permission
from tunedrop.training.public_hub import READ_FILES

_SAGEMAKER = "arn:aws:sagemaker:{region}:{account}:"
_JOBS = f"{_SAGEMAKER}training-job/tunedrop-{{stage}}-*"
_GROUPS = f"{_SAGEMAKER}model-package-group/tunedrop-{{stage}}-*"
_PACKAGES = f"{_SAGEMAKER}model-package/tunedrop-{{stage}}-*/*"
_HUB = "arn:aws:sagemaker:{region}:aws:hub/SageMakerPublicHub"
_HUB_MODELS = "arn:aws:sagemaker:{region}:aws:hub-content/SageMakerPublicHub/Model/*"
_OUR_HUB = f"{_SAGEMAKER}hub/tunedrop-{{stage}}"
_EVALUATOR = f"{_SAGEMAKER}hub-content/tunedrop-{{stage}}/JsonDoc/grade-rollouts"
_EVALUATORS = (_EVALUATOR, f"{_EVALUATOR}/*")
"""Without a version, as the reference has the ARN of hub content, and with one, as DescribeHubContent
answers: which of them AWS authorizes is not documented."""
_REWARDS = "arn:aws:lambda:{region}:{account}:function:tunedrop-{stage}-grade-rollouts"

_READ_JOB = Permission(sid="ReadTrainingJob", actions=("sagemaker:DescribeTrainingJob",), resources=(_JOBS,))
_STOP_JOB = Permission(
    sid="StopTrainingJob", actions=("sagemaker:StopTrainingJob",), resources=(_JOBS,), conditions=OURS
)
_LIST_JOBS = Permission(sid="ListTrainingJobs", actions=("sagemaker:ListTrainingJobs",), resources=("*",))
_READ_MODEL = Permission(
    sid="ReadModelPackage", actions=("sagemaker:DescribeModelPackage",), resources=(_PACKAGES,)
)
_READ_GROUP = Permission(
    sid="ReadPackageGroup", actions=("sagemaker:DescribeModelPackageGroup",), resources=(_GROUPS,)
)
_READ_HUB = Permission(
    sid="ReadHub", actions=("sagemaker:DescribeHubContent",), resources=(_HUB, _HUB_MODELS)
)
_READ_EVALUATOR = Permission(
    sid="ReadEvaluator", actions=("sagemaker:DescribeHubContent",), resources=(_OUR_HUB, *_EVALUATORS)
)
_END = (
    _STOP_JOB,
    _LIST_JOBS,
    _READ_JOB,
    _READ_MODEL,
    Permission(
        sid="DeleteModelPackages",
        actions=("sagemaker:DeleteModelPackage",),
        resources=(_PACKAGES,),
    ),
    Permission(
        sid="DeletePackageGroups",
        actions=("sagemaker:DeleteModelPackageGroup",),
        resources=(_GROUPS,),
        conditions=OURS,
    ),
    Permission(sid="ListPackages", actions=("sagemaker:ListModelPackages",), resources=(_PACKAGES,)),
    Permission(sid="ListPackageGroups", actions=("sagemaker:ListModelPackageGroups",), resources=("*",)),
    Permission(
        sid="ListWeights",
        actions=("s3:ListBucketVersions",),
        resources=("{artifacts}",),
        conditions={"StringLike": {"s3:prefix": "runs/*/training/*"}},
    ),
    Permission(
        sid="DeleteWeights",
        actions=("s3:DeleteObject", "s3:DeleteObjectVersion"),
        resources=("{artifacts}/runs/*/training/*",),
    ),
    Permission(sid="ReadSageMakerTags", actions=("sagemaker:ListTags",), resources=(_JOBS, _GROUPS)),
)
_WAITS = (_READ_JOB, _LIST_JOBS, _READ_MODEL, _STOP_JOB)

PERMISSIONS: dict[str, tuple[Permission, ...]] = {
    "register_run": (_READ_JOB, _READ_MODEL),
    "preflight": (
        _READ_JOB,
        _READ_MODEL,
        _READ_GROUP,
        _READ_HUB,
        _READ_EVALUATOR,
        Permission(sid="TryRewards", actions=("lambda:InvokeFunction",), resources=(_REWARDS,)),
    ),
    "start_customization": (
        _READ_JOB,
        _LIST_JOBS,
        _READ_MODEL,
        _READ_GROUP,
        _READ_EVALUATOR,
        Permission(sid="ReadEvaluatorHub", actions=("sagemaker:DescribeHub",), resources=(_OUR_HUB,)),
        Permission(
            sid="CreateEvaluatorHub",
            actions=("sagemaker:CreateHub",),
            resources=(_OUR_HUB,),
            conditions=WITH_OUR_TAG,
        ),
        Permission(
            sid="RegisterEvaluator",
            actions=("sagemaker:ImportHubContent",),
            resources=(_OUR_HUB, *_EVALUATORS),
        ),
        # Each record names the grader of its rollouts: reinforcement data is written in this format.
        Permission(
            sid="ReadForChannels", actions=("s3:GetObject",), resources=("{artifacts}/runs/*/dataset/*",)
        ),
        Permission(
            sid="WriteRewardChannels",
            actions=("s3:PutObject", "s3:AbortMultipartUpload"),
            resources=("{artifacts}/runs/*/training/tunedrop-{stage}-*/input/*",),
        ),
        Permission(
            sid="CreateTrainingJob",
            actions=("sagemaker:CreateTrainingJob",),
            resources=(_JOBS,),
            conditions=WITH_OUR_TAG,
        ),
        Permission(
            sid="CreatePackageGroup",
            actions=("sagemaker:CreateModelPackageGroup",),
            resources=(_GROUPS,),
            conditions=WITH_OUR_TAG,
        ),
        Permission(
            sid="TagInSageMaker",
            actions=("sagemaker:AddTags",),
            resources=(_JOBS, _GROUPS, _OUR_HUB, *_EVALUATORS),
            conditions=WITH_OUR_TAG,
        ),
        Permission(
            sid="PassTrainingRole",
            actions=("iam:PassRole",),
            resources=("{training_role}",),
            conditions={"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}},
        ),
    ),
    "wait_for_completion": _WAITS,
    "resume_waits": _WAITS,
    "set_up_throughput": (_READ_MODEL, _READ_HUB),
    "release_throughput": _END,
    "sweep_throughput": _END,
}

OF_ITS_ROLE = (
    *READ_FILES,
    Permission(sid="CallRewards", actions=("lambda:InvokeFunction",), resources=(_REWARDS,)),
    _READ_EVALUATOR,
    Permission(sid="ReadBaseModel", actions=("sagemaker:DescribeHubContent",), resources=(_HUB, _HUB_MODELS)),
    Permission(
        sid="KeepModel",
        actions=("sagemaker:CreateModelPackage", "sagemaker:DescribeModelPackage"),
        resources=(f"{_SAGEMAKER}model-package/tunedrop-{{stage}}-*", _GROUPS),
    ),
    # Needed if the package gets tags (Service Authorization Reference, dependent actions of
    # CreateModelPackage).
    Permission(
        sid="TagModel",
        actions=("sagemaker:AddTags",),
        resources=(f"{_SAGEMAKER}model-package/tunedrop-{{stage}}-*",),
    ),
)
"""What a job could use of AmazonSageMakerModelCustomizationCoreAccess, AWS's managed policy: it "covers all
permissions needed" (developer guide, model-customize-open-weight-prereq; its document of 2026-06-30 in
iann0036/iam-dataset; read 2026-11-30). What of it the job uses, and what the caller, is not said."""
