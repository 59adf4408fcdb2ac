"""Empties buckets before they are deleted with their stack, because CloudFormation does not delete a bucket
with objects.

CDK's `auto_delete_objects` adds a function in another language with a managed policy, outside the stage's
permissions boundary and tags.

CloudFormation also deletes a custom resource that a new template lacks, while its bucket stays: when
`removal` changes to `retain`, and when a change to `destroy` fails. The function therefore empties only a
bucket that still has the tag of those that go (`naming.REMOVAL_TAG`), as CDK's does since 1.126.0.
"""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import CustomResource
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from constructs import Construct, IDependable


class Emptying(Construct):
    """One custom resource per bucket, whose deletion precedes the bucket's and empties it.

    Parameters
    ----------
    reached_by
        VPC endpoints of the stack, which are deleted afterwards: a function in a VPC reaches S3, where
        CloudFormation waits for its response too, by them (CloudFormation user guide,
        aws-resource-cfn-customresource, read 2026-11-30).
    """

    def __init__(
        self, scope: Construct, id: str, *, function: lambda_.Function, buckets: Sequence[s3.Bucket],
        reached_by: IDependable | None,
    ) -> None:  # fmt: skip
        super().__init__(scope, id)
        for actions, resources in (
            (
                ["s3:GetBucketTagging", "s3:ListBucketVersions", "s3:PutBucketPolicy"],
                [one.bucket_arn for one in buckets],
            ),
            (["s3:DeleteObject", "s3:DeleteObjectVersion"], [one.arn_for_objects("*") for one in buckets]),
        ):
            function.add_to_role_policy(iam.PolicyStatement(actions=actions, resources=resources))
        for bucket in buckets:
            emptied = CustomResource(
                self,
                f"{bucket.node.id}Emptied",
                resource_type="Custom::EmptiedBucket",
                service_token=function.function_arn,
                properties={"BucketName": bucket.bucket_name},
            )
            # Deleted before it, because the function then sets a policy of its own, which must stay.
            if bucket.policy is not None:
                bucket.policy.node.add_dependency(emptied)
        if reached_by is not None:
            self.node.add_dependency(reached_by)
