"""List prices of what a run uses besides Bedrock, in us-east-1 and us-west-2; USD a unit."""

from __future__ import annotations

from typing import NamedTuple


class Price(NamedTuple):
    usd: float
    unit: str
    source: str
    read_on: str


TRANSITION = Price(0.025 / 1e3, "state transition", "aws.amazon.com/step-functions/pricing", "2026-11-24")
LAMBDA_REQUEST = Price(0.20 / 1e6, "Lambda request", "aws.amazon.com/lambda/pricing", "from memory")
LAMBDA_GB_SECOND = Price(0.0000133334, "GB-second (arm64)", "aws.amazon.com/lambda/pricing", "from memory")
DYNAMODB_WRITE = Price(
    0.625 / 1e6, "write request unit", "airbyte.com on DynamoDB pricing, 2025-07", "2026-11-24"
)
DYNAMODB_READ = Price(
    0.125 / 1e6, "read request unit", "airbyte.com on DynamoDB pricing, 2025-07", "2026-11-24"
)
S3_PUT = Price(0.005 / 1e3, "PUT or LIST", "aws.amazon.com/s3/pricing", "from memory")
S3_GET = Price(0.0004 / 1e3, "GET", "aws.amazon.com/s3/pricing", "from memory")
SNS_PUBLISH = Price(0.50 / 1e6, "Publish", "aws.amazon.com/sns/pricing", "from memory")
EVENT = Price(1.00 / 1e6, "custom event", "aws.amazon.com/eventbridge/pricing", "from memory")
KMS_REQUEST = Price(0.03 / 1e4, "KMS request", "aws.amazon.com/kms/pricing", "from memory")
LOG_GB = Price(0.50, "GB of logs", "aws.amazon.com/cloudwatch/pricing", "from memory")
KMS_KEY_MONTH = Price(1.00, "key and month", "aws.amazon.com/kms/pricing", "from memory")
ALARM_MONTH = Price(0.10, "alarm and month", "aws.amazon.com/cloudwatch/pricing", "from memory")
"""Where it says "from memory", the figure was known to its author and could not be read on that day."""
