"""The errors a run can end with. Each message says what is wrong, where, and how to fix it.

Step Functions sees the class name as the error and the message as the cause.
"""

from __future__ import annotations

import json


class RunError(Exception):
    """A run cannot go on. Retrying the same step would not help."""


class InvalidManifest(RunError):
    """The manifest, or what it names, is not usable."""


class InvalidDataset(RunError):
    """The data breaks a rule of the base model or is not readable."""


class PreflightFailed(RunError):
    """Something that training needs is missing; found before anything was paid."""


class OverBudget(RunError):
    """The run would cost more than it may, and nobody approved it."""


class TooManyRuns(RunError):
    """As many runs are open as may be at once; the run can be resumed when some of them have ended."""


class AlreadyTrained(RunError):
    """Another run has trained the same records with the same settings, and nobody asked for it again."""


class CustomizationFailed(RunError):
    """Bedrock ended the customization job without a model."""


class ModelDeleted(RunError):
    """The model that a retry was to go on with does not exist any more."""


class ThroughputFailed(RunError):
    """The tuned model could not be brought into service."""


class NameTaken(RunError):
    """While the run went on, another model was put into production under its name: of unrelated data, or one
    that it was not compared with."""


class EvaluationFailed(RunError):
    """Base or tuned model could not be asked."""


class AwsRefused(RunError):
    """AWS refused a call, and a later try would not help: a permission, a setting, a thing that is gone."""


class RunStopped(RunError):
    """Somebody stopped the run."""


REFUSALS = (
    "InvalidManifest", "InvalidDataset", "PreflightFailed", "OverBudget", "AlreadyTrained", "TooManyRuns",
)  # fmt: skip
"""Error names that the user can cure by changing what was dropped; they end a run as `refused`."""


class InvalidAnswers(ValueError):
    """A file of answers, or a setting of their evaluation, is not usable; no run is concerned."""


class PermissionMissing(Exception):
    """AWS refused a call for want of a permission. The step is tried again for a while: a permission that was
    granted takes its time to arrive everywhere.
    """


class TransientError(Exception):
    """A step should be tried again: throttling, a service error, a resource still in motion."""


class DeploymentsFull(TransientError):
    """The account has as many custom model deployments as it may; a run queues for one."""


def plain_cause(cause: str) -> str:
    """The message for a person in what Step Functions calls a cause.

    A failed Lambda's cause is a JSON object with `errorMessage` and a stack trace; people get the message.
    """
    try:
        document = json.loads(cause)
    except ValueError:
        return cause
    return str(document.get("errorMessage") or cause) if isinstance(document, dict) else cause
