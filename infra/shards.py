"""A step in shards: a Distributed Map of one function, with a child execution per shard."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra.states import PAYLOAD, Branch, States, failure, snake

ITEM = "{% $states.context.Map.Item.Value %}"

FIRST_FAILURE = """(
  $failed := $states.result[$exists(failure)];
  $count($failed) > 0 ? $failed[0].failure : null
)"""
"""A failed Map only reports that too many items failed, so shards return their failure as result."""

LONGEST_CAUSE = 1_000
"""The Map's result has the failures of all shards: with causes of 32 KiB, those of eight would exceed what a
state may pass on, an error that cannot be caught."""


class Shards:
    """Creates the Distributed Maps of the state machine."""

    def __init__(self, scope: Construct, states: States, concurrency: int) -> None:
        self._scope = scope
        self._states = states
        self._concurrency = concurrency

    def then(
        self, go_on: sfn.IChainable, title: str, shards: str, *variables: str, **given: str
    ) -> sfn.IChainable:
        """Call the function of this name once per shard, then go on; or rescue the run if one has failed.

        Parameters
        ----------
        shards
            A JSONata expression: an array. Each call has one of its items as `shard` in its payload.
        variables, given
            The rest of the payload: a child execution cannot see its parent's variables.
        """
        rescue = self._states.rescue
        each = self._each(title, shards, *variables, **given)
        each.add_catch(rescue, errors=["States.ALL"], assign={"failure": f"{{% {failure(snake(title))} %}}"})
        return each.next(
            self._states.choice(
                f"{title}sDone?", Branch(rescue, when="$exists($failure.error)"), Branch(go_on)
            )
        )

    def _each(self, title: str, shards: str, *variables: str, **given: str) -> sfn.DistributedMap:
        """The Map. The first failure is in the variable `failure` afterwards."""
        handed = {name: f"{{% ${name} %}}" for name in variables} | given | {"shard": ITEM}
        each = sfn.DistributedMap.jsonata(
            self._scope,
            f"{title}s",
            label=title,
            items=sfn.ProvideItems.jsonata(f"{{% {shards} %}}"),
            item_selector=handed,
            max_concurrency=self._concurrency,
            map_execution_type=sfn.StateMachineType.STANDARD,  # Express ends after five minutes
            assign={"failure": f"{{% {FIRST_FAILURE} %}}"},
            outputs={},
        )
        return each.item_processor(self._child(title, handed))

    def _child(self, title: str, handed: Mapping[str, Any]) -> sfn.IChainable:
        """Calls the function until it is done, and succeeds even if the function fails."""
        task = self._states.call(
            title,
            {name: f"{{% $states.input.{name} %}}" for name in handed},
            {},
            outputs=f"{{% $merge([$states.input, {PAYLOAD.strip('{% }')}]) %}}",
        )
        done = sfn.Pass.jsonata(self._scope, f"{title}Done", outputs={"done": True})
        failed = sfn.Pass.jsonata(self._scope, f"{title}Failed")
        broken = failure(snake(title), LONGEST_CAUSE)
        task.add_catch(failed, errors=["States.ALL"], outputs={"failure": f"{{% {broken} %}}"})
        return task.next(
            self._states.choice(f"{title}Done?", Branch(task, when="$not($states.input.done)"), Branch(done))
        )
