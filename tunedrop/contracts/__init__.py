"""The typed input and output of every step: the one place where they are defined.

Step Functions carries these as JSON; `msgspec.convert` reads them at the edge of a handler and
`msgspec.to_builtins` writes them back. Money is in US dollars, time in ISO 8601 UTC, durations in seconds.
"""

from tunedrop.contracts.cost import ActualCost, Check, CostLine, Estimate, Preflight
from tunedrop.contracts.dataset import (
    ByteRange,
    Dataset,
    DatasetFile,
    Prompts,
    ShardDone,
    Sharding,
    ShardWork,
)
from tunedrop.contracts.evaluation import (
    Evaluation,
    Judged,
    Losses,
    Promotion,
    PromptShard,
    Reason,
    Score,
    ShardProgress,
    Speed,
)
from tunedrop.contracts.registration import Registration, Resume, ResumePoint
from tunedrop.contracts.result import Ending, Notice, Outcome, RunEnded
from tunedrop.contracts.run import (
    MOST_IN_EVALUATION_JOB,
    Commitment,
    DeploymentSettings,
    EvaluationSettings,
    Failure,
    JudgedVia,
    JudgeSettings,
    Method,
    Metric,
    Retune,
    Run,
    S3Object,
    Teacher,
    TrainingStage,
    Way,
)
from tunedrop.contracts.serving import Released, Serving
from tunedrop.contracts.training import CompletedJob, Fit, FitVerdict, StartedJob, TrainingJob, Wait, WaitKind

__all__ = [
    "MOST_IN_EVALUATION_JOB",
    "ActualCost",
    "ByteRange",
    "Check",
    "Commitment",
    "CompletedJob",
    "CostLine",
    "Dataset",
    "DatasetFile",
    "DeploymentSettings",
    "Ending",
    "Estimate",
    "Evaluation",
    "EvaluationSettings",
    "Failure",
    "Fit",
    "FitVerdict",
    "JudgeSettings",
    "Judged",
    "JudgedVia",
    "Losses",
    "Method",
    "Metric",
    "Notice",
    "Outcome",
    "Preflight",
    "Promotion",
    "PromptShard",
    "Prompts",
    "Reason",
    "Registration",
    "Released",
    "Resume",
    "ResumePoint",
    "Retune",
    "Run",
    "RunEnded",
    "S3Object",
    "Score",
    "Serving",
    "ShardDone",
    "ShardProgress",
    "ShardWork",
    "Sharding",
    "Speed",
    "StartedJob",
    "Teacher",
    "TrainingJob",
    "TrainingStage",
    "Wait",
    "WaitKind",
    "Way",
]
