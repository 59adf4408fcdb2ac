"""What a seed of `python -m bench chaos` repeats."""

from __future__ import annotations

from bench.chaos import ACTIONS, UPLOADS, plan
from bench.chaos.machines import Machines
from bench.chaos.uploads import Uploads


def test_a_seed_repeats_the_plan_of_each_round_and_another_does_not() -> None:
    plans = [plan(7, number) for number in range(1, 60)]

    assert plans == [plan(7, number) for number in range(1, 60)]
    assert plans != [plan(8, number) for number in range(1, 60)]
    assert {one.action for actions in plans for one in actions} == {*ACTIONS, *UPLOADS}


def test_every_action_of_a_plan_can_be_done() -> None:
    assert all(callable(getattr(Uploads, action)) for action in UPLOADS)
    assert all(callable(getattr(Machines, action)) for action in ACTIONS)
