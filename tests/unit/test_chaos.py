"""What a seed of `python -m bench chaos` repeats."""

from __future__ import annotations

from bench.chaos import ACTIONS, Chaos, plan


def test_a_seed_repeats_the_plan_of_each_round_and_another_does_not() -> None:
    plans = [plan(7, number) for number in range(1, 40)]

    assert plans == [plan(7, number) for number in range(1, 40)]
    assert plans != [plan(8, number) for number in range(1, 40)]
    assert {one.action for _, actions in plans for one in actions} == set(ACTIONS)


def test_every_action_of_a_plan_can_be_done() -> None:
    assert all(callable(getattr(Chaos, f"_{action}")) for action in ACTIONS)
