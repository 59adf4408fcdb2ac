"""Finds a deployed stage by profile, Region and endpoint, as the AWS CLI finds an account."""

from __future__ import annotations

import os
from functools import cached_property
from typing import TYPE_CHECKING, Any, NoReturn

from tunedrop.cli.exits import NO, NO_AWS
from tunedrop.cli.failures import fail

if TYPE_CHECKING:  # so that `--help` and completion do not import the AWS SDK
    from tunedrop.aws import Aws
    from tunedrop.registry import Record, Registry
    from tunedrop.registry.aliases import Aliases
    from tunedrop.registry.spending import Month
    from tunedrop.stage import Stage
    from tunedrop.waiting.table import Waits

DEFAULT_STAGE = "dev"
STAGE_VARIABLE = "TUNEDROP_STAGE_NAME"
NEAR_AMONG = 100
"""Number of latest runs to search for a similar name."""


class Deployed:
    """A deployed stage: its description, tables and AWS clients."""

    def __init__(self, name: str | None, profile: str | None, region: str | None) -> None:
        self._name, self._profile, self._region = name, profile, region

    @cached_property
    def _core(self) -> Any:
        import botocore.session

        return botocore.session.Session(profile=self._profile)

    @cached_property
    def aws(self) -> Aws:
        """The AWS clients; the SDK is imported on first use."""
        import boto3

        from tunedrop.aws import Aws

        region = self._region or os.environ.get("AWS_REGION")  # boto3 reads only AWS_DEFAULT_REGION
        return Aws(boto3.Session(botocore_session=self._core, region_name=region))

    @cached_property
    def name(self) -> str:
        """The stage from the option, else the environment, else the profile (`tunedrop_stage = …`)."""
        if named := self._name or os.environ.get(STAGE_VARIABLE):
            return named
        return str(self._core.get_scoped_config().get("tunedrop_stage", DEFAULT_STAGE))

    @cached_property
    def stage(self) -> Stage:
        import msgspec
        from botocore.exceptions import ClientError

        from tunedrop import clock
        from tunedrop.aws import is_missing
        from tunedrop.stage import Stage, parameter_name

        try:
            answer = self.aws.ssm.get_parameter(Name=parameter_name(self.name))
        except ClientError as error:
            if not is_missing(error):
                raise
            fail(
                f"there is no stage {self.name} in {self.aws.session.region_name}",
                NO_AWS,
                f"Deploy it: make deploy STAGE={self.name}, or give --stage and --region of another",
            )
        clock.follow(answer["ResponseMetadata"]["HTTPHeaders"].get("date", ""))
        return msgspec.json.decode(answer["Parameter"]["Value"], type=Stage)

    @cached_property
    def registry(self) -> Registry:
        from tunedrop.registry import Registry

        return Registry(self.aws.dynamodb, self.stage.registry_table)

    @cached_property
    def waits(self) -> Waits:
        from tunedrop.waiting.table import Waits

        return Waits(self.aws.dynamodb, self.stage.waits_table)

    @cached_property
    def aliases(self) -> Aliases:
        from tunedrop.registry.aliases import Aliases

        return Aliases(self.aws.ssm, self.aws.dynamodb, self.stage)

    def run(self, name: str) -> Record:
        """The run of this id, else the latest of this name; fails if there is none."""
        return self.registry.find(name) or self._no_run(name)

    def trained_run(self, name: str) -> Record:
        """The run of this id, else the latest of this name that has trained a model, else its latest."""
        found = self.run(name)
        if found.run.run_id == name or "job" in found.documents:
            return found
        return next((one for one in self.registry.named(name) if "job" in one.documents), found)

    def _no_run(self, name: str) -> NoReturn:
        """Fail with the names of similar runs."""
        from tunedrop.cli.suggestions import hint

        recent = self.registry.recent(NEAR_AMONG)
        known = [one for record in recent for one in (record.run.name, record.run.run_id)]
        see = f"See them: tunedrop runs --stage {self.name}"
        fail(f"there is no run {name} in stage {self.name}", NO, hint(name, known, see))

    def name_with_a_model(self, name: str) -> str:
        """A name that has had a model in production; fails if there is none."""
        if not self.aliases.history(name):
            self._no_model(name)
        return name

    def _no_model(self, name: str) -> NoReturn:
        """Fail with similar names that are in production."""
        from tunedrop.cli.suggestions import hint

        known = [self.aliases.name_at(alias) for alias in self.aliases.all()]
        see = f"See them: tunedrop models --stage {self.name}"
        fail(f"{name} has had no model in production in stage {self.name}", NO, hint(name, known, see))

    def signal(self, key: str, body: str = "") -> None:
        """Put the object that approves, stops or retries a run."""
        from tunedrop.cli.confirming import if_interrupted

        unknown = "AWS may or may not have received the request"
        with if_interrupted(unknown, "Repeat the command: the same request counts once"):
            self._put(key, body)

    def _put(self, key: str, body: str) -> None:
        self.aws.s3.put_object(Bucket=self.stage.intake_bucket, Key=key, Body=body.encode())

    def say_unreadable(self) -> None:
        """Print what lists have left out because it could not be read."""
        from tunedrop.cli.output import errors

        for run_id, error in self.registry.unreadable.items():
            errors.print(f"the registry's row of {run_id} cannot be read: {error}", style="red")
        for alias, error in self.aliases.unreadable.items():
            errors.print(f"the history of {alias} cannot be read: {error}", style="red")

    def rewrite_index(self) -> None:
        """Update the index page after a command has changed something. A failure here undoes nothing."""
        from botocore.exceptions import BotoCoreError, ClientError

        from tunedrop.cli.output import errors
        from tunedrop.errors import TransientError
        from tunedrop.results import index

        try:
            index.rewrite(self.aws, self.stage)
        except (BotoCoreError, ClientError, TransientError) as error:
            errors.print(f"the index page was not updated; the next run updates it: {error}")

    def this_month(self) -> Month:
        """What the stage's runs have spent, committed and requested this month."""
        from tunedrop import clock
        from tunedrop.registry.spending import Spending, month_of

        return Spending(self.aws.dynamodb, self.stage.registry_table).read(month_of(clock.now()))
