"""The model in production of each name: promotion and rollback."""

from __future__ import annotations

import uuid
from typing import Any

import msgspec
from botocore.exceptions import ClientError

from tunedrop import aws, catalog, clock, escaping
from tunedrop.aws import Aws
from tunedrop.catalog.model import BaseModel
from tunedrop.contracts import DeploymentSettings, Promotion, Run
from tunedrop.errors import NameTaken, NotKept, ThroughputFailed, TransientError
from tunedrop.formatting.commands import command
from tunedrop.naming import EXPIRES_TAG, RUN_TAG
from tunedrop.registry.aliases import Aliases, InProduction
from tunedrop.serving import choose, kinds, models, throughput
from tunedrop.serving._swap import behind, swap
from tunedrop.serving.kind import CannotSwap
from tunedrop.stage import Stage


class NotServed(Exception):
    """The model to return to is no longer in service; `model` is its ARN."""

    def __init__(self, model: InProduction) -> None:
        super().__init__(f"{model.model_arn}, of run {model.run_id}, is not in service any more")
        self.model = model


class Moved(Exception):
    """The model in production of a name has changed since the rollback was decided."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"what {name} has in production has changed meanwhile, by another promotion or rollback; nothing "
            "was changed. Look again, and repeat the command if it is still wanted"
        )


class Production:
    """The models in production of a stage, and their serving resources."""

    def __init__(self, aws_: Aws, stage: Stage) -> None:
        self._aws = aws_
        self._bedrock = aws_.bedrock
        self._stage = stage
        self.aliases = Aliases(aws_.ssm, aws_.dynamodb, stage)

    def promote(
        self, name: str, run_id: str, model_arn: str, served_by: str | None, deployment: DeploymentSettings,
        *, by_hand: bool = False,
    ) -> Promotion:  # fmt: skip
        """Promote a model: replace it behind the ARN in production if requested, else change the alias.

        Parameters
        ----------
        served_by
            The ARN that serves the model from now on; None if nothing will.
        deployment
            Whether the production ARN stays the same (`stable_arn`), and how long it is kept (`keep_for`).
        by_hand
            Whether a person has agreed to replace a model that is served by one that is not.

        Raises
        ------
        NameTaken
            If the alias belongs to another name.
        NotKept
            If nothing will serve the model, but the production model is served.
        ThroughputFailed
            If the model's serving resource was deleted meanwhile.
        TransientError
            While Bedrock replaces the model; a repeated call continues.
        """
        self.aliases.refuse_anothers(name)
        if served_by is not None and not throughput.exists(self._bedrock, served_by):
            raise ThroughputFailed(f"{served_by} was deleted while the run needed it; nothing was promoted")
        current = self.aliases.current(name)
        note = ""
        if deployment.stable_arn and current and serves(current) and current != served_by:
            try:
                self._refuse_by_hand(name, current)
                paid = _paid_seconds(model_arn, deployment)
                swap(self._bedrock, current, model_arn, deployment.model_units if paid else None)
            except CannotSwap as error:
                note = f"the alias moved to another ARN instead: {error}"
            else:
                return self._note_swap(name, run_id, model_arn, current, deployment)
        if served_by is None and not by_hand:
            self._refuse_unserved(name, run_id, current)
        kept_until = ""
        if served_by is not None and deployment.keep_for_seconds and _bills_by_the_hour(served_by):
            kept_until = self._hand_over(served_by, run_id, deployment.keep_for_seconds)
        promoted = self.aliases.promote(name, run_id, model_arn, served_by or model_arn, note=note)
        return msgspec.structs.replace(promoted, kept_until=kept_until)

    def _refuse_by_hand(self, name: str, current: str) -> None:
        """Refuse to swap an ARN that was written to the alias by hand, because it may serve another name
        too."""
        if not any(one.model_id == current for one in self.aliases.history(name)):
            raise CannotSwap(f"{current} was written to the alias by hand")

    def _refuse_unserved(self, name: str, run_id: str, current: str | None) -> None:
        if not current or models.is_model(current):
            return
        # Anything other than a custom model's resource is a base model, which Bedrock serves.
        is_ours = serves(current) and self._stage.is_of(current)
        if is_ours and not throughput.exists(self._bedrock, current):
            return
        serve = command("promote", run_id, options=f"--serve --stage {self._stage.name}")
        raise NotKept(
            "the run does not keep its model in service (deployment.keep_for), and the model that "
            f"{escaping.line(name)} has in production is served: applications would get errors. Nothing was "
            "replaced, and the model is kept. "
            f"To put it into production: {serve}"
        )

    def base_billed_by_token(self, name: str) -> BaseModel | None:
        """The base model of the production model of a name, if its answers are billed by token; None if they
        are not, or if it is unknown."""
        current, model = self.aliases.champion(name), self.aliases.in_production(name)
        kind = kinds.of_arn(current) if current else None
        if kind is None or kind.billed_by != "token" or model is None or not model.run_id:
            return None
        return models.base_of(self._aws, self._stage, model.model_arn, model.run_id)

    def rollback(self, name: str, seen: tuple[InProduction, InProduction], served_by: str = "") -> Promotion:
        """Return to the previous model of a name: behind the same ARN if it did not change.

        Parameters
        ----------
        seen
            The model in production and the one to return to, as `earlier` returned them before the decision.
        served_by
            The ARN that serves the earlier model now, if it is not the one that it was in production with.

        Raises
        ------
        Moved
            If another promotion or rollback came first, which this one would undo.
        NotServed
            If nothing serves the earlier model.
        TransientError
            While Bedrock swaps the model, or during another promotion; a repeated call continues.
        """
        with self.aliases.alone(name, f"rollback {uuid.uuid4()}"):
            if self.earlier(name) != seen:
                raise Moved(name)
            return self._return(name, *seen, served_by)

    def _return(self, name: str, now: InProduction, earlier: InProduction, served_by: str) -> Promotion:
        if not served_by and earlier.model_id == now.model_id:
            try:
                swap(self._bedrock, now.model_id, earlier.model_arn)
            except CannotSwap as error:
                raise NotServed(earlier) from error
            self._hand_over(now.model_id, earlier.run_id)
            return self.aliases.promote(name, earlier.run_id, earlier.model_arn, now.model_id, swapped=True)
        model_id = served_by or earlier.model_id
        if not self._answers(model_id, earlier.model_arn):
            raise NotServed(earlier)
        return self.aliases.promote(name, earlier.run_id, earlier.model_arn, model_id)

    def settled(self, run: Run, model_arn: str) -> Promotion | None:
        """The promotion by this attempt at a run, even if the step that promoted has failed.

        The history is written first, so its head is authoritative: the alias is completed from it, unless
        somebody has written another modelId there since.

        Raises
        ------
        TransientError
            While Bedrock still puts the model behind the ARN in production.
        """
        history = self.aliases.history(run.name)
        head = history[0] if history else None
        if head is None or not head.model_id or (head.run_id, head.model_arn) != (run.run_id, model_arn):
            if replaced := self._replaced(run, model_arn, history):
                return replaced
            return self._finish_swap(run, model_arn) if run.deployment.stable_arn else None
        if head.since < (run.resumed_at or run.created_at):
            return None  # a person promoted it by hand, before this attempt
        if self.aliases.intended(run.name) != head:
            return self._replaced(run, model_arn, history)
        swapped = len(history) > 1 and history[1].model_id == head.model_id
        return self.aliases.promote(run.name, run.run_id, model_arn, head.model_id, swapped=swapped)

    def noted(self, run: Run, model_arn: str) -> Promotion | None:
        """The model that this attempt of a run has promoted according to the history, whether or not the
        alias points to it yet."""
        history = self.aliases.history(run.name)
        made = self._replaced(run, model_arn, history)
        is_head = bool(history) and (history[0].run_id, history[0].model_arn) == (run.run_id, model_arn)
        return msgspec.structs.replace(made, note="") if made is not None and is_head else made

    def _replaced(self, run: Run, model_arn: str, history: list[InProduction]) -> Promotion | None:
        """The promotion by this attempt, if another model has replaced it since."""
        began = run.resumed_at or run.created_at
        for at, one in enumerate(history):
            is_mine = (one.run_id, one.model_arn) == (run.run_id, model_arn)
            if is_mine and one.model_id and one.since >= began:
                before = next((earlier.model_arn for earlier in history[at + 1 :]), "")
                return Promotion(
                    alias=self.aliases.parameter(run.name),
                    model_arn=model_arn,
                    previous_model_arn=before,
                    model_id=one.model_id,
                    note="another model has taken its place since",
                )
        return None

    def stand_down(self, arn: str, name: str = "") -> None:
        """Before a production model's serving resource is deleted: let its name point to the model itself.

        Parameters
        ----------
        name
            The name of its run: the history may contain the resource even if another alias was written by
            hand.

        Raises
        ------
        TransientError
            While another model is being promoted for a name that has it.
        """
        naming = {parameter for parameter, model_id in self.aliases.all().items() if model_id == arn}
        head = next(iter(self.aliases.history(name)), None) if name else None
        if head is not None and head.model_id == arn:
            naming.add(self.aliases.parameter(name))
        for parameter in sorted(naming):
            with self.aliases.alone_at(parameter, f"end {uuid.uuid4()}"):
                self.aliases.stand_for_model(parameter, arn)

    def _finish_swap(self, run: Run, model_arn: str) -> Promotion | None:
        """The promotion behind the production ARN, if Bedrock has completed it but it was not recorded."""
        current = self.aliases.current(run.name)
        if not current or not serves(current) or not self._stage.is_of(current):
            return None
        try:
            now = behind(self._bedrock, current)
        except ClientError as error:
            if aws.is_missing(error):
                return None
            raise
        if now.change == "going on" and now.desired == model_arn:
            raise TransientError(f"{current} is being pointed at {model_arn}")
        if now.model_arn != model_arn:
            return None
        return self._note_swap(run.name, run.run_id, model_arn, current, run.deployment)

    def _note_swap(
        self, name: str, run_id: str, model_arn: str, current: str, deployment: DeploymentSettings
    ) -> Promotion:
        """Record a promotion behind the existing production ARN, where Bedrock serves the model now."""
        keep_for, tags = _paid_seconds(model_arn, deployment), {}
        if keep_for:
            found = self._bedrock.list_tags_for_resource(resourceARN=current).get("tags", ())
            tags = {one["key"]: one["value"] for one in found}
        earlier = tags.get(EXPIRES_TAG, "")
        kept_until = self._hand_over(current, run_id, keep_for, no_sooner_than=earlier)
        promoted = self.aliases.promote(name, run_id, model_arn, current, swapped=True)
        # If the call is repeated, the expiry is this run's own: all its hours count.
        paid_until = earlier if tags.get(RUN_TAG) != run_id else ""
        return msgspec.structs.replace(promoted, kept_until=kept_until, paid_until=paid_until)

    def earlier(self, name: str) -> tuple[InProduction, InProduction]:
        """The production model and the one to return to: the previous one or, if the alias was written by
        hand or its writer died, the head of the history.

        Raises
        ------
        LookupError
            If the name has no earlier model, or its alias belongs to another name.
        """
        try:
            self.aliases.refuse_anothers(name)
        except NameTaken as error:
            raise LookupError(str(error)) from error
        history, now = self.aliases.history(name), self.aliases.in_production(name)
        if history and history[0].model_id and now is not None and now != history[0]:
            return now, history[0]
        before = next(
            (
                one for one in history
                if one.model_id and now and one.model_arn not in (history[0].model_arn, now.model_arn)
            ),
            None,
        )  # fmt: skip
        if now is None or before is None:
            raise LookupError(f"{name} has no earlier model to return to")
        return now, before

    def _answers(self, arn: str, model_arn: str) -> bool:
        """Whether an ARN exists and serves this model."""
        if not serves(arn):
            return False
        try:
            return behind(self._bedrock, arn).model_arn == model_arn
        except ClientError as error:
            if aws.is_missing(error):
                return False
            raise

    def _hand_over(
        self, arn: str, run_id: str, keep_for_seconds: int | None = None, *, no_sooner_than: str = ""
    ) -> str:
        """Assign a serving resource to the run of its model. Returns its expiry, if the run's estimate
        includes its hours until then (`keep_for`); otherwise the expiry does not change, because an earlier
        run has paid for it.

        Parameters
        ----------
        no_sooner_than
            Its expiry now, until which an earlier run has paid for it.
        """
        expires = ""
        if keep_for_seconds:
            expires = max(clock.after(clock.now(), keep_for_seconds), no_sooner_than)
        tags: list[dict[str, Any]] = [{"key": RUN_TAG, "value": run_id}]
        if expires:
            tags.append({"key": EXPIRES_TAG, "value": expires})
        self._bedrock.tag_resource(resourceARN=arn, tags=tags)
        return expires if _bills_by_the_hour(arn) else ""


def _paid_seconds(model_arn: str, deployment: DeploymentSettings) -> int:
    """How long a run keeps the throughput in production: as `keep_for` says, if it buys throughput itself, so
    that its estimate counts the hours. Else not at all, even if it takes over what another run has bought."""
    base_model = catalog.base_of(model_arn)
    if not deployment.keep_for_seconds or base_model is None:
        return 0
    return deployment.keep_for_seconds if choose.pays_by_the_hour(base_model, deployment) else 0


def _bills_by_the_hour(arn: str) -> bool:
    kind = kinds.of_arn(arn)
    return kind is not None and not kind.is_free_while_idle


def serves(model_id: str) -> bool:
    """Whether inference accepts it: the alias of a promoted model that was released holds the model's own
    ARN."""
    return kinds.of_arn(model_id) is not None
