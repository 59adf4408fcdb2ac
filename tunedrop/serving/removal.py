"""The only code that deletes custom models and their serving resources.

Nothing is deleted that an alias names or is about to name: it is claimed first, then the aliases are read. A
test finds any other call of Bedrock's delete operations.
"""

from __future__ import annotations

from botocore.exceptions import ClientError

from tunedrop.aws import Aws, explain, is_forbidden, is_transient
from tunedrop.errors import ThroughputFailed, TransientError
from tunedrop.registry import Registry
from tunedrop.registry.aliases import Aliases
from tunedrop.registry.claims import Claims
from tunedrop.serving import models, throughput
from tunedrop.stage import Stage


class NamedInProduction(Exception):
    """An alias names the resource to delete; `alias` is its parameter."""

    def __init__(self, arn: str, alias: str) -> None:
        super().__init__(f"{arn} is in production: {alias} names it")
        self.alias = alias


class Removal:
    """Deletes models and their serving resources, and records that in the registry."""

    def __init__(self, aws: Aws, stage: Stage) -> None:
        self._aws = aws
        self._registry = Registry(aws.dynamodb, stage.registry_table)
        self._aliases = Aliases(aws.ssm, aws.dynamodb, stage)
        self._claims = Claims(aws.dynamodb, stage.registry_table)

    def remove(self, arn: str, run_id: str) -> bool:
        """Delete a custom model, a deployment or provisioned throughput. False if it did not exist.

        Parameters
        ----------
        run_id
            The run that it belongs to, by its tag.

        Raises
        ------
        NamedInProduction
            If an alias names it; it stays.
        TransientError
            If it is still being created or changed, or is just being promoted; a later try may succeed.
        ThroughputFailed
            If Bedrock refuses, for example before a commitment has ended.
        """
        if not self._claims.begin_removal(arn):
            raise TransientError(f"{arn} is being promoted")
        try:
            alias = self._aliases.naming(arn, self._registry.name_of(run_id))
            if alias:
                raise NamedInProduction(arn, alias)
            found = self._delete(arn, run_id)
        except BaseException:
            self._claims.give_up_removal(arn)
            raise
        ended = self._claims.give_up_removal if models.may_return(arn) else self._claims.end_removal
        ended(arn)
        if run_id:
            self._registry.note_gone(run_id, arn)
        return found

    def _delete(self, arn: str, run_id: str) -> bool:
        try:
            if models.is_model(arn):
                if run_id and models.may_return(arn) and not self._exists(arn, run_id):
                    return False
                return models.delete(self._aws, arn)
            return throughput.release(self._aws.bedrock, arn)
        except ThroughputFailed as error:
            # A policy with a condition on tags denies access to missing resources, because they have no tags.
            if not (is_forbidden(error.__cause__) and self._is_missing(arn)):
                raise
        return False

    def _exists(self, arn: str, run_id: str) -> bool:
        try:
            return models.exists(self._aws, arn, run_id)
        except ClientError as error:
            refused = TransientError if is_transient(error) else ThroughputFailed
            raise refused(explain(error)) from error

    def _is_missing(self, arn: str) -> bool:
        if models.is_model(arn):
            return not models.status(self._aws, arn)
        return not throughput.exists(self._aws.bedrock, arn)
