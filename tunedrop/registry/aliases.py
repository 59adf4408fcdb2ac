"""Models in production: an SSM parameter per name, which applications read, and its history.

The parameter's value is a modelId for inference. The history is in the registry table: `pk` =
`ALIAS#<alias>`, `sk` = `<time>#<run id>`; `naming.alias` gives the alias of a name. The item `pk` = `ALIAS#`,
`sk` = `WRITING` lists the parameters that are being written, for the sweep to complete if their writer dies.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from typing import Any, NamedTuple

import msgspec
from botocore.exceptions import ClientError

from tunedrop import aws, clock, escaping, naming
from tunedrop.contracts import Promotion
from tunedrop.errors import ModelDeleted, NameTaken
from tunedrop.registry import claims
from tunedrop.registry._table import Item, Table
from tunedrop.stage import Stage


class InProduction(msgspec.Struct, frozen=True, kw_only=True):
    """One model that a name has pointed to. `model_id` is for inference; empty if the model was withdrawn
    from production, and the name has pointed to none since."""

    name: str
    run_id: str
    model_id: str
    model_arn: str
    since: str


class Aliases:
    """The production aliases of a stage."""

    def __init__(self, ssm: Any, dynamodb: Any, stage: Stage) -> None:
        self._ssm = ssm
        self._table = Table(dynamodb, stage.registry_table)
        self._stage = stage
        self._claims = claims.Claims(dynamodb, stage.registry_table)
        self.unreadable: dict[str, Exception] = {}
        """The parameters that a list has left out because their history could not be read, with the error."""

    def parameter(self, name: str) -> str:
        """The SSM parameter of this name."""
        return f"{self._stage.alias_prefix}/{naming.alias(name)}"

    def promote(
        self, name: str, run_id: str, model_arn: str, model_id: str, *, swapped: bool = False, note: str = ""
    ) -> Promotion:
        """Point a name to a model. Idempotent.

        The history is written first, so that it always contains the parameter's value. After writing the
        parameter, the head of the history is read again and written until both agree: SSM has no conditional
        write, and concurrent promotions must end with the same model in both.

        Parameters
        ----------
        swapped, note
            Stored in the promotion.

        Raises
        ------
        ModelDeleted
            If Tunedrop has deleted the model, or what serves it.
        TransientError
            While it is being deleted.
        """
        with self._claims.promoting(model_id, model_arn):
            history = self._with_written_by_hand(name)
            current = history[0] if history else None
            if current is None or (current.model_id, current.model_arn) != (model_id, model_arn):
                self._change(
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

    def refuse_anothers(self, name: str) -> None:
        """Refuse a name whose alias belongs to another name: the hash in an alias is short, and somebody may
        search for a name with the same hash.

        Raises
        ------
        NameTaken
            If the alias's history belongs to another name.
        """
        head = next(iter(self.history(name)), None)
        if head is not None and head.name != name:
            raise NameTaken(
                f"the alias {self.parameter(name)} belongs to {escaping.line(head.name)}; nothing was "
                f"replaced. Upload the data of {escaping.line(name)[:200]} under another name"
            )

    def withdraw(self, name: str) -> str:
        """Withdraw a name: delete its parameter and keep its history. Returns the parameter."""
        if not self.history(name):
            self._delete(self.parameter(name))
        elif (model := self.intended(name)) is not None and model.model_id:
            self._change(msgspec.structs.replace(model, model_id="", since=clock.now()))
        else:
            self._write_parameter(name)
        return self.parameter(name)

    def withdraw_at(self, parameter: str) -> str:
        """The same, by parameter. A parameter without a history was written by hand; if it ends like an alias
        with a hash, its name is unknown."""
        history = self.history_at(parameter)
        if history:
            return self.withdraw(history[0].name)
        self._delete(parameter)
        return parameter

    def alone(self, name: str, who: str) -> AbstractContextManager[None]:
        """Prevent other promotions of this name from checking or writing during the block.

        Raises
        ------
        TransientError
            If another promotion is doing so.
        """
        return self.alone_at(self.parameter(name), who)

    def alone_at(self, parameter: str, who: str) -> AbstractContextManager[None]:
        """The same, by parameter."""
        return self._claims.alone(parameter, who)

    def stand_for_model(self, parameter: str, arn: str) -> None:
        """Point an alias of a resource that is about to be deleted to the model itself.

        A value that was written to the parameter by hand stays. If it is the resource's ARN, and the name has
        never had it or its model was deleted, there is no model to point to, and the alias is withdrawn.
        """
        history, written, is_behind = self._look_at(parameter)
        had = next((one for one in history if one.model_id == arn), None)
        if is_behind and history[0].model_id != arn:
            self._write_parameter(history[0].name)
        elif written is not None and written["Value"] == arn:
            try:
                if had is not None:
                    self.promote(had.name, had.run_id, had.model_arn, had.model_arn)
            except ModelDeleted:
                had = None
            if had is None:
                self.withdraw_at(parameter)
        elif had is not None and had == history[0]:
            model = msgspec.structs.replace(had, model_id=had.model_arn)
            if is_behind:
                self._change(model)
            elif written is None:  # somebody has deleted it
                self._append(model)

    def unsettled(self) -> list[str]:
        """The writings of parameters that have taken so long that their writer must have died."""
        begun = sorted((self._table.get(*_WRITING) or {}).get("writings", ()))
        dead = clock.after(clock.now(), -claims.LEASE_SECONDS)
        return [one for one in begun if one.partition(" ")[0] < dead]

    def written_by(self, writing: str) -> str:
        """The SSM parameter of a writing."""
        return f"{self._stage.alias_prefix}/{writing.partition(' ')[2]}"

    def settle(self, writing: str) -> bool:
        """Complete a writing whose writer died; returns whether that was necessary.

        A value that was written by hand since then stays.
        """
        parameter = self.written_by(writing)
        history, written, is_behind = self._look_at(parameter)
        was_behind = bool(history) and (written["Value"] if written else "") != history[0].model_id
        if was_behind and (written is None or is_behind):
            self._write_parameter(history[0].name)
        else:
            was_behind = False
        self._note_writing("DELETE", writing)
        return was_behind

    def _write_parameter(self, name: str) -> None:
        """Write the head of the history to the parameter, until it has not changed meanwhile."""
        head = self.history(name)[0]
        while True:
            if head.model_id:
                shown = escaping.line(name)[:500]
                self._ssm.put_parameter(
                    Name=self.parameter(name),
                    Value=head.model_id,
                    Type="String",
                    Overwrite=True,
                    Description=f"modelId in production for {shown}, from run {head.run_id}",
                )
            else:
                self._delete(self.parameter(name))
            if (now := self.history(name)[0]) == head:
                return
            head = now

    def history(self, name: str) -> list[InProduction]:
        """All models that a name has pointed to, the current one first."""
        return self._history(naming.alias(name))

    def history_at(self, parameter: str) -> list[InProduction]:
        """The same, by SSM parameter."""
        return self._history(self._alias(parameter))

    def name_at(self, parameter: str) -> str:
        """The name of an SSM parameter."""
        return _name(self.history_at(parameter), parameter)

    def _alias(self, parameter: str) -> str:
        return parameter.removeprefix(f"{self._stage.alias_prefix}/")

    def _history(self, alias: str) -> list[InProduction]:
        return _models_of(list(self._items(alias)))

    def _items(self, alias: str) -> Iterator[Item]:
        return self._table.query({"pk": f"ALIAS#{alias}"}, forward=False)

    def all(self) -> dict[str, str]:
        """All alias parameters of the stage, with their modelIds."""
        return {written["Name"]: written["Value"] for written in self._parameters()}

    def of_runs(self) -> dict[str, InProduction]:
        """The alias parameters that point to a run's model, each with that model. Those whose history cannot
        be read are noted in `unreadable`."""
        found = {}
        for written in self._parameters():
            try:
                model = _in_production(self.history_at(written["Name"]), written, "")
            except UNREADABLE as error:
                self.unreadable[written["Name"]] = error
                continue
            if model is not None and model.run_id:
                found[written["Name"]] = model
        return found

    def all_intended(self) -> Iterator[tuple[str, InProduction]]:
        """All alias parameters of the stage, each with the model that it points to or will point to. Those
        whose history cannot be read are noted in `unreadable`."""
        for parameter in self.all():
            try:
                model = self.intended_at(parameter)
            except UNREADABLE as error:
                self.unreadable[parameter] = error
                continue
            if model is not None:
                yield parameter, model

    def runs(self) -> dict[str, str]:
        """The alias of each run whose model is in production, by run id."""
        return {model.run_id: alias for alias, model in self.of_runs().items()}

    def _parameters(self) -> Iterator[dict[str, Any]]:
        pages = self._ssm.get_paginator("get_parameters_by_path").paginate(Path=self._stage.alias_prefix)
        return (parameter for page in pages for parameter in page["Parameters"])

    def current(self, name: str) -> str | None:
        """The modelId that a name points to now."""
        written = self._written(self.parameter(name))
        return None if written is None else str(written["Value"])

    def in_production(self, name: str) -> InProduction | None:
        """The production model of a name: the head of its history, unless the parameter has another value. A
        value that was written there by hand has no run."""
        history, written, _ = self._look_at(self.parameter(name))
        return _in_production(history, written, name)

    def intended(self, name: str) -> InProduction | None:
        """The same, or the head of the history while its writer has not written the parameter yet, or has
        died."""
        return self.intended_at(self.parameter(name))

    def intended_at(self, parameter: str) -> InProduction | None:
        """The same, by SSM parameter."""
        history, written, is_behind = self._look_at(parameter)
        return history[0] if is_behind else _in_production(history, written, _name(history, parameter))

    def champion(self, name: str) -> str | None:
        """The modelId of the current production model of a name, if it is served.

        The alias of a promoted model that was released holds the model's own ARN, whoever has trained it:
        inference does not accept that.
        """
        current = self.current(name)
        unserved = {one.model_arn for one in self.history(name)}
        return current if current and current not in unserved else None

    def naming(self, arn: str, name: str = "") -> str:
        """The alias parameter that points to a model or its serving resource, or is about to, or may, because
        its history cannot be read; empty if none does.

        Parameters
        ----------
        name
            The name of its run; a promotion of that name may have written the history already.
        """
        for parameter, model_id in self.all().items():
            if model_id == arn:
                return parameter
        try:
            model = self.intended(name) if name else None
        except UNREADABLE:
            return self.parameter(name)
        if model is not None and model.model_id and arn in (model.model_id, model.model_arn):
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

    def _look_at(self, parameter: str) -> _Alias:
        """The parameter is read first, so that it is the older one if a promotion happens in between."""
        written, items = self._written(parameter), list(self._items(self._alias(parameter)))
        is_behind = bool(
            written and items and written["LastModifiedDate"] <= clock.read(_moment_of(items[0]))
        )
        return _Alias(_models_of(items), written, is_behind)

    def _with_written_by_hand(self, name: str) -> list[InProduction]:
        """The history of a name. If somebody has returned to a model of its runs by hand, this model becomes
        the head, so that a promotion that replaces it can be undone."""
        history, written, is_behind = self._look_at(self.parameter(name))
        model = _in_production(history, written, name)
        if model is None or is_behind or not model.run_id or model == history[0]:
            return history
        self._append(model)
        return [model, *history]

    def _delete(self, parameter: str) -> None:
        try:
            self._ssm.delete_parameter(Name=parameter)
        except ClientError as error:
            if not aws.is_missing(error):
                raise

    def _change(self, model: InProduction) -> None:
        """Make a model the head of the history, and write the parameter."""
        with self._noted(model.name):
            self._append(model)
            self._write_parameter(model.name)

    @contextmanager
    def _noted(self, name: str) -> Iterator[None]:
        """Note that a parameter is being written; the note stays if the block does not complete."""
        writing = f"{clock.instant()} {naming.alias(name)}"
        self._note_writing("ADD", writing)
        yield
        self._note_writing("DELETE", writing)

    def _note_writing(self, change: str, writing: str) -> None:
        self._table.change(*_WRITING, f"{change} writings :this", {":this": {writing}})

    def _append(self, model: InProduction) -> None:
        """Add to the history, after its head even if the clock of the head's writer is ahead."""
        alias, moment = naming.alias(model.name), clock.instant()
        newest = next(self._items(alias), None)
        if newest is not None and (head := _moment_of(newest)) >= moment:
            moment = clock.instant(clock.read(head) + timedelta(microseconds=1))
        self._table.put(
            {
                "pk": f"ALIAS#{alias}",
                "sk": f"{moment}#{model.run_id}",
                "model": msgspec.json.encode(model).decode(),
            }
        )


