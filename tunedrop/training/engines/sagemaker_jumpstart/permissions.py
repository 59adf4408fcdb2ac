"""What a stage's functions and the jobs' role may do for JumpStart, by function.

The names in braces are filled in (`tunedrop.aws.permission.Permission`). Resource types: Service
Authorization Reference, Amazon SageMaker and Amazon ECR, read 2026-11-29.
"""

from __future__ import annotations

from tunedrop.aws.permission import OURS, WITH_OUR_TAG, Permission
from tunedrop.training.engines.sagemaker_jumpstart.template import REGISTRY
from tunedrop.training.public_hub import READ_FILES

_JOBS = "arn:aws:sagemaker:{region}:{account}:training-job/pretrain-{stage}-*"
_HUB = (
    "arn:aws:sagemaker:{region}:aws:hub/SageMakerPublicHub",
    "arn:aws:sagemaker:{region}:aws:hub-content/SageMakerPublicHub/Model/*",
)
_FILES = "runs/*/training/pretrain-*"

_READ_JOB = Permission(sid="ReadPretraining", actions=("sagemaker:DescribeTrainingJob",), resources=(_JOBS,))
_STOP_JOB = Permission(
    sid="StopPretraining", actions=("sagemaker:StopTrainingJob",), resources=(_JOBS,), conditions=OURS
)
_LIST_JOBS = Permission(sid="ListTrainingJobs", actions=("sagemaker:ListTrainingJobs",), resources=("*",))
_READ_HUB = Permission(sid="ReadTemplate", actions=("sagemaker:DescribeHubContent",), resources=_HUB)
_LIST_FILES = Permission(
    sid="ListPretrained",
    actions=("s3:ListBucket",),
    resources=("{artifacts}",),
    conditions={"StringLike": {"s3:prefix": _FILES}},
)
_READ = (_READ_JOB, _LIST_FILES)
_WAITS = (*_READ, _LIST_JOBS, _STOP_JOB)
_END = (
    *_WAITS,
    Permission(sid="ReadPretrainingTags", actions=("sagemaker:ListTags",), resources=(_JOBS,)),
    Permission(
        sid="ListPretrainedVersions",
        actions=("s3:ListBucketVersions",),
        resources=("{artifacts}",),
        conditions={"StringLike": {"s3:prefix": _FILES}},
    ),
    Permission(
        sid="DeletePretrained",
        actions=("s3:DeleteObject", "s3:DeleteObjectVersion"),
        resources=(f"{{artifacts}}/{_FILES}",),
    ),
)

PERMISSIONS: dict[str, tuple[Permission, ...]] = {
    "register_run": _READ,
    "preflight": (*_READ, _READ_HUB),
    "start_customization": (
        *_READ,
        _LIST_JOBS,
        _READ_HUB,
        Permission(
            sid="CreatePretraining",
            actions=("sagemaker:CreateTrainingJob",),
            resources=(_JOBS,),
            conditions=WITH_OUR_TAG,
        ),
        Permission(
            sid="TagPretraining",
            actions=("sagemaker:AddTags",),
            resources=(_JOBS,),
            conditions=WITH_OUR_TAG,
        ),
        Permission(
            sid="PassPretrainingRole",
            actions=("iam:PassRole",),
            resources=("{training_role}",),
            conditions={"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}},
        ),
        Permission(
            sid="ReadForChannels", actions=("s3:GetObject",), resources=("{artifacts}/runs/*/dataset/*",)
        ),
        Permission(
            sid="WriteChannels",
            actions=("s3:PutObject", "s3:AbortMultipartUpload"),
            resources=(f"{{artifacts}}/{_FILES}/input/*",),
        ),
    ),
    "wait_for_completion": _WAITS,
    "resume_waits": _WAITS,
    "set_up_throughput": (*_READ, _READ_HUB),
    "release_throughput": _END,
    "sweep_throughput": _END,
}

OF_ITS_ROLE = (
    *READ_FILES,
    # The images of AWS's Deep Learning Containers, in AWS's registry of the Region.
    Permission(
        sid="PullImage",
        actions=("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"),
        resources=(f"arn:aws:ecr:{{region}}:{REGISTRY}:repository/*",),
    ),
    # Takes no resource (Service Authorization Reference, Amazon ECR).
    Permission(sid="EnterRegistry", actions=("ecr:GetAuthorizationToken",), resources=("*",)),
    # Takes no resource either; SageMaker writes training metrics to this namespace alone.
    Permission(
        sid="WriteMetrics",
        actions=("cloudwatch:PutMetricData",),
        resources=("*",),
        conditions={"StringEquals": {"cloudwatch:namespace": "/aws/sagemaker/TrainingJobs"}},
    ),
)
"""What CreateTrainingJob requires of a role for an image and for metrics (developer guide, sagemaker-roles,
read 2026-11-29)."""
