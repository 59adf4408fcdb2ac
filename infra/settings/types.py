"""The types of settings: what a bucket name, an ARN or a duration may be."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec


def _id(prefix: str, what: str) -> msgspec.Meta:
    """The id of a part of a VPC: its prefix, then 8 to 17 hexadecimal digits."""
    return msgspec.Meta(
        pattern=f"^{prefix}-[0-9a-f]{{8,17}}$",
        description=f"the id of {what}, such as {prefix}-0123456789abcdef0",
    )


Dollars = Annotated[float, msgspec.Meta(gt=0)]
Seconds = Annotated[int, msgspec.Meta(ge=60)]
PromptCount = Annotated[int, msgspec.Meta(ge=0)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
FunctionArn = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^arn:aws:lambda:[a-z]{2}(-[a-z]+)+-[0-9]:[0-9]{12}:function:[\w-]+(:[\w-]+)?$",
        description="the ARN of a function, such as arn:aws:lambda:us-east-1:111122223333:function:grader",
    ),
]
Tenant = Annotated[
    str,
    msgspec.Meta(
        pattern="^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$", description="a name of letters, digits, - and _"
    ),
]
Prefix = Annotated[
    str,
    msgspec.Meta(
        pattern="^s3://[a-z0-9.-]{3,63}/(.*/)?$",
        description="a prefix such as s3://bucket/folder/, with / at its end",
    ),
]
ReportLinks = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^(console|presigned|https://[\w.-]+(:[0-9]+)?(/[\w./~-]*)?)$",
        description="console, presigned, or an address such as https://reports.example.com",
    ),
]
Email = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^[^@\s,;<>\"\\]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$",
        description="an e-mail address such as ana@example.com",
    ),
]
Bucket = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$",
        description="the name of a bucket, in lower case and without s3://",
    ),
]
TagKey = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^(?!aws:)[\w +\-=.:/@]{1,128}$",
        description="a tag key: letters, digits, spaces and _ . : / = + - @, not starting with aws:",
    ),
]
TagValue = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^[\w +\-=.:/@]{0,256}$",
        description="a tag value: letters, digits, spaces and _ . : / = + - @",
    ),
]
KeyArn = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^arn:aws:kms:[a-z]{2}(-[a-z]+)+-[0-9]:[0-9]{12}:key/[\w-]+$",
        description="the ARN of a key, not of an alias: arn:aws:kms:us-east-1:111122223333:key/1234abcd",
    ),
]
Subnet = Annotated[str, _id("subnet", "a subnet")]
SecurityGroup = Annotated[str, _id("sg", "a security group")]
Uuid = Annotated[
    str, msgspec.Meta(pattern="^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$", description="a UUID")
]
Vpc = Annotated[str, _id("vpc", "a VPC")]
RouteTable = Annotated[str, _id("rtb", "a route table")]
Retention = Literal[
    "one_day", "three_days", "five_days", "one_week", "two_weeks", "one_month", "two_months", "three_months",
    "six_months", "one_year", "thirteen_months", "two_years", "five_years", "ten_years", "infinite",
]  # fmt: skip
"""How long logs are kept, by CDK's names for the durations that CloudWatch Logs takes."""
