"""Settings of what a stage connects to: a VPC, a chat channel, an MLflow server."""

from __future__ import annotations

from typing import Annotated

import msgspec

from infra.settings.types import RouteTable, SecurityGroup, Subnet, Uuid, Vpc


class Endpoints(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """VPC endpoints that the stack creates, if the VPC has none: gateways for S3 and DynamoDB, and interfaces
    in the network's subnets for the services that functions call.

    Attributes
    ----------
    vpc
        The id of the VPC of the subnets. It must resolve DNS names (`enableDnsSupport`,
        `enableDnsHostnames`).
    route_tables
        The route tables of the subnets, which get the routes to S3 and DynamoDB.
    """

    vpc: Vpc
    route_tables: Annotated[tuple[RouteTable, ...], msgspec.Meta(min_length=1)]


class Network(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the functions run: subnets of one VPC, with the security groups that they get.

    They call S3, DynamoDB, KMS, SNS, SSM, EventBridge, Step Functions, Lambda, IAM, Service Quotas, the Price
    List, Bedrock and Bedrock's runtime: by the VPC's endpoints, or by a NAT gateway where a service has none.

    Attributes
    ----------
    subnets
        Ids of subnets, of one VPC. Lambda takes at most 16, and 5 security groups (VpcConfig in botocore's
        service model).
    security_groups
        Ids of the security groups that the functions get.
    endpoints
        VPC endpoints to create; by default those that the VPC has are used.
    """

    subnets: Annotated[tuple[Subnet, ...], msgspec.Meta(min_length=1, max_length=16)]
    security_groups: Annotated[tuple[SecurityGroup, ...], msgspec.Meta(min_length=1, max_length=5)]
    endpoints: Endpoints | None = None


class Slack(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A Slack channel, in a workspace that was authorized once in Amazon Q Developer in chat applications.

    Attributes
    ----------
    workspace, channel
        Their ids, as `T0123456789` and `C0123456789`.
    """

    workspace: Annotated[
        str,
        msgspec.Meta(pattern="^[0-9A-Z]{1,255}$", description="the id of a workspace, such as T0123456789"),
    ]
    channel: Annotated[
        str,
        msgspec.Meta(pattern="^[A-Za-z0-9]{1,256}$", description="the id of a channel, such as C0123456789"),
    ]


class Teams(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A channel of Microsoft Teams, in a team that was authorized once.

    Attributes
    ----------
    team, tenant
        Their ids (UUIDs).
    channel
        Its id as in the channel's link, such as `19%3Aabc%40thread.tacv2`.
    """

    team: Uuid
    tenant: Uuid
    channel: Annotated[
        str,
        msgspec.Meta(
            pattern="^[a-zA-Z0-9_=+/.,-]*%3[aA][a-zA-Z0-9_=+/.,-]*%40[a-zA-Z0-9_=+/.,-]*$",
            description="the id in the link of a channel, such as 19%3Aabc%40thread.tacv2",
        ),
    ]


class Mlflow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An MLflow tracking server, reached by its REST API.

    Attributes
    ----------
    tracking_uri
        Its https address. The functions have to reach it: through `network` if it is in a VPC.
    header_parameter
        The name of an SSM parameter (SecureString, with the key `aws/ssm`) that holds the value of the header
        `Authorization`, such as `Bearer …`.
    """

    tracking_uri: Annotated[
        str,
        msgspec.Meta(
            pattern=r"^https://[\w.-]+(:[0-9]+)?(/[\w./~-]*)?$",
            description="an address such as https://mlflow.example.com",
        ),
    ]
    header_parameter: (
        Annotated[
            str,
            msgspec.Meta(
                pattern=r"^/[\w./-]{1,1010}$",
                description="the name of a parameter, such as /team/mlflow/authorization",
            ),
        ]
        | None
    ) = None
