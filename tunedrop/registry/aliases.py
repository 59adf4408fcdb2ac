"""Models in production: one SSM parameter a name, which an application reads, and the history behind it.

The parameter's value is what inference takes as its modelId. History is in the registry table: `pk` =
`ALIAS#<alias>`, `sk` = `<moment>#<run id>`; what the alias of a name is, `naming.alias` says.
"""

from __future__ import annotations

from typing import Any

import msgspec
from botocore.exceptions import ClientError

from tunedrop import aws, clock, naming, shown
from tunedrop.contracts import Promotion
from tunedrop.registry.claims import Claims
from tunedrop.stage import Stage


class InProduction(msgspec.Struct, frozen=True, kw_only=True):
    """One model that a name has stood for. `model_id` is what inference takes; empty where the model was
    withdrawn from production, and the name has stood for nothing since."""

    name: str
    run_id: str
    model_id: str
    model_arn: str
    since: str


class Aliases:
    """The production aliases of a stage."""

    def __init__(self, ssm: Any, dynamodb: Any, stage: Stage) -> None:
        self._ssm = ssm
        self._dynamodb = dynamodb
        self._stage = stage
        self._claims = Claims(dynamodb, stage.registry_table)

    def parameter(self, name: str) -> str:
        """The SSM parameter that stands for this name."""
        return f"{self._stage.alias_prefix}/{naming.alias(name)}"

    def promote(
        self, name: str, run_id: str, model_arn: str, model_id: str, *, swapped: bool = False, note: str = ""
    ) -> Promotion:
        """Let a name stand for a model from now on. Doing it twice changes nothing.

        History is written first: what the parameter names is always known there. Whoever writes the
        parameter looks at the history afterwards and writes again what stands at its head, until both agree:
        SSM has no conditional write, and of two that promote at once the one with the last word is the same
        in both.

        Parameters
        ----------
        swapped, note
            Kept in the promotion as they are.

        Raises
        ------
        ModelDeleted
            When the model, or what serves it, was deleted by Tunedrop.
        TransientError
            While it is being deleted.
        """
        with self._claims.promoting(model_id, model_arn):
            history = self.history(name)
            current = history[0] if history else None
            if current is None or (current.model_id, current.model_arn) != (model_id, model_arn):
                self._append(
                    InProduction(
                        name=name, run_id=run_id, model_id=model_id, model_arn=model_arn, since=clock.now()
                    )
                )
                previous = current
            else:
                previous = history[1] if len(history) > 1 else None
            self._write_parameter(name)
        return Promotion(
            alias=self.parameter(name),
            model_arn=model_arn,
            previous_model_arn=previous.model_arn if previous and previous.model_id else "",
            model_id=model_id,
            swapped=swapped,
            note=note,
        )

    def withdraw(self, name: str) -> str:
        """Let a name stand for nothing: the parameter goes, the history stays. Gives the parameter."""
        history = self.history(name)
        if history and history[0].model_id:
            self._append(msgspec.structs.replace(history[0], model_id="", since=clock.now()))
        if history:
            self._write_parameter(name)
        else:
            self._delete_parameter(name)
        return self.parameter(name)

    def settle(self, parameter: str) -> bool:
        """Write a parameter again whose writer died after the history; gives whether that was necessary.

        A value that was written by hand since then stays.
        """
        history = self.history_at(parameter)
        written = self._written(parameter)
        if not history or written is None:
            return False
        head = history[0]
        if written["Value"] == head.model_id or clock.write(written["LastModifiedDate"]) > head.since:
            return False
        self._write_parameter(head.name)
        return True

    def _write_parameter(self, name: str) -> None:
        """Write what stands at the head of the history, until it is still there afterwards."""
        head = self.history(name)[0]
        while True:
            if head.model_id:
                self._ssm.put_parameter(
                    Name=self.parameter(name),
                    Value=head.model_id,
                    Type="String",
                    Overwrite=True,
                    Description=f"modelId in production for {shown.line(name)[:500]}, from run {head.run_id}",
                )
            else:
                self._delete_parameter(name)
            if (now := self.history(name)[0]) == head:
                return
            head = now

    def history(self, name: str) -> list[InProduction]:
        """Every model that a name has stood for, the present one first."""
        return self._history(naming.alias(name))

    def history_at(self, parameter: str) -> list[InProduction]:
        """The same by the SSM parameter that stands for the name."""
        return self._history(parameter.removeprefix(f"{self._stage.alias_prefix}/"))

    def name_at(self, parameter: str) -> str:
        """The name that an SSM parameter stands for."""
        history = self.history_at(parameter)
        return history[0].name if history else parameter.rpartition("/")[2]

    def _history(self, alias: str) -> list[InProduction]:
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._stage.registry_table,
            KeyConditionExpression="pk = :alias",
            ExpressionAttributeValues={":alias": {"S": f"ALIAS#{alias}"}},
            ScanIndexForward=False,
            ConsistentRead=True,
        )
        return [
            msgspec.json.decode(item["model"]["S"], type=InProduction)
            for page in pages
            for item in page["Items"]
        ]

    def all(self) -> dict[str, str]:
        """Each alias parameter of the stage with the modelId that it stands for."""
        pages = self._ssm.get_paginator("get_parameters_by_path").paginate(Path=self._stage.alias_prefix)
        return {parameter["Name"]: parameter["Value"] for page in pages for parameter in page["Parameters"]}

    def runs(self) -> dict[str, str]:
        """The alias of each run whose model is in production, by the run's id."""
        heads = ((alias, self.history_at(alias)) for alias in self.all())
        return {history[0].run_id: alias for alias, history in heads if history and history[0].model_id}

    def current(self, name: str) -> str | None:
        """The modelId that a name stands for now."""
        written = self._written(self.parameter(name))
        return None if written is None else str(written["Value"])

    def champion(self, name: str) -> str | None:
        """What serves the model that a name stands for now, where it can be asked.

        A model that was promoted and released again is named by its own ARN, which inference does not take.
        """
        current = self.current(name)
        return current if current and ":custom-model/" not in current else None

    def naming(self, arn: str, name: str = "") -> str:
        """The alias parameter that names a model, or what serves it, or is about to; empty where none does.

        Parameters
        ----------
        name
            The name of the run that it belongs to: a promotion of that name may have begun, history first.
        """
        for parameter, model_id in self.all().items():
            if model_id == arn:
                return parameter
        history = self.history(name) if name else []
        if history and history[0].model_id and arn in (history[0].model_id, history[0].model_arn):
            return self.parameter(name)
        return ""

    def _written(self, parameter: str) -> dict[str, Any] | None:
        try:
            answer = self._ssm.get_parameter(Name=parameter)
        except ClientError as error:
            if aws.is_missing(error):
                return None
            raise
        return dict(answer["Parameter"])

    def _delete_parameter(self, name: str) -> None:
        try:
            self._ssm.delete_parameter(Name=self.parameter(name))
        except ClientError as error:
            if not aws.is_missing(error):
                raise

    def _append(self, model: InProduction) -> None:
        self._dynamodb.put_item(
            TableName=self._stage.registry_table,
            Item={
                "pk": {"S": f"ALIAS#{naming.alias(model.name)}"},
                "sk": {"S": f"{clock.instant()}#{model.run_id}"},
                "model": {"S": msgspec.json.encode(model).decode()},
            },
        )
