from __future__ import annotations

import msgspec
import pytest

from tunedrop import catalog
from tunedrop.advice._examples import records_to_tell
from tunedrop.advice.advise import advise
from tunedrop.advice.situation import Profile, Situation
from tunedrop.contracts import Method

DATA = Profile(method="single-turn", records=2_000, tokens=400_000, longest_tokens=900, held_out=200)


def situation(**changes: object) -> Situation:
    valid = Situation(
        goal="task", changes="seldom", has_prompted=True, material="answers", region="us-east-1"
    )
    return msgspec.structs.replace(valid, **changes)


@pytest.mark.parametrize(
    ("changes", "approach"),
    [
        ({"goal": "persona"}, "fine-tuning"),
        ({"goal": "domain"}, "fine-tuning"),
        ({"goal": "task", "has_prompted": False}, "prompting"),
        ({"goal": "task", "has_prompted": False, "requests_a_day": 50_000}, "fine-tuning"),
        ({"goal": "news", "changes": "monthly"}, "retrieval"),
        ({"goal": "news", "changes": "seldom"}, "fine-tuning"),
        ({"goal": "exclusive-data", "material": "texts"}, "retrieval"),
        ({"goal": "exclusive-data", "material": "answers"}, "retrieval and fine-tuning"),
        ({"goal": "persona", "must_cite": True}, "retrieval and fine-tuning"),
        ({"goal": None, "changes": "daily"}, "retrieval"),
    ],
)
def test_the_approach_follows_from_what_is_wanted(changes: dict[str, object], approach: str) -> None:
    assert advise(situation(**changes)).approach == approach


@pytest.mark.parametrize(
    ("material", "method"),
    [
        ("answers", "single-turn"),
        ("conversations", "multi-turn"),
        ("texts", "continued-pretraining"),
        ("prompts", "distillation"),
        ("checkable", "reinforcement"),
        ("preferences", "preference"),
        (None, None),
    ],
)
def test_the_method_follows_from_what_there_is_to_learn_from(material: str, method: str) -> None:
    assert advise(situation(material=material)).method == method


def test_data_overrides_its_description() -> None:
    assert advise(situation(material="texts", data=DATA)).method == "single-turn"


def test_a_model_that_is_free_while_idle_ranks_before_one_billed_by_the_hour(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tunedrop.clock.today", lambda: "2025-12-01")

    advice = advise(situation(data=DATA, region="us-west-2"))

    assert advice.base_model == "meta.llama3-3-70b-instruct-v1:0:128k"
    by_the_hour = next(one for one in advice.candidates if one.fits and one.billed_by == "hour")
    assert "USD an hour, also while idle" in by_the_hour.remarks[0]


@pytest.mark.parametrize("method", ["instruction", "single-turn", "multi-turn", "distillation"])
def test_only_what_can_be_tuned_is_offered_and_the_rest_has_a_reason_and_a_successor(method: Method) -> None:
    advice = advise(situation(data=msgspec.structs.replace(DATA, method=method)))

    assert advice.base_model is not None
    assert {one.base_model for one in advice.candidates} == {one.id for one in catalog.tunable(method)}
    assert any(one.base_model.startswith("meta.llama3") for one in advice.left_out)
    assert all(
        one.reason and one.instead.startswith(("Take amazon.nova", "Take qwen.")) for one in advice.left_out
    )


def test_unlabelled_texts_get_a_base_model_that_accepts_them_and_its_requirements() -> None:
    advice = advise(situation(material="texts"))

    assert (advice.method, advice.base_model) == ("continued-pretraining", "mistral.mistral-7b")
    (one,) = advice.candidates
    assert any("ml.g5.24xlarge" in remark for remark in one.remarks)
    assert not any("no dated price is known for training" in remark for remark in one.remarks)
    assert [left.base_model for left in advice.left_out] == ["amazon.titan-text-express-v1:0:8k"]
    assert advice.left_out[0].instead.startswith("Take mistral.mistral-7b")
    assert any("no job can continue from its result" in said.because for said in advice.reasons["method"])


def test_only_base_models_of_the_region_fit() -> None:
    advice = advise(situation(region="us-east-1"))

    assert advice.base_model is not None
    assert "us-east-1" in catalog.find(advice.base_model).regions
    assert all("us-east-1" in one.regions for one in advice.candidates if one.fits)


def test_where_no_base_model_fits_the_reason_is_given() -> None:
    advice = advise(situation(region="eu-west-1"))

    assert advice.base_model is None
    assert "can be tuned only in us-" in advice.reasons["base model"][0].because


def test_too_few_examples_are_counted() -> None:
    few = msgspec.structs.replace(DATA, records=4)

    says = advise(situation(data=few)).reasons["data"][0].says

    assert says == "4 more examples are needed: you have 4."


def test_the_examples_that_a_verdict_takes_are_named_beside_those_that_are_recommended() -> None:
    few = msgspec.structs.replace(DATA, records=120, held_out=14)

    none, some = (advise(Situation(data=data)).reasons["data"][0] for data in (None, few))

    assert none.says.startswith("Collect 250 examples or more")
    assert some.says == (
        "14 held-out examples are too few for a verdict: write a test file of 30 or more, or collect 250 "
        "examples or more without one."
    )
    for one in (none, some):
        assert "100 are recommended" in one.because
        assert "needs 30 held-out examples or more, and so 250 examples without a test file" in one.because


@pytest.mark.parametrize(
    ("records", "epochs", "warmup"), [(800, "2", "5"), (4_000, "2", "25"), (12_000, "1", "75")]
)
def test_novas_hyperparameters_follow_its_makers_guidance(records: int, epochs: str, warmup: str) -> None:
    data = msgspec.structs.replace(DATA, records=records)
    lite = catalog.find("amazon.nova-lite-v1:0:300k")

    from tunedrop.advice._settings import settings

    chosen, _ = settings(data, lite, "single-turn")

    assert (chosen["epochCount"], chosen["learningRateWarmupSteps"]) == (epochs, warmup)


def test_a_finer_difference_takes_more_held_out_examples() -> None:
    """Beyond the 2 % that are asked for: by their square, and four times in five (1,395 by simulation)."""
    assert 1_395 <= records_to_tell(0.05) <= 1_500
    assert records_to_tell(0.05) == pytest.approx((8 / 3) ** 2 * records_to_tell(0.1), rel=0.02)


def test_transfer_learning_and_fine_tuning_are_distinguished_where_it_matters() -> None:
    says = [one.says for one in advise(situation(goal="domain")).reasons["method"]]

    assert any("transfer learning" in one for one in says)
    assert not any("transfer learning" in one.says for one in advise(situation()).reasons["method"])


def test_unknown_facts_are_named() -> None:
    unknown = " ".join(advise(Situation()).unknown)

    assert all(option in unknown for option in ("--for", "--region", "--changes", "--prompted"))
    assert "held-out examples" in unknown


def test_every_statement_has_a_reason_and_a_source() -> None:
    for goal in ("persona", "exclusive-data", "domain", "news", "task"):
        for statements in advise(situation(goal=goal, data=DATA)).reasons.values():
            assert all(one.says and one.because and one.source for one in statements)


def test_an_imported_model_is_not_described_as_billed_by_the_hour() -> None:
    advice = advise(situation(material="preferences"))

    assert advice.candidates
    for one in advice.candidates:
        assert (one.served, one.billed_by, one.hourly_usd) == ("imported", "window", 0.0)
        assert one.remarks[0].startswith("imported into Bedrock: billed for each five minutes of use")
    assert not any("even while idle" in one.says for said in advice.reasons.values() for one in said)
