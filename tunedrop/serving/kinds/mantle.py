"""Models that bedrock-mantle has tuned: ready at once, billed by token, with OpenAI's chat body over HTTP.

There is nothing to create, list or delete (Bedrock user guide, fine-tuning-openai-job-create, read
2026-11-29). The serving resource is a URL: the chat endpoint and the model, with the run in the fragment,
so that each attempt at a run has its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tunedrop.aws import Aws
from tunedrop.aws.mantle import CHAT, TUNED_MODELS, address, id_in
from tunedrop.aws.permission import Permission
from tunedrop.catalog.model import BaseModel
from tunedrop.serving.kind import Behind, Served, ServingKind, Wanted
from tunedrop.stage import Stage

_PROJECT = "arn:aws:bedrock-mantle:{region}:{account}:project/default"
_ASK = Permission(
    sid="AskMantle",
    # No condition on the model: the key `Model` exists, but its value for a tuned model is not documented
    # (Service Authorization Reference, bedrock-mantle, read 2026-11-30).
    actions=("bedrock-mantle:CreateInference",),
    resources=(_PROJECT,),
)
_CALL_WITH_KEY = Permission(
    sid="CallWithBearerToken",
    # For API keys; it takes no resource (Service Authorization Reference).
    actions=("bedrock-mantle:CallWithBearerToken",),
    resources=("*",),
)


class Mantle(ServingKind):
    """`POST /v1/chat/completions`."""

    way = "mantle"
    arns = (CHAT,)
    asked_by = "chat-http"
    mode = "on-demand"
    title = "by the token"
    terms = "served by the token, at the endpoint that tunes it"
    billed_by = "token"
    quota_hint = ""
    permissions = {"evaluate_model": (_ASK,), "evaluate_shard": (_ASK,)}  # noqa: RUF012
    applications = (_ASK, _CALL_WITH_KEY)

    def create(self, bedrock: Any, wanted: Wanted) -> str:
        del bedrock
        model = id_in(wanted.model_arn, TUNED_MODELS)
        return f"{address(wanted.stage.region, CHAT, model)}#{wanted.name}"

    def describe(self, bedrock: Any, arn: str) -> Served:
        """Always in service."""
        del bedrock
        return Served("InService", "", arn)

    def find(self, bedrock: Any, name: str) -> str:
        del bedrock
        raise LookupError(f"an address of bedrock-mantle is not found by a name, such as {name}")

    def delete(self, bedrock: Any, arn: str) -> None:
        """Deletes nothing: the model can be used for as long as it exists."""

    def base_id(self, stage: Stage, base_model: BaseModel) -> str:
        """At the same endpoint as the tuned model."""
        return address(stage.region, CHAT, base_model.service_id)

    def client(self, aws: Aws) -> Any:
        return aws.mantle_chat

    def ask(self, client: Any, model_id: str, body: Mapping[str, Any]) -> dict[str, Any]:
        return dict(client.create_chat_completion(model=id_in(model_id, CHAT), **body))

    def behind(self, bedrock: Any, arn: str) -> Behind:
        """It is part of the URL."""
        del bedrock
        model_arn = arn.partition("#")[0].replace(CHAT, TUNED_MODELS)
        return Behind(model_arn, model_arn)


KIND = Mantle()
