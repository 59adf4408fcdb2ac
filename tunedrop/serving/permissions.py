"""What the stage's functions may do with serving resources that carry the stage's tag, by function.

For the modes that serve a custom model by a resource of their own, created, read, changed, listed and deleted
by operations of one name (Service Authorization Reference, Amazon Bedrock).
"""

from __future__ import annotations

from collections.abc import Mapping

from tunedrop import naming
from tunedrop.aws.permission import OURS, TAG_OF_RESOURCE, WITH_OUR_TAG, Conditions, Permission

BEDROCK = "arn:aws:bedrock:{region}:{account}:"

_NOBODY_ELSES: Conditions = {"StringEqualsIfExists": TAG_OF_RESOURCE}
"""Bedrock asks for TagResource when a request to create carries tags (Service Authorization Reference).
Whether a new resource counts as tagged already, by the request, is not documented: both work."""

_TO_ANOTHER_RUN: Conditions = {
    "ForAllValues:StringEquals": {"aws:TagKeys": (naming.RUN_TAG, naming.EXPIRES_TAG)}
}


def by_function(
    word: str, noun: str, resource: str, *, queues: bool = False
) -> Mapping[str, tuple[Permission, ...]]:
    """The permissions of each function for one kind of resource.

    Parameters
    ----------
    word
        Its name in the ids of the statements.
    noun, resource
        Its name in Bedrock's operations (`CustomModelDeployment`) and in ARNs (`custom-model-deployment`).
    queues
        Whether runs wait for one, so that the functions that end waits list them.
    """
    mine, models = f"{BEDROCK}{resource}/*", f"{BEDROCK}custom-model/*"

    def allow(does: str, action: str, *on: str, when: Conditions | None = None) -> Permission:
        return Permission(
            sid=f"{does}{word}",
            actions=(f"bedrock:{action}",),
            resources=on or (mine,),
            conditions=when or {},
        )

    read, asked = allow("Read", f"Get{noun}"), allow("Ask", "InvokeModel")
    read_tags = allow("ReadTagsOf", "ListTagsForResource")
    listed = allow("List", f"List{noun}s", "*")  # list operations take no resource
    waits = (read, listed) if queues else (read,)
    swapped = (
        allow("Swap", f"Update{noun}", models, mine, when=OURS),
        allow("HandOver", "TagResource", when={**OURS, **_TO_ANOTHER_RUN}),
    )
    ended = (
        read,
        allow("Release", f"Delete{noun}", when=OURS),
        read_tags,
        *swapped,
    )
    created = allow("Create", f"Create{noun}", models, when=WITH_OUR_TAG)
    tagged = allow("Tag", "TagResource", when={**WITH_OUR_TAG, **_NOBODY_ELSES})
    return {
        "preflight": (listed,),
        "set_up_throughput": (created, tagged, *waits),
        "wait_for_completion": waits,
        "resume_waits": waits,
        "evaluate_model": (asked, read),
        "evaluate_shard": (asked,),
        "promote_model": (read, read_tags, *swapped),
        "release_throughput": ended,
        "sweep_throughput": (*ended, listed),
    }


def of_applications(word: str, resource: str) -> tuple[Permission, ...]:
    """What an application needs to ask the models of such resources, also by a stream.

    Bedrock generates their ids, so that IAM cannot tell the models of one name from those of another.
    """
    actions = ("bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream")
    return (Permission(sid=f"Ask{word}", actions=actions, resources=(f"{BEDROCK}{resource}/*",)),)
