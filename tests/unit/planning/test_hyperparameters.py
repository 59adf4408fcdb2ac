from __future__ import annotations

from typing import Any

import pytest

from tests import builders
from tunedrop import catalog
from tunedrop.errors import InvalidManifest
from tunedrop.planning import hyperparameters

MODEL = catalog.find(builders.LLAMA_3_3)


def candidates(search: dict[str, Any], **fixed: Any) -> list[dict[str, str]]:
    return list(hyperparameters.candidates(MODEL, "single-turn", fixed, search))


def test_without_a_search_there_are_no_candidates() -> None:
    assert candidates({}) == []


def test_every_combination_is_a_candidate_with_what_is_fixed_and_the_defaults() -> None:
    found = candidates({"learning_rate": [1e-5, 5e-5]}, epoch_count=2)

    assert found == [
        {"epochCount": "2", "batchSize": "1", "learningRate": "0.00001"},
        {"epochCount": "2", "batchSize": "1", "learningRate": "0.00005"},
    ]


@pytest.mark.parametrize(
    ("search", "reason"),
    [
        (
            {"epoch_count": [1, 2, 3], "learning_rate": [1e-5, 1e-4]},
            "search has 6 candidates; 2 to 4 are allowed",
        ),
        ({"epoch_count": [1]}, "search has 1 candidates"),
        ({"epoch_count": 3}, "search.epoch_count: give a list of values"),
        ({"epoch_count": [1, 1]}, "two candidates are the same"),
        ({"epoch_count": [1, 99]}, "99 is not a whole number from 1 to 10"),
        ({"dropout": [1, 2]}, "has no such hyperparameter"),
        ({"batch_size": [1, 2], "epoch_count": [1]}, "is not a whole number from 1 to 1"),
        ({"epoch_count": [1, 2], "max_candidates": 99}, "max_candidates is 99; it must be from 2 to 16"),
    ],
)
def test_a_search_that_makes_no_sense_is_refused(search: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidManifest, match=reason):
        candidates(search)


def test_a_search_of_more_candidates_than_any_memory_holds_is_refused_at_once() -> None:
    grid = {f"key_{number}": list(range(100)) for number in range(20)}

    with pytest.raises(InvalidManifest, match=f"search has {100**20} candidates"):
        candidates(grid)


def test_what_is_fixed_is_not_searched() -> None:
    with pytest.raises(InvalidManifest, match="keep one of the two"):
        candidates({"epoch_count": [1, 2]}, epoch_count=3)
