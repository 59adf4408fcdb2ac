"""Next steps for AWS errors caused by credentials, Region or network."""

from __future__ import annotations

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConfigParseError,
    ConnectionClosedError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    HTTPClientError,
    InvalidRegionError,
    LoginError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
    ProxyConnectionError,
    ReadTimeoutError,
    SSLError,
    SSOError,
    TokenRetrievalError,
)

from tunedrop.aws import code_of
from tunedrop.aws.actions import action_of

_EXPIRED = ("ExpiredToken", "ExpiredTokenException", "RequestExpired")
_UNKNOWN = (
    "InvalidClientTokenId",
    "UnrecognizedClientException",
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
)
_DENIED = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "Forbidden", "403")


def hint(error: BotoCoreError | ClientError) -> str:
    """The next step; empty if the error itself is sufficient."""
    match error:
        case NoCredentialsError() | PartialCredentialsError():
            return (
                "Sign in as for the AWS CLI (aws configure, aws sso login), or name a --profile;\n"
                'to try it without an account: eval "$(tunedrop local up)"'
            )
        case ProfileNotFound():
            return "Profiles are in ~/.aws/config: aws configure list-profiles"
        case NoRegionError():
            return "Use --region, set AWS_REGION, or: aws configure set region us-east-1"
        case SSOError() | TokenRetrievalError():
            return "Sign in again: aws sso login"
        case LoginError():
            return "Sign in again: aws login"
        case CredentialRetrievalError():
            return "See where the credentials come from: aws configure list; or name another --profile"
        case ConfigParseError():
            return "Correct this file, or name another one in AWS_CONFIG_FILE"
        case InvalidRegionError():
            return "A Region is written like us-east-1 (--region, AWS_REGION, or the profile)"
        case ConnectTimeoutError() | ReadTimeoutError():
            return "It did not respond in time. Try again; repeating the command is safe"
        case ProxyConnectionError():
            return "Is the proxy right? It is set by HTTPS_PROXY; NO_PROXY lists what needs none"
        case EndpointConnectionError() | ConnectionClosedError() | SSLError() | HTTPClientError():
            return (
                "Is the network there, and the Region right? If AWS_ENDPOINT_URL names the embedded AWS, "
                'start it: eval "$(tunedrop local up)"'
            )
        case ClientError():
            return _answered(error)
        case _:
            return ""


def _answered(error: ClientError) -> str:
    """The next step after an error response from AWS."""
    code = code_of(error)
    if code in _EXPIRED:
        return "The credentials have expired. Sign in again: aws sso login, or get a new session token"
    if code in _UNKNOWN:
        return (
            "AWS does not know these credentials. See where they come from: aws configure list; "
            "then sign in again, or name a --profile"
        )
    if code in _DENIED:
        return (
            f"Your role may not do this. Ask for the action {action_of(error)}, "
            "or use a role that may: --profile"
        )
    return ""
