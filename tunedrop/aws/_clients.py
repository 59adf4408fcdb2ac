"""The AWS clients, created on first use, and the meaning of their errors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,
    EndpointConnectionError,
    HTTPClientError,
)

from tunedrop.aws import mantle
from tunedrop.errors import AwsRefused, PermissionMissing, RunError, TransientError

TRANSIENT_CODES = frozenset(
    {
        "BandwidthLimitExceeded",
        "EC2ThrottledException",
        "InternalError",
        "InternalFailure",
        "InternalServerError",
        "InternalServerException",
        "KMS.ThrottlingException",
        "KMSThrottling",
        "KmsThrottlingException",
        "LimitExceededException",
        "ModelNotReadyException",
        "ModelTimeoutException",
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "RequestTimeout",
        "RequestTimeoutException",
        "ServiceUnavailable",
        "ServiceUnavailableException",
        "SlowDown",
        "Throttled",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "TooManyUpdates",
        "TransactionConflictException",
        "TransactionInProgressException",
        "500",
        "502",
        "503",
        "504",
    }
)
"""Error codes after which a retry may succeed. ServiceQuotaExceededException is not one of them."""


FORBIDDEN_CODES = frozenset(
    {
        "403",
        "AccessDenied",
        "AccessDeniedException",
        "AuthorizationError",
        "Forbidden",
        "KMSAccessDenied",
        "KMSAccessDeniedException",
        "KmsAccessDeniedException",
        "UnauthorizedOperation",
    }
)


_ONCE = {"mode": "standard", "total_max_attempts": 1}
"""No retries by the client: the caller decides whether and when to retry."""

GRADER_SECONDS = 300
"""Timeout of a call to a grader."""


class Aws:
    """Clients with the SDK's standard retries, unless noted; one object per process, to reuse connections."""

    def __init__(self, session: boto3.Session | None = None) -> None:
        self.session = session or boto3.Session()

    def client(self, service: str, **settings: Any) -> Any:
        config = Config(retries={"mode": "standard", "total_max_attempts": 4}, connect_timeout=5, **settings)
        return self.session.client(service, config=config)

    @cached_property
    def s3(self) -> Any:
        return self.client("s3", read_timeout=60)

    @cached_property
    def s3_links(self) -> Any:
        """For presigned URLs, which botocore by default signs with Signature Version 2 in some Regions, and
        addresses to the general endpoint. S3 requires Version 4 for objects under a KMS key (re:Post,
        s3-kms-signature-version-error), and redirects requests for new buckets to the endpoint of the Region,
        where the signature is invalid (boto/boto3, issue 4651; both read 2026-11-30)."""
        config = Config(signature_version="s3v4")
        return self.session.client("s3", endpoint_url=self.s3.meta.endpoint_url, config=config)

    @cached_property
    def bedrock(self) -> Any:
        return self.client("bedrock", read_timeout=30)

    @cached_property
    def sagemaker(self) -> Any:
        return self.client("sagemaker", read_timeout=30)

    @cached_property
    def bedrock_runtime(self) -> Any:
        """Without retries: evaluation retries and limits its rate itself, and counts failed prompts."""
        config = Config(retries=_ONCE, read_timeout=120, max_pool_connections=32)
        return self.session.client("bedrock-runtime", config=config)

    @cached_property
    def mantle(self) -> Any:
        """Without retries, because a repeated request creates a second job. Callers retry.

        Its timeout is below that of the functions that use it (60 s), so that they can report a failed try.
        """
        config = Config(retries=_ONCE, connect_timeout=5, read_timeout=25)
        return mantle.client(self.session, config)

    @cached_property
    def mantle_chat(self) -> Any:
        """The same for model responses, which may take longer."""
        config = Config(retries=_ONCE, read_timeout=120, max_pool_connections=32)
        return mantle.client(self.session, config)

    @cached_property
    def dynamodb(self) -> Any:
        return self.client("dynamodb", read_timeout=10)

    @cached_property
    def step_functions(self) -> Any:
        return self.client("stepfunctions", read_timeout=15)

    @cached_property
    def sns(self) -> Any:
        """Without retries, because a Publish without a response may have succeeded."""
        config = Config(retries=_ONCE, connect_timeout=5, read_timeout=15)
        return self.session.client("sns", config=config)

    @cached_property
    def cloudwatch(self) -> Any:
        return self.client("cloudwatch", read_timeout=15)

    @cached_property
    def ssm(self) -> Any:
        return self.client("ssm", read_timeout=15)

    @cached_property
    def iam(self) -> Any:
        return self.client("iam", read_timeout=15)

    @cached_property
    def lambda_(self) -> Any:
        return self.client("lambda", read_timeout=60)

    @cached_property
    def grader(self) -> Any:
        """For users' functions, which may take minutes; callers retry and count."""
        config = Config(
            retries=_ONCE,
            connect_timeout=5,
            read_timeout=GRADER_SECONDS,
            max_pool_connections=16,
        )
        return self.session.client("lambda", config=config)

    @cached_property
    def events(self) -> Any:
        return self.client("events", read_timeout=15)

    @cached_property
    def pricing(self) -> Any:
        """The Price List API, which serves all Regions from a few endpoints, us-east-1 among them (AWS
        Billing user guide, using-price-list-query-api)."""
        return self.session.client("pricing", region_name="us-east-1")

    @cached_property
    def service_quotas(self) -> Any:
        return self.client("service-quotas", read_timeout=15)


