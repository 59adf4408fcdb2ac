from __future__ import annotations

import pytest

from tunedrop.contracts import Fit
from tunedrop.training import curves, fit
from tunedrop.training.curves import Curves, Loss, Reward


def judged(training: list[float], validation: list[float], first_epoch: int = 0) -> Fit:
    """One mean loss an epoch, each from two steps around it."""
    steps = [
        Loss(2 * epoch + half, first_epoch + epoch, loss + (0.01 if half else -0.01))
        for epoch, loss in enumerate(training)
        for half in (0, 1)
    ]
    held_out = [Loss(2 * epoch + 1, first_epoch + epoch, loss) for epoch, loss in enumerate(validation)]
    return fit.judge(Curves(tuple(steps), tuple(held_out)))


def test_rewards_are_no_losses_and_told_as_they_went() -> None:
    rewards = tuple(Reward(step, step / 10) for step in range(8))

    found = fit.judge(Curves(rewards=rewards))

    assert found.verdict == "unknown"
    assert found.sentence == (
        "The service reports rewards instead of losses: 0.050 in the first steps on average, "
        "0.650 in the last."
    )


@pytest.mark.parametrize(
    ("training", "validation", "verdict", "epochs"),
    [
        ([1.0, 0.5, 0.3], [1.0, 0.5, 0.61], "overfitting", 2),
        ([1.0, 0.5, 0.45], [1.0, 0.5, 0.59], "fits", 3),
        ([1.0, 0.6], [1.0, 0.8], "underfitting", 3),
        ([1.0, 0.6], [], "underfitting", 3),
        ([1.0, 0.4, 0.38], [1.0, 0.62, 0.6], "memorising", 3),
        ([1.0, 0.5, 0.7], [1.0, 0.6, 0.6], "unstable", 3),
        ([1.0, 0.9, 0.89], [], "fits", 3),
    ],
)
def test_loss_curves_are_judged(
    training: list[float], validation: list[float], verdict: str, epochs: int
) -> None:
    found = judged(training, validation)

    assert (found.verdict, found.suggested_epochs) == (verdict, epochs), found.sentence


@pytest.mark.parametrize("first", [0, 1])
def test_it_does_not_matter_whether_epochs_are_counted_from_zero(first: int) -> None:
    assert judged([1.0, 0.5, 0.3], [1.0, 0.5, 0.9], first).suggested_epochs == 2


def test_a_validation_loss_just_below_the_threshold_is_no_overfitting() -> None:
    assert judged([1.0, 0.52, 0.5], [1.0, 0.6, 0.6 * fit.OVERFIT - 0.001]).verdict == "fits"


def test_noise_from_step_to_step_of_one_epoch_is_not_instability() -> None:
    steps = tuple(Loss(step, 0, 0.5 + 0.4 * (step % 2)) for step in range(40))

    assert fit.judge(Curves(steps)).verdict == "fits"


@pytest.mark.parametrize(
    ("losses", "verdict", "epochs"),
    [
        ([4.0 * 0.9**step for step in range(24)], "underfitting", 2),
        ([2.0] * 6 + [1.0] * 18, "fits", 1),
        ([2.0] * 10 + [1.0] * 5 + [0.88] * 5, "underfitting", 2),
        ([4.0, 3.0, 2.0, 1.0], "unknown", 0),
    ],
    ids=["still falling", "levelled off", "falling in the last quarter", "too few steps"],
)
def test_one_epoch_levels_off_only_where_its_last_quarters_do(
    losses: list[float], verdict: str, epochs: int
) -> None:
    found = fit.judge(Curves(tuple(Loss(step, 0, loss) for step, loss in enumerate(losses)), ()))

    assert (found.verdict, found.suggested_epochs) == (verdict, epochs), found.sentence


def test_without_a_curve_there_is_no_verdict() -> None:
    assert fit.judge(Curves()).verdict == "unknown"


def test_bedrocks_metrics_files_are_told_by_their_names() -> None:
    training = "step_number,epoch_number,training_loss,perplexity\n1,0,2.0,7.4\n0,0,2.5,12.1\n2,0,nan,\n"
    validation = "step_number,epoch_number,validation_loss,perplexity\n1,0,2.2,9.0\n"

    read = curves.read(
        [
            ("runs/x/training_artifacts/step_wise_training_metrics.csv", training),
            ("runs/x/validation_artifacts/validation_metrics.csv", validation),
        ]
    )

    assert [one.loss for one in read.training] == [2.5, 2.0]
    assert [one.loss for one in read.validation] == [2.2]
