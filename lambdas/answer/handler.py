"""answer: answers an approval request when a chat button was pressed."""

from __future__ import annotations

import msgspec

from lambdas.services import Services
from lambdas.step import step
from tunedrop.waiting import chat_answers


class Input(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The code of the estimate to approve (`yes`), or whose run to stop (`no`).

    The names are short because a button's command is limited to 100 characters (CommandText in botocore,
    chatbot 2017-10-11; CloudFormation's schema allows more), all of which `infra.chat_channel` uses.
    """

    yes: str = ""
    no: str = ""


class Answered(msgspec.Struct, frozen=True):
    """What the chat shows."""

    text: str


@step(Input)
def handler(payload: Input, services: Services) -> Answered:
    answer = chat_answers.approve if payload.yes else chat_answers.stop
    return Answered(answer(services.aws.s3, services.stage, services.waits, payload.yes or payload.no))