def code_of(error: ClientError) -> str:
    """The error's code, such as `ValidationException`."""
    return str(error.response.get("Error", {}).get("Code", ""))


def message_of(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Message", ""))


def is_transient(error: BaseException) -> bool:
    """Whether a later try may succeed: throttling, a service error, a lost connection.

    By code, or by the status of a response without one, such as a gateway's. An expired session token (401)
    is replaced before a function's next try.
    """
    if isinstance(error, ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if code_of(error) == "ServiceQuotaExceededException" or is_spent_for_the_day(error):
            return False
        expired = status == 401 and code_of(error) == "ExpiredTokenException"
        return expired or code_of(error) in TRANSIENT_CODES or status in (408, 429) or status >= 500
    return isinstance(error, ConnectionError | EndpointConnectionError | HTTPClientError)


def is_spent_for_the_day(error: BaseException) -> bool:
    """Whether the account has used up its daily tokens of a model, or has none, like some new accounts.

    Only the message distinguishes it from other throttling: "Too many tokens per day, please wait before
    trying again." (minorun365/agent-book, issue 29; Ivy-Interactive/Ivy-Tendril, issue 1756; read
    2026-11-30).
    """
    return (
        isinstance(error, ClientError)
        and code_of(error) == "ThrottlingException"
        and "tokens per day" in message_of(error)
    )


def is_forbidden(error: BaseException | None) -> bool:
    """Whether AWS refused a call because of a missing permission."""
    return isinstance(error, ClientError) and code_of(error) in FORBIDDEN_CODES


def as_error(error: BotoCoreError | ClientError) -> RunError | TransientError | PermissionMissing:
    """AWS's error as one of the three kinds that the workflow distinguishes."""
    if is_transient(error):
        return TransientError(explain(error))
    return PermissionMissing(explain(error)) if is_forbidden(error) else AwsRefused(explain(error))


def is_refused(error: ClientError) -> bool:
    """Whether AWS certainly did nothing: it responded with a client error."""
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    return 400 <= status < 500


def stopped(stop: Callable[..., Any], job_arn: str) -> bool:
    """Stop a Bedrock job with an operation such as StopEvaluationJob. False if it had already ended."""
    try:
        stop(jobIdentifier=job_arn)
    except ClientError as error:
        if code_of(error) in ("ConflictException", "ValidationException") or is_missing(error):
            return False
        raise
    return True


def version_of(head: Mapping[str, Any]) -> str:
    """The version in S3's response about an object; empty if versioning is off or suspended."""
    version = str(head.get("VersionId", ""))
    return "" if version == "null" else version


def pin_of(head: Mapping[str, Any]) -> dict[str, str]:
    """The fields of an `S3Object` that pin its content, from S3's response: the version, else the ETag."""
    version = version_of(head)
    return {"version_id": version, "etag": "" if version else str(head["ETag"])}


def is_missing(error: ClientError) -> bool:
    """Whether the error says that the requested resource does not exist."""
    return code_of(error) in {
        "ResourceNotFoundException",
        "NoSuchKey",
        "NoSuchVersion",
        "404",
        "NotFound",
        "ParameterNotFound",
    }


def condition_failed(error: ClientError) -> bool:
    """Whether DynamoDB did not write because a condition does not hold."""
    return code_of(error) == "ConditionalCheckFailedException"


def explain(error: BotoCoreError | ClientError) -> str:
    """The error as a sentence: which service refused what, and why."""
    if isinstance(error, ClientError):
        return f"{error.operation_name}: {code_of(error)}: {message_of(error)}"
    return str(error)


def unreadable(error: ClientError) -> str:
    """Why an uploaded object can never be read, and what to do: half a sentence."""
    return (
        f"cannot be read: {explain(error)}. Upload it again, without your own encryption key (the bucket "
        "encrypts it) and not to an archive storage class"
    )
