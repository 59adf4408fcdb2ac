"""The keys of a manifest, with their types and meaning."""

from __future__ import annotations

from typing import Literal

import msgspec

from tunedrop.contracts import Commitment, JudgedVia, Method, Metric, ReadOptions

Scalar = str | int | float | bool

Names = str | tuple[str, ...]
"""A file, or several."""


class Data(msgspec.Struct, frozen=True, kw_only=True):
    """Data files: names beside the manifest, or `s3://` URIs in a bucket that the stage allows.

    Each is one file or a list, whose entries may be patterns such as `part-*.jsonl`; the files of one part
    are read one after the other. JSON lines, JSON arrays, CSV, Excel and Parquet, packed or not, are read.

    Attributes
    ----------
    train
        What the model is trained on.
    validation
        What its loss is measured on while it trains; split off `train` by content hash when absent.
    test
        Held out for the evaluation, never trained on; split off `train` likewise when absent.
    columns
        For `prompt`, `completion` or `system`, the name of the column or key that holds it; its number from
        1 in a table without a header. Usual names are found without it.
    encoding
        Of text files that are not UTF-8, such as `cp1252`; guessed when absent, with a warning.
    """

    train: Names = ""
    validation: Names | None = None
    test: Names | None = None
    columns: dict[str, str] = {}
    encoding: str = ""

    def of(self, split: Literal["train", "validation", "test"]) -> tuple[str, ...]:
        """The names and patterns of one part."""
        named = getattr(self, split)
        return (named,) if isinstance(named, str) and named else tuple(named or ())

    @property
    def reading(self) -> ReadOptions:
        """How the files are read."""
        return ReadOptions(encoding=self.encoding, columns=self.columns)


def is_pattern(name: str) -> bool:
    """Whether a name stands for all the files that it matches."""
    return any(one in name for one in "*?[")


class Deployment(msgspec.Struct, frozen=True, kw_only=True):
    """How the tuned model is served.

    Attributes
    ----------
    mode
        On demand costs nothing while idle; `auto` takes it where the base model has it.
    model_units
        Of provisioned throughput.
    commitment
        A term lowers the hourly price and cannot be ended early; the stage must allow it.
    keep_for
        How long the model stays in service after its evaluation: a duration such as `2h`, or `0s` to release
        at once. Without it, a promoted model stays where that costs nothing while idle.
    stable_arn
        Whether a model that passes takes the place of the one in production behind the ARN that serves it,
        so that clients that pinned the ARN go on. Without it, the stage's setting.
    """

    mode: Literal["auto", "on-demand", "provisioned"] = "auto"
    model_units: int = 1
    commitment: Commitment = "none"
    keep_for: str | None = None
    stable_arn: bool | None = None


class Judge(msgspec.Struct, frozen=True, kw_only=True):
    """The model that judges answers, by a rubric of one's own or the shipped one.

    Attributes
    ----------
    model
        Its id, such as `amazon.nova-pro-v1:0`.
    rubric
        What makes an answer good, in your words.
    via
        `converse` compares the two answers, each pair in both orders. `evaluation-job` has Bedrock's own
        evaluation jobs rate each answer by itself, at most 1,000 prompts.
    """

    model: str = ""
    rubric: str = ""
    via: JudgedVia = "converse"


class Evaluation(msgspec.Struct, frozen=True, kw_only=True):
    """When the tuned model counts as better. Scores are on a 0 to 1 scale.

    Attributes
    ----------
    metric
        The score that decides; `auto` takes the one that suits the data.
    min_improvement
        By how much the tuned model must be better; the stage's when absent.
    confidence
        How sure one must be; the stage's when absent.
    max_prompts
        How many held-out prompts are asked at most.
    judge
        The model that judges answers: its id, or a mapping of `model`, `rubric` and `via`.
    general_ability
        Whether to measure what the base model could do and the tuned one still can: all shipped prompts
        (`true`), so many of them, or none (`false`); the stage decides when absent.
    """

    metric: Metric = "auto"
    min_improvement: float | None = None
    confidence: float | None = None
    max_prompts: int = 500
    judge: str | Judge | None = None
    general_ability: bool | int | None = None


