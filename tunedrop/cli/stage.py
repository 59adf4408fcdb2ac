"""Finding a deployed stage, the way the AWS CLI finds an account: profile, Region, endpoint."""

from __future__ import annotations

from functools import cached_property

import boto3
import msgspec
from botocore.exceptions import ClientError

from tunedrop import clock
from tunedrop.aws import Aws, is_missing
from tunedrop.cli.exits import NO_AWS
from tunedrop.cli.output import fail
from tunedrop.registry import Record, Registry
from tunedrop.registry.aliases import Aliases
from tunedrop.stage import Stage, parameter_name


class Deployed:
    """A deployed stage, as the command line works with it."""

    def __init__(self, name: str, profile: str | None, region: str | None) -> None:
        self.name = name
        self.aws = Aws(boto3.Session(profile_name=profile, region_name=region))

    @cached_property
    def stage(self) -> Stage:
        try:
            answer = self.aws.ssm.get_parameter(Name=parameter_name(self.name))
        except ClientError as error:
            if not is_missing(error):
                raise
            fail(
                f"there is no stage {self.name} in {self.aws.session.region_name}",
                NO_AWS,
                f"Deploy it: make deploy STAGE={self.name}, or say --stage and --region of another",
            )
        return msgspec.json.decode(answer["Parameter"]["Value"], type=Stage)

    @cached_property
    def registry(self) -> Registry:
        return Registry(self.aws.dynamodb, self.stage.registry_table)

    @cached_property
    def aliases(self) -> Aliases:
        return Aliases(self.aws.ssm, self.aws.dynamodb, self.stage)

    def run(self, name: str) -> Record:
        """The latest run of this name or id; ends the program when there is none."""
        records = self.registry.named(name)
        return (
            records[0]
            if records
            else fail(f"there is no run {name} in stage {self.name}; see: tunedrop runs --stage {self.name}")
        )

    def signal(self, key: str, body: str = "") -> None:
        """Put the object that approves, stops or retries a run."""
        self.aws.s3.put_object(Bucket=self.stage.intake_bucket, Key=key, Body=body.encode())

    def spent_this_month(self) -> float:
        """US dollars that the stage's runs have cost, or will, this month."""
        return self.registry.spent_since(clock.now()[: len("2026-11")])
