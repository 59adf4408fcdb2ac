"""The errors that a run can end with. Each message says what is wrong, where, and how to fix it.

Step Functions sees the class name as the error and the message as the cause.
"""

from __future__ import annotations

import json


class RunError(Exception):
    """A run cannot continue. Retrying the same step would not help."""


class InvalidManifest(RunError):
    """The manifest, or something that it names, cannot be used."""


class InvalidDataset(RunError):
    """The data fails a rule of the base model, or cannot be read."""


class PreflightFailed(RunError):
    """A prerequisite of training is missing; found before anything was paid."""


class OverBudget(RunError):
    """The run would exceed a budget, and was not approved."""


class TooManyRuns(RunError):
    """The maximum of open runs is reached; the run can be resumed when some of them have ended."""


class AlreadyTrained(RunError):
    """Another run has trained the same records with the same settings, and `again` is not set."""


class CustomizationFailed(RunError):
    """Bedrock ended the customization job without a model."""


class ModelDeleted(RunError):
    """The model that a retry would use no longer exists."""


class ThroughputFailed(RunError):
    """The tuned model could not be deployed."""


class NameTaken(RunError):
    """During the run, another model was put into production under its name, of unrelated data or without a
    comparison; or the alias of its name is another name's."""


class NotKept(RunError):
    """The run does not keep its model in service, and would have replaced one that is served."""


class EvaluationFailed(RunError):
    """The base or tuned model could not be called."""


class AwsRefused(RunError):
    """AWS refused a call permanently: because of a permission, a setting, or a missing resource."""


class RunStopped(RunError):
    """The run was stopped by a user."""


REFUSALS = (
    "InvalidManifest", "InvalidDataset", "PreflightFailed", "OverBudget", "AlreadyTrained", "TooManyRuns",
)  # fmt: skip
"""Errors that the user can fix by changing the upload; they end a run as `refused`."""


class InvalidAnswers(ValueError):
    """A file of answers, or a setting of its evaluation, cannot be used; there is no run."""


class PermissionMissing(Exception):
    """AWS refused a call because of a missing permission. The step is retried for a while, because new
    permissions take time to propagate.
    """


class TransientError(Exception):
    """A step should be retried: throttling, a service error, a resource that is still changing."""


class DeploymentsFull(TransientError):
    """The quota of custom model deployments is exhausted; the run queues for one."""


def plain_cause(cause: str) -> str:
    """The message in a cause of Step Functions.

    A failed Lambda's cause is a JSON object with `errorMessage` and a stack trace; people get the message.
    """
    try:
        document = json.loads(cause)
    except ValueError:
        return cause
    return str(document.get("errorMessage") or cause) if isinstance(document, dict) else cause
