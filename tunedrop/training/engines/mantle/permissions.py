"""What a stage's functions may do in bedrock-mantle, by function, for `infra.permissions`.

All of it is on one project, the account's default, with the catalog's base models.
Resource types and condition keys: Service Authorization Reference, bedrock-mantle, read 2026-11-29. That its
values are the ids of the request, compared exactly, was seen by a public project in October 2026.
"""

from __future__ import annotations

from tunedrop.aws.permission import Permission

_PROJECT = ("arn:aws:bedrock-mantle:{region}:{account}:project/default",)

_READ = Permission(
    sid="ReadFineTuning",
    actions=(
        "bedrock-mantle:GetFile",
        "bedrock-mantle:GetFineTuningJob",
        "bedrock-mantle:GetModel",
        "bedrock-mantle:ListFiles",
        "bedrock-mantle:ListFineTuningJobs",
    ),
    resources=_PROJECT,
)
_END = Permission(
    sid="EndFineTuning",
    actions=("bedrock-mantle:CancelFineTuningJob", "bedrock-mantle:DeleteFile"),
    resources=_PROJECT,
)

PERMISSIONS: dict[str, tuple[Permission, ...]] = {
    "register_run": (_READ,),
    "preflight": (_READ,),
    "start_customization": (
        _READ,
        Permission(
            sid="CreateFineTuningJob",
            actions=("bedrock-mantle:CreateFineTuningJob",),
            resources=_PROJECT,
            conditions={"StringEquals": {"bedrock-mantle:Model": "{base_models}"}},
        ),
        Permission(
            sid="SendTrainingFile",
            actions=("bedrock-mantle:CreateFile",),
            resources=_PROJECT,
        ),
        Permission(
            sid="ReadTrainingFile", actions=("s3:GetObject",), resources=("{artifacts}/runs/*/dataset/*",)
        ),
        # The service calls the grader as the job's creator (rft-open-weight-access-security).
        Permission(sid="CallGraders", actions=("lambda:InvokeFunction",), resources=("{graders}",)),
    ),
    "wait_for_completion": (_READ, _END),
    "resume_waits": (_READ, _END),
    "set_up_throughput": (_READ,),
    "release_throughput": (_READ, _END),
    "sweep_throughput": (_READ, _END),
}