class Teacher(msgspec.Struct, frozen=True, kw_only=True):
    """Whose answers a distillation learns from.

    Attributes
    ----------
    model
        Its id; the first that may teach the base model when absent.
    max_response_length
        Tokens of one of its answers at most: each is paid for.
    """

    model: str = ""
    max_response_length: int = 1_000


class Retune(msgspec.Struct, frozen=True, kw_only=True):
    """When to tune again, as the same run, on what its data files hold by then.

    Attributes
    ----------
    when_grown_by
        By which share the files have to have grown since the last run, such as `20%` or `0.2`.
    at_most_every
        How long after the last run at the earliest: a duration such as `7d`.
    """

    when_grown_by: str | float = "20%"
    at_most_every: str = "7d"


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """One of several jobs that follow each other, each on the model of the one before.

    Attributes
    ----------
    method, data, hyperparameters
        As of a run.
    """

    method: Method | Literal["auto"] = "auto"
    data: Data = Data()
    hyperparameters: dict[str, Scalar] = {}


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a person asks of a run. Everything but the training data has a default.

    Once read, the last of several `stages` is the run's own, and `stages` keeps those before it.

    Attributes
    ----------
    method
        How the base model is adapted; `auto` reads it off the records.
    base_model
        Its id in the catalog, or the ARN of a custom model, to tune it further; the stage's when absent.
    from_run
        Instead of `base_model`: the name of a run whose latest model is tuned further.
    data
        The files.
    hyperparameters
        By name, as in `{epoch_count: 2, learning_rate: 1e-5}`; the base model's defaults when absent.
    stages
        Jobs that follow each other, each on the model of the one before; 2 to 4.
    search
        Several values of a hyperparameter, as in `{learning_rate: [1e-5, 1e-4]}`: every combination is
        trained, and the one with the lowest validation loss goes on.
    again
        Whether to train although the same records were trained with the same settings under this name; else
        such a run is refused before anything is paid.
    keep_models
        Whether the models of earlier stages and of candidates that lost stay when the run is over.
    teacher
        Who writes what `distillation` learns from.
    grader
        The ARN of the function that grades answers for `reinforcement`, one that the stage allows; the
        stage's own when absent.
    accept_eula
        Whether you have read and accept the licence of the base model, where it has one that asks for it.
    retune
        When the data has grown, tune again; never when absent.
    budget_usd
        What the run may cost before somebody is asked; the stage's when absent.
    notify
        Who is told how this run goes, beside those who hear of every run: a group or an address that the
        stage knows (its setting `notify`), or a list of them.
    deployment
        How the model is served, and how long.
    evaluation
        When the model counts as better.
    """

    method: Method | Literal["auto"] = "auto"
    base_model: str | None = None
    from_run: str | None = msgspec.field(default=None, name="from")
    data: Data = Data()
    hyperparameters: dict[str, Scalar] = {}
    stages: tuple[Stage, ...] = ()
    search: dict[str, Scalar | list[Scalar]] = {}
    again: bool = False
    keep_models: bool = False
    teacher: Teacher | None = None
    grader: str | None = None
    accept_eula: bool = False
    retune: Retune | None = None
    budget_usd: float | None = None
    notify: Names = ()
    deployment: Deployment = Deployment()
    evaluation: Evaluation = Evaluation()


SECTIONS: dict[str, type[msgspec.Struct]] = {
    "data": Data,
    "deployment": Deployment,
    "evaluation": Evaluation,
    "teacher": Teacher,
    "retune": Retune,
}

RANGES: dict[str, tuple[float, float]] = {
    "budget_usd": (0.0, 1e6),
    "deployment.model_units": (1, 1000),
    "teacher.max_response_length": (1, 100_000),
    "evaluation.min_improvement": (0.0, 0.99),
    "evaluation.confidence": (0.8, 0.999),
    "evaluation.max_prompts": (30, 100_000),
    "evaluation.general_ability": (0, 100_000),
}
"""The least and the most that a key takes."""
