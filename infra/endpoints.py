"""VPC endpoints for the services that the functions call, for stages whose VPC has none."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import Stack
from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from infra.settings import Endpoints, Network

GATEWAYS = ("s3", "dynamodb")

INTERFACES = {
    "bedrock": "bedrock", "bedrock-runtime": "bedrock-runtime", "events": "events", "lambda": "lambda",
    "sns": "sns", "ssm": "ssm", "stepfunctions": "states", "sts": "sts", "xray": "xray",
}  # fmt: skip
"""The name of a service's endpoint, by the name of its client (PrivateLink guide,
aws-services-privatelink-support, read 2026-11-29; the tests compare them with CDK's). Engines and serving
modes name those that only they need."""

OUTSIDE = ("iam", "pricing", "service-quotas")
"""Rarely called services without an endpoint in every Region; they need a NAT gateway."""


class VpcEndpoints(Construct):
    """Gateways for S3 and DynamoDB, interfaces for the other services; traffic does not leave AWS's network.

    They use the security groups of the functions, which must allow HTTPS from themselves.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        network: Network,
        endpoints: Endpoints,
        further: Mapping[str, str],
    ) -> None:
        super().__init__(scope, id)
        prefix = f"com.amazonaws.{Stack.of(self).region}"
        for name in GATEWAYS:
            ec2.CfnVPCEndpoint(
                self,
                name,
                vpc_id=endpoints.vpc,
                service_name=f"{prefix}.{name}",
                vpc_endpoint_type="Gateway",
                route_table_ids=list(endpoints.route_tables),
            )
        for client, name in {**INTERFACES, **further}.items():
            ec2.CfnVPCEndpoint(
                self,
                client,
                vpc_id=endpoints.vpc,
                service_name=f"{prefix}.{name}",
                vpc_endpoint_type="Interface",
                private_dns_enabled=True,
                subnet_ids=list(network.subnets),
                security_group_ids=list(network.security_groups),
            )
