"""Checks the account: credentials, Region and CDK bootstrap."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from botocore.exceptions import BotoCoreError, ClientError, NoRegionError

from tunedrop import catalog
from tunedrop.aws import Aws, explain, is_missing
from tunedrop.aws.hints import hint
from tunedrop.doctor._finding import Finding, State, asked

ABOUT = "Account"
BOOTSTRAP = "/cdk-bootstrap/hnb659fds/version"
"""Where `cdk bootstrap` stores its version (CDK guide, bootstrapping-env, read 2026-11-23)."""
OLDEST_BOOTSTRAP = 6
"""The minimum bootstrap version for aws-cdk-lib 2.275."""


def check(aws: Aws) -> Iterator[Finding]:
    """Region, credentials, bootstrap. Without a Region or valid credentials nothing else can be checked."""
    if not aws.session.region_name:
        yield _finding("Region", "bad", "none is set", hint(NoRegionError()))
        return
    credentials = _credentials(aws)
    yield credentials
    if credentials.state == "bad":
        return
    yield _region(aws.session.region_name)
    yield from asked(ABOUT, "CDK bootstrap", lambda: iter([_bootstrap(aws)]))


def can_be_asked(found: Sequence[Finding]) -> bool:
    """Whether the account can be checked further."""
    return any(one.name == "credentials" and one.state == "good" for one in found)


def _credentials(aws: Aws) -> Finding:
    try:
        who = aws.client("sts", read_timeout=15).get_caller_identity()
    except (ClientError, BotoCoreError) as error:
        return _finding("credentials", "bad", explain(error), hint(error))
    return _finding("credentials", "good", f"account {who['Account']}, {who['Arn']}")


def _region(region: str) -> Finding:
    models = catalog.tunable(region=region)
    if models:
        return _finding(
            "Region",
            "good",
            f"{region}: {len(models)} base models of the catalog can be customized in this Region",
        )
    regions = sorted({one for model in catalog.tunable() for one in model.regions})
    return _finding(
        "Region",
        "bad",
        f"{region}: Bedrock customizes no base model of the catalog in this Region",
        f"Choose another: {', '.join(regions)} (--region, AWS_REGION)",
    )


def _bootstrap(aws: Aws) -> Finding:
    region = aws.session.region_name
    command = "node_modules/.bin/cdk bootstrap, with the same credentials and Region"
    try:
        version = int(aws.ssm.get_parameter(Name=BOOTSTRAP)["Parameter"]["Value"])
    except ClientError as error:
        if not is_missing(error):
            raise
        return _finding("CDK bootstrap", "bad", f"the CDK is not bootstrapped in {region}", command)
    if version < OLDEST_BOOTSTRAP:
        return _finding(
            "CDK bootstrap", "bad", f"version {version}; {OLDEST_BOOTSTRAP} or newer is needed", command
        )
    return _finding("CDK bootstrap", "good", f"version {version}")


def _finding(name: str, state: State, detail: str, hint: str = "") -> Finding:
    return Finding(about=ABOUT, name=name, state=state, detail=detail, hint=hint)
