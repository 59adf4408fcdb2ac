"""What a stage's functions may do in bedrock-mantle, by function, for `infra.permissions`.

All of it is on one project, the account's default, and jobs are of the catalog's base models. Nothing is
narrower: the other condition keys, `FineTuningJob` and `Files`, are of ids that the service makes while a run
goes on, and CreateFile, GetModel and the lists have none (Service Authorization Reference, bedrock-mantle,
read 2026-11-30). That the value of `Model` is the id of the request, compared exactly, was seen by a public
project in October 2026.
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

# Events and checkpoints have no action of their own; that they need this one is a belief.
_FOLLOW = Permission(
    sid="ReadTrainingEvents", actions=("bedrock-mantle:GetFineTuningJob",), resources=_PROJECT
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
    "evaluate_model": (_FOLLOW,),
    "notify": (_FOLLOW,),
    "export_run": (_FOLLOW,),
    "release_throughput": (_READ, _END),
    "sweep_throughput": (_READ, _END),
}
