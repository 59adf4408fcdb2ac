"""The keys of a manifest, with their types and meaning."""

from __future__ import annotations

from typing import Literal

import msgspec

from tunedrop.contracts import Commitment, JudgedVia, Method, Metric, ReadOptions, RuleSettings

Scalar = str | int | float | bool

Names = str | tuple[str, ...]
"""A file, or several."""


class Data(msgspec.Struct, frozen=True, kw_only=True):
    """Data files: names beside the manifest, or `s3://` URIs in a bucket that the stage allows.

    Each is one file or a list, whose entries may be patterns such as `part-*.jsonl`; the files of one part
    are read in order. JSON Lines, JSON arrays, CSV, Excel and Parquet are read, compressed or not.

    Attributes
    ----------
    train
        The training data.
    validation
        Data for the validation loss during training; split off `train` by content hash when absent.
    test
        Held-out data for the evaluation, never used for training; split off `train` when absent.
    columns
        The column or key for `prompt`, `completion`, `system`, `chosen` or `rejected`; in a table without a
        header, its number,
        starting at 1. Common names are recognized without this key.
    encoding
        The encoding of text files that are not UTF-8, such as `cp1252`; detected when absent, with a
        warning.
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
        On-demand serving is free while idle; `auto` uses it if the base model supports it.
    model_units
        The number of model units of provisioned throughput.
    commitment
        A term lowers the hourly price and cannot be ended early; the stage must allow it, `keep_for` be as
        long, and `stable_arn` false.
    keep_for
        How long the model stays in service after its evaluation: a duration such as `2h`, or `0s` to release
        it at once. Without this key, a promoted model stays in service if that is free while idle.
    stable_arn
        Whether a promoted model replaces the production model behind the same ARN, for clients that pinned
        the ARN. Default: the stage's setting.
    """

    mode: Literal["auto", "on-demand", "provisioned"] = "auto"
    model_units: int = 1
    commitment: Commitment = "none"
    keep_for: str | None = None
    stable_arn: bool | None = None


class Judge(msgspec.Struct, frozen=True, kw_only=True):
    """The model that judges answers, with your own rubric or the shipped one.

    Attributes
    ----------
    model
        Its id, such as `amazon.nova-pro-v1:0`.
    rubric
        The criteria of a good answer, in your words.
    via
        `converse` compares the two answers of each prompt in both orders. `evaluation-job` uses Bedrock's
        evaluation jobs to rate each answer separately, for at most 1,000 prompts.
    """

    model: str = ""
    rubric: str = ""
    via: JudgedVia = "converse"


STAGE_JUDGE, NO_JUDGE = "auto", "none"
"""What `evaluation.judge` may be instead of a model."""


class Evaluation(msgspec.Struct, frozen=True, kw_only=True):
    """When the tuned model counts as better. Scores are on a 0 to 1 scale.

    Attributes
    ----------
    metric
        The deciding metric; `auto` chooses one that fits the data: on open text the judge, if there is one.
    min_improvement
        The required improvement; default: the stage's setting.
    confidence
        The confidence of the verdict; default: the stage's setting.
    max_prompts
        The maximum number of held-out prompts.
    judge
        The model that judges answers: its id, or a mapping of `model`, `rubric` and `via`. `auto`, the
        default: the judge of the stage's setting, if there is one, for open text only; `none`: no judge.
    general_ability
        Whether to test general ability: with all shipped prompts (`true`), with this number of them, or not
        at all (`false`); default: the stage's setting.
    few_shot
        How many training examples the base model gets in its prompt, to see whether prompting does as well;
        0 for no such comparison.
    """

    metric: Metric = "auto"
    min_improvement: float | None = None
    confidence: float | None = None
    max_prompts: int = 500
    judge: str | Judge | None = None
    general_ability: bool | int | None = None
    few_shot: int = 0


class Teacher(msgspec.Struct, frozen=True, kw_only=True):
    """The teacher of a distillation.

    Attributes
    ----------
    model
        Its id; default: the first teacher that the base model supports.
    max_response_length
        The maximum number of tokens per answer; each token is billed.
    """

    model: str = ""
    max_response_length: int = 1_000


class Retune(msgspec.Struct, frozen=True, kw_only=True):
    """When to run the same manifest again, on the current content of its data files.

    Attributes
    ----------
    when_grown_by
        The required growth of the files since the last run, such as `20%` or `0.2`.
    at_most_every
        The minimum time since the last run: a duration such as `7d`.
    """

    when_grown_by: str | float = "20%"
    at_most_every: str = "7d"


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """One of several training phases; each tunes the model of the previous one.

    Attributes
    ----------
    method, data, hyperparameters
        As of a run.
    """

    method: Method | Literal["auto"] = "auto"
    data: Data = Data()
    hyperparameters: dict[str, Scalar] = {}


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """The description of a run. Everything except the training data has a default.

    After parsing, the last of several `stages` is the run itself, and `stages` contains the earlier ones.

    Attributes
    ----------
    method
        The tuning method; `auto` infers it from the records.
    base_model
        Its id in the catalog, or the ARN of a custom model to tune further; default: the stage's setting.
    engine
        Which service trains, where several can, such as `mantle` for reinforcement of Qwen3 32B; default:
        the catalog's choice for base model, method and Region.
    from_run
        Instead of `base_model`: the name of a run, to tune its latest model further.
    data
        The files.
    rules
        Changes to the rules that the data is checked by.
    hyperparameters
        By name, such as `{epoch_count: 2, learning_rate: 1e-5}`; default: the base model's defaults.
    stages
        Two to four training phases; each tunes the model of the previous one.
    search
        Several values of a hyperparameter, such as `{learning_rate: [1e-5, 1e-4]}`. Every combination is
        trained, and the run continues with the one with the lowest validation loss.
    again
        Whether to train even if the same records were trained with the same settings under this name;
        otherwise such a run is refused before it costs anything.
    keep_models
        Whether to keep the models of earlier phases and of rejected candidates after the run.
    teacher
        The model that writes the answers for `distillation`.
    grader
        The ARN of the function that grades answers for `reinforcement`; the stage must allow it. Default:
        the stage's own grader.
    accept_eula
        Whether you have read and accept the licence of the base model, if it requires acceptance.
    retune
        When to tune again as the data grows; default: never.
    budget_usd
        The cost, at the high end of its estimate, above which the run asks for approval; default: the stage's
        setting.
    notify
        Additional recipients of this run's notifications: a group or an address from the stage's setting
        `notify`, or a list of them.
    deployment
        How and how long the model is served.
    evaluation
        When the model counts as better.
    """

    method: Method | Literal["auto"] = "auto"
    base_model: str | None = None
    engine: str = ""
    from_run: str | None = msgspec.field(default=None, name="from")
    data: Data = Data()
    rules: RuleSettings = RuleSettings()
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
    "rules": RuleSettings,
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
    "evaluation.few_shot": (0, 20),
}
"""The least and the most that a key takes."""