_WRITING = ("ALIAS#", "WRITING")


class _Alias(NamedTuple):
    """The history of an alias, newest first; its SSM parameter, if there is one; and whether the parameter is
    older than the history. If it is newer and has another value, it was written by hand."""

    history: list[InProduction]
    written: dict[str, Any] | None
    is_behind: bool


UNREADABLE = (msgspec.MsgspecError, KeyError)
"""The errors of a history whose head cannot be read, so that the model of its alias is unknown."""


def _models_of(items: list[Item]) -> list[InProduction]:
    """A history, without unreadable entries after its head."""
    return [one for at, item in enumerate(items) if (one := _readable(item, is_head=not at)) is not None]


def _readable(item: Item, *, is_head: bool) -> InProduction | None:
    try:
        return _model_of(item)
    except UNREADABLE:
        if is_head:
            raise
        return None


def _model_of(item: Item) -> InProduction:
    return msgspec.json.decode(item["model"], type=InProduction)


def _moment_of(item: Item) -> str:
    return str(item["sk"]).partition("#")[0]


def _name(history: list[InProduction], parameter: str) -> str:
    return history[0].name if history else parameter.rpartition("/")[2]


def _in_production(
    history: list[InProduction], written: dict[str, Any] | None, name: str
) -> InProduction | None:
    head = history[0] if history else None
    if written is None or (head is not None and head.model_id == written["Value"]):
        return head
    unknown = InProduction(name=name, run_id="", model_id=written["Value"], model_arn="", since="")
    found = next((one for one in history if one.model_id == written["Value"]), unknown)
    return msgspec.structs.replace(found, since=clock.write(written["LastModifiedDate"]))
