"""The types of settings: what a bucket name, an ARN or a duration may be."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

Dollars = Annotated[float, msgspec.Meta(gt=0)]
Seconds = Annotated[int, msgspec.Meta(ge=60)]
PromptCount = Annotated[int, msgspec.Meta(ge=0)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
FunctionArn = Annotated[
    str,
    msgspec.Meta(pattern=r"^arn:aws:lambda:[a-z]{2}(-[a-z]+)+-[0-9]:[0-9]{12}:function:[\w-]+(:[\w-]+)?$"),
]
Tenant = Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$")]
Prefix = Annotated[str, msgspec.Meta(pattern="^s3://[a-z0-9.-]{3,63}/(.*/)?$")]
ReportLinks = Annotated[
    str, msgspec.Meta(pattern=r"^(console|presigned|https://[\w.-]+(:[0-9]+)?(/[\w./~-]*)?)$")
]
Email = Annotated[str, msgspec.Meta(pattern=r"^[^@\s,;<>]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$")]
Bucket = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")]
TagKey = Annotated[str, msgspec.Meta(pattern=r"^(?!aws:)[\w +\-=.:/@]{1,128}$")]
TagValue = Annotated[str, msgspec.Meta(pattern=r"^[\w +\-=.:/@]{0,256}$")]
KeyArn = Annotated[str, msgspec.Meta(pattern=r"^arn:aws:kms:[a-z]{2}(-[a-z]+)+-[0-9]:[0-9]{12}:key/[\w-]+$")]
Subnet = Annotated[str, msgspec.Meta(pattern="^subnet-[0-9a-f]{8,17}$")]
SecurityGroup = Annotated[str, msgspec.Meta(pattern="^sg-[0-9a-f]{8,17}$")]
Uuid = Annotated[str, msgspec.Meta(pattern="^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$")]
Vpc = Annotated[str, msgspec.Meta(pattern="^vpc-[0-9a-f]{8,17}$")]
RouteTable = Annotated[str, msgspec.Meta(pattern="^rtb-[0-9a-f]{8,17}$")]
Retention = Literal[
    "one_day", "three_days", "five_days", "one_week", "two_weeks", "one_month", "two_months", "three_months",
    "six_months", "one_year", "thirteen_months", "two_years", "five_years", "ten_years", "infinite",
]  # fmt: skip
"""How long logs are kept, by CDK's names for the durations that CloudWatch Logs takes."""
