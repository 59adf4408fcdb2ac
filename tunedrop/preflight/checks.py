"""The checks of a run before anything is paid, with all failures in one list."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from botocore.exceptions import BotoCoreError, ClientError

from tunedrop import aws, catalog
from tunedrop.aws import Aws, foundation_models
from tunedrop.catalog.method import CONVERSATIONS
from tunedrop.catalog.model import BaseModel
from tunedrop.contracts import Check, Dataset, Method, Preflight, Run
from tunedrop.errors import PreflightFailed
from tunedrop.evaluation.statistics import power
from tunedrop.evaluation.workload import conversations
from tunedrop.planning.plan import plan
from tunedrop.preflight import _base, _data_access, _quotas
from tunedrop.preflight import _judge as judge_check
from tunedrop.preflight import _methods as method_checks
from tunedrop.serving import bases, choose, kinds, models
from tunedrop.stage import Stage
from tunedrop.training import engines


class Preflighter:
    """The checks of one run. Each returns a `Check` and does not raise for a problem that it finds."""

    def __init__(self, aws_: Aws, stage: Stage, run: Run, dataset: Dataset, base_model: BaseModel) -> None:
        self._aws = aws_
        self._stage = stage
        self._run = run
        self._dataset = dataset
        self._model = base_model

    def run(self) -> Preflight:
        """All checks.

        Raises
        ------
        PreflightFailed
            If any has failed; the message lists all failures, each with a fix.
        """
        checks = (
            self._model_in_region(),
            *self._foundation_model(),
            *self._engine(),
            *self._parent_model_alive(),
            *self._teacher_or_grader(),
            *self._judge(),
            *self._validation_to_search_by(),
            *self._base_to_compare_with(),
            *self._chat_template(),
            self._test_set(),
            self._way_to_serve(),
            self._room_in_quotas(),
            *self._data_readable(),
            self._name_free(),
        )
        failed = [check for check in checks if not check.passed]
        if failed:
            raise PreflightFailed("\n".join(f"{check.detail}. {check.hint}" for check in failed))
        return Preflight(checks=checks)

    def _model_in_region(self) -> Check:
        regions = self._model.regions_of(self._method())
        return Check(
            name="Region",
            passed=self._stage.region in regions,
            detail=f"{self._model.name} is customized in {', '.join(regions)}; this stage is in "
            f"{self._stage.region}",
            hint=self._here(),
        )

    def _here(self) -> str:
        """What can be tuned in this Region instead, or another Region."""
        found = catalog.tunable(self._method(), self._stage.region)
        if found:
            return f"Take {' or '.join(one.id for one in found)}"
        return f"{catalog.instead(self._model, self._method())}; deploy a stage there"

    def _method(self) -> Method:
        return self._dataset.method

    def _foundation_model(self) -> Iterator[Check]:
        """The checks of a base model that Bedrock customizes."""
        if catalog.engines()[self._model.engine_of(self._method())].tunes_foundation_models:
            yield self._model_alive_and_customizable()
            yield self._access_granted()

    def _engine(self) -> Iterator[Check]:
        """The engine's own checks."""
        engine = engines.of(self._model, self._method())
        yield from engine.checks(self._aws, self._stage, self._run, self._dataset, self._model)

    def _model_alive_and_customizable(self) -> Check:
        """The live lifecycle overrides the catalog: base models retire (user guide, model-lifecycle)."""
        methods = dict.fromkeys(one.method for one in plan(self._run, self._dataset))

        def check() -> Check:
            details = foundation_models.describe(self._aws.bedrock, self._model)
            if closed := foundation_models.why_closed(details, datetime.now(UTC)):
                return self._model_check(False, f"{self._model.name} {closed}")
            offered = details.get("customizationsSupported", [])
            for method in methods:
                kind = engines.of(self._model, method).customization_type(method)
                # GetFoundationModel has no value for reinforcement fine-tuning (bedrock 2023-04-20).
                if kind not in offered and kind != "REINFORCEMENT_FINE_TUNING":
                    return self._model_check(
                        False,
                        f"{self._model.name} does not offer {kind} (method {method}); "
                        f"it offers {', '.join(offered) or 'no customization'}",
                    )
            return self._model_check(True, f"{self._model.name} is active and offers {', '.join(methods)}")

        hint = catalog.instead(self._model, self._method(), region=self._stage.region)
        return self._asked("base model", check, hint, about=self._model.name)

    def _model_check(self, passed: bool, detail: str) -> Check:
        return Check(
            name="base model",
            passed=passed,
            detail=detail,
            hint=catalog.instead(self._model, self._method()),
        )

    def _access_granted(self) -> Check:
        def check() -> Check:
            answer = self._aws.bedrock.get_foundation_model_availability(modelId=self._model.lifecycle_id)
            missing = foundation_models.missing_access(answer)
            return Check(
                name="model access",
                passed=not missing,
                detail=f"access to {self._model.name}: {', '.join(missing) or 'granted'}",
                hint=foundation_models.ACCESS,
            )

        return self._asked("model access", check, foundation_models.ACCESS, about=self._model.name)

    def _parent_model_alive(self) -> Iterator[Check]:
        """The custom model to tune further ("You can further fine tune an existing custom model", Bedrock
        user guide, model-customization-submit, read 2026-11-25; the page does not name base models)."""
        model = self._run.parent_model
        if not model:
            return

        def check() -> Check:
            found = models.status(self._aws, model)
            detail = f"the custom model {model} {f'is {found}' if found else 'does not exist'}"
            hint = "Name another run with from, or another custom model as base_model"
            return Check(name="custom model", passed=found == "Active", detail=detail, hint=hint)

        yield self._asked("custom model", check, "Name a custom model of this account and Region")

    def _teacher_or_grader(self) -> Iterator[Check]:
        run = self._run
        if (asked := run.teacher) is not None:
            yield self._asked(
                "teacher",
                lambda: method_checks.teacher(
                    self._aws, asked, self._stage.region, self._stage.bedrock_role_arn
                ),
                "Choose another teacher.model",
            )
        if run.grader:
            engine = engines.of(self._model, self._method())
            role, called = engine.role_of(self._stage), engine.reward_function(self._stage, run)
            yield self._asked(
                "grader",
                lambda: method_checks.grader(self._aws, run, self._dataset, self._stage.region, role, called),
                "Let the stage call it: name it in the setting graders and deploy; it is of this account",
            )

    def _judge(self) -> Iterator[Check]:
        asked = self._run.evaluation.judge
        if asked is not None:
            yield self._asked(
                "judge",
                lambda: judge_check.judge(self._aws, self._stage, self._run, asked),
                "Choose another evaluation.judge.model",
            )

    def _validation_to_search_by(self) -> Iterator[Check]:
        """Candidates of a search are compared by their loss on a validation set."""
        if not self._run.candidates:
            return
        has = self._dataset.validation is not None
        yield Check(
            name="search",
            passed=has,
            detail=f"{len(self._run.candidates)} candidates "
            + (
                "are compared by validation loss" if has else "cannot be compared: there is no validation set"
            ),
            hint=f"Give data.validation, or more records; {self._model.name} may take no validation set",
        )

    def _base_to_compare_with(self) -> Iterator[Check]:
        """A base model that Bedrock does not sell on demand is imported: check that its files exist."""
        if bases.is_needed(self._model):
            yield self._asked(
                _base.NAME, lambda: _base.check(self._aws, self._stage, self._model), "Deploy the stage again"
            )

    def _chat_template(self) -> Iterator[Check]:
        """A model that is served from its files has the chat template of its base model's, or none."""
        kind = next(iter(kinds.offered(self._model)), None)
        if kind is None or not kind.serves_files or self._dataset.target_format not in CONVERSATIONS:
            return
        yield self._asked(
            _base.TEMPLATE,
            lambda: _base.chat_template(self._aws, self._stage, self._model),
            "Deploy the stage again",
        )

    def _test_set(self) -> Check:
        """The improvement that the evaluation can detect. A small test set is no failure: a retry may add
        records."""
        asked, count = self._run.evaluation, conversations(self._dataset, self._run)
        return Check(
            name="test set",
            passed=True,
            detail=f"test: {power.in_words(count, asked.min_improvement, asked.confidence)}",
        )

    def _way_to_serve(self) -> Check:
        try:
            way = choose.way(self._model, self._run.deployment)
        except PreflightFailed as error:
            return Check(
                name="serving",
                passed=False,
                detail=str(error),
                hint="Change deployment.mode, or the base model",
            )
        return Check(name="serving", passed=True, detail=f"the tuned model will be evaluated {way}")

    def _room_in_quotas(self) -> Check:
        jobs_of_it = len(plan(self._run, self._dataset))
        return _quotas.check(self._aws, self._stage, self._run, self._dataset, self._model, jobs_of_it)

    def _data_readable(self) -> Iterator[Check]:
        """Whether the jobs' role, if they have one, may read the dataset and write the output."""
        role = engines.of(self._model, self._method()).role_of(self._stage)
        if not role:
            return

        def check() -> Check:
            return _data_access.check(self._aws, self._stage, self._run, self._dataset, role)

        yield self._asked("data access", check, "Look for a policy that denies iam:SimulatePrincipalPolicy")

    def _name_free(self) -> Check:
        """Job names can never be reused; a job of an earlier try of this run does not count."""
        engine = engines.of(self._model, self._method())
        names = [engine.name_of(self._stage, self._run, one.number) for one in plan(self._run, self._dataset)]

        def check() -> Check:
            found = {name: engine.describe(self._aws, name) for name in names}
            taken = [
                name
                for name, job in found.items()
                if job is not None and job.role_arn != engine.role_of(self._stage)
            ]
            return Check(
                name="job name",
                passed=not taken,
                detail=f"the job name {', '.join(taken or names)} is {'already in use' if taken else 'free'}",
                hint="Upload the dataset under another name",
            )

        return self._asked("job name", check, "Try again")

    def _asked(self, name: str, check: Callable[[], Check], hint: str, about: str = "") -> Check:
        """A check whose call AWS may refuse, which then is its result.

        `about` is the resource that the call is about, if the check should say that it does not exist.
        """
        try:
            return check()
        except (ClientError, BotoCoreError) as error:
            if aws.is_transient(error):
                raise
            if about and isinstance(error, ClientError) and aws.is_missing(error):
                detail = f"{about} does not exist in {self._stage.region} (or no longer does)"
                return Check(name=name, passed=False, detail=detail, hint=hint)
            return Check(name=name, passed=False, detail=aws.explain(error), hint=hint)
