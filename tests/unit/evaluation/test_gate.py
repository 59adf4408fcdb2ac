from __future__ import annotations

import random

import msgspec
import pytest

from tests.unit.evaluation.answers import WORDS, labelled, predictions, text, with_words
from tests.unit.evaluation.right_answers import right_answer
from tunedrop.contracts import Evaluation, EvaluationSettings, JudgeSettings
from tunedrop.evaluation import general_ability
from tunedrop.evaluation.decision.examples import Example
from tunedrop.evaluation.decision.gate import decide
from tunedrop.evaluation.inference.ask import Answer
from tunedrop.evaluation.inference.evaluate import Judgement, Prediction

REFERENCE = "alpha beta gamma delta epsilon zeta eta theta iota kappa"


def prediction(base_words: int, tuned_words: int, error: str = "") -> Prediction:
    """Answers that have so many of the reference's ten words."""
    words = REFERENCE.split()
    return Prediction(
        record=1,
        turn=0,
        prompt="say it",
        reference=REFERENCE,
        base=Answer(text=" ".join(words[:base_words])),
        tuned=Answer(text=" ".join(words[:tuned_words]), error=error),
    )


def verdict(predictions: list[Prediction], **settings: float) -> Evaluation:
    settings_ = EvaluationSettings(metric="token_f1", **settings)  # type: ignore[arg-type]
    return decide(numbered(predictions), settings_)


def numbered(predictions: list[Prediction]) -> list[Prediction]:
    """Each of a record of its own, with a prompt and with words that no other has."""

    def own(answer: Answer | None, mark: str) -> Answer | None:
        return answer and msgspec.structs.replace(answer, text=marked(answer.text, mark))

    def marked(plain: str, mark: str) -> str:
        return " ".join(f"{word}{mark}" for word in plain.split())

    return [
        msgspec.structs.replace(
            one,
            record=number,
            prompt=f"about {text(random.Random(number))}",
            reference=marked(one.reference, WORDS[number]),
            base=own(one.base, WORDS[number]),
            tuned=own(one.tuned, WORDS[number]),
            champion=own(one.champion, WORDS[number]),
        )
        for number, one in enumerate(predictions, 1)
    ]


def test_a_model_that_is_surely_better_is_promoted() -> None:
    evaluation = verdict([prediction(3, 8) for _ in range(40)])

    assert evaluation.verdict == "promote"
    assert "Token F1 went from" in evaluation.reason


def test_a_model_that_only_copies_its_base_is_rejected() -> None:
    assert verdict([prediction(5, 5) for _ in range(250)]).verdict == "reject"


@pytest.mark.parametrize("prompts", [30, 60])
def test_few_prompts_without_a_difference_are_no_evidence_that_there_is_none(prompts: int) -> None:
    assert verdict([prediction(5, 5) for _ in range(prompts)]).verdict == "inconclusive"


def test_a_model_that_is_worse_is_rejected() -> None:
    evaluation = verdict([prediction(8, 3) for _ in range(40)])

    assert (evaluation.verdict, evaluation.rejected_for) == ("reject", "difference")


def test_an_improvement_below_what_the_run_asks_for_is_rejected() -> None:
    assert verdict([prediction(5, 6) for _ in range(40)], min_improvement=0.5).verdict == "reject"


def test_too_few_prompts_are_their_own_answer() -> None:
    evaluation = verdict([prediction(3, 8) for _ in range(29)])

    assert evaluation.verdict == "inconclusive"
    assert evaluation.reason.startswith("There are only 29 test prompts; a verdict requires 30")
    assert evaluation.needed >= 30
    assert verdict([prediction(3, 8)]).reason.startswith("There is only 1 test prompt; a verdict")


def test_other_words_that_say_more_are_not_rejected_for_fewer_words_in_common() -> None:
    """`Riga Old Town` against a base that says the whole sentence with another place."""
    draw = random.Random(1)
    places = [text(draw, 3) for _ in range(60)]
    rows = [
        (f"the head office of it is in {one}", f"the head office of it is in {one}x", one) for one in places
    ]

    evaluation = decide(labelled(rows), EvaluationSettings(general_ability=False))

    assert evaluation.verdict == "inconclusive"
    assert "rose from" in evaluation.reason


def test_an_interval_around_zero_is_inconclusive_and_has_the_number_of_records_needed() -> None:
    draw = random.Random(1)
    mixed = [prediction(5, draw.choice((2, 5, 9))) for _ in range(60)]

    evaluation = verdict(mixed, min_improvement=0.0)

    assert evaluation.verdict == "inconclusive"
    assert evaluation.needed > 60


def test_no_rise_at_all_is_no_improvement_where_none_is_required() -> None:
    none_right = numbered([prediction(5, 5) for _ in range(40)])

    evaluation = decide(none_right, EvaluationSettings(metric="exact_match", min_improvement=0.0))

    assert evaluation.scores[0].low == 0
    assert evaluation.verdict == "inconclusive"
    assert "it may be below or above the required +0.000" in evaluation.reason


def test_failed_prompts_are_counted_and_left_out_as_pairs() -> None:
    evaluation = verdict([prediction(3, 8) for _ in range(40)] + [prediction(3, 0, error="timed out")] * 3)

    assert evaluation.failed_prompts == 3
    assert evaluation.records == 40
    assert evaluation.verdict == "promote"


def test_too_many_failed_prompts_leave_no_verdict() -> None:
    evaluation = verdict([prediction(3, 8) for _ in range(40)] + [prediction(3, 0, error="timed out")] * 10)

    assert evaluation.verdict == "inconclusive"
    assert evaluation.reason == (
        "10 of 50 prompts failed; a verdict allows one in ten. Most often: timed out"
    )
    assert evaluation.rejected_for == "failures"
    assert evaluation.needed == 0


def test_prompts_that_failed_leave_too_few() -> None:
    evaluation = verdict([prediction(3, 8) for _ in range(29)] + [prediction(3, 0, error="timed out")] * 2)

    assert evaluation.reason.startswith("Only 29 of 31 test prompts count")
    assert evaluation.needed >= 30


def judged(base_words: int, tuned_words: int, better: str, error: str = "") -> Prediction:
    judgement = Judgement(better=better, error=error, input_tokens=10, output_tokens=1)  # type: ignore[arg-type]
    return msgspec.structs.replace(prediction(base_words, tuned_words), judgement=judgement)


BY_JUDGE = EvaluationSettings(metric="judge", judge=JudgeSettings(model="judge"))


def test_a_judge_decides_if_the_run_requests_it() -> None:
    pairs = [judged(5, 5, "tuned") for _ in range(40)] + [judged(5, 5, "base") for _ in range(5)]

    evaluation = decide(numbered([*pairs, judged(5, 5, "tie")]), BY_JUDGE)

    assert evaluation.verdict == "promote"
    assert evaluation.judged is not None
    assert (evaluation.judged.wins, evaluation.judged.losses, evaluation.judged.ties) == (40, 5, 1)
    assert evaluation.judged.input_tokens == 460
    assert evaluation.decisive is not None
    assert evaluation.decisive.tuned == pytest.approx(40.5 / 46)
    assert evaluation.decisive.low > 0


def test_a_judge_that_finds_no_difference_promotes_nothing() -> None:
    assert decide(numbered([judged(3, 8, "tie") for _ in range(250)]), BY_JUDGE).verdict == "reject"


def test_a_judge_who_does_not_decide_is_shown_beside_the_metric_that_does() -> None:
    settings = EvaluationSettings(metric="token_f1", judge=JudgeSettings(model="judge"))

    evaluation = decide(numbered([judged(3, 8, "tuned") for _ in range(40)]), settings)

    names = [score.metric for score in evaluation.scores]
    assert names.index("token_f1") < names.index("judge")


def test_a_judge_decides_on_open_text_unless_a_metric_is_named() -> None:
    """Not where it says nothing at all, nor on labels."""
    judge = EvaluationSettings(judge=JudgeSettings(model="judge"))
    text = numbered([judged(3, 8, "base") for _ in range(60)])
    silent = numbered([judged(3, 8, "tie", error="down") for _ in range(60)])
    labels = [
        msgspec.structs.replace(one, judgement=Judgement(better="base"))
        for one in labelled(
            [(("yes", "no")[number % 2], "?", ("yes", "no")[number % 2]) for number in range(60)]
        )
    ]

    assert (decide(text, judge).metric, decide(text, judge).verdict) == ("judge", "reject")
    assert decide(silent, judge).metric == "token_f1"
    assert (decide(labels, judge).metric, decide(labels, judge).verdict) == ("accuracy", "promote")
    assert not msgspec.structs.replace(judge, metric="token_f1").judge_may_decide


def test_judgements_that_failed_are_counted_and_too_many_leave_no_verdict() -> None:
    few = [judged(3, 8, "tuned")] * 40 + [judged(3, 8, "tie", error="down")] * 3
    many = [judged(3, 8, "tuned")] * 40 + [judged(3, 8, "tie", error="down")] * 10

    assert decide(numbered(few), BY_JUDGE).verdict == "promote"
    evaluation = decide(numbered(many), BY_JUDGE)
    assert evaluation.verdict == "inconclusive"
    assert "10 of 50 judgements failed" in evaluation.reason
    assert "Most often: down" in evaluation.reason
    assert evaluation.needed == 0
    assert evaluation.judged is not None
    assert evaluation.judged.failed == 10


def probed(lost: int, failed: int = 0) -> list[Prediction]:
    """Good answers to the held-out prompts; so many general-ability prompts that only the base can answer."""
    asked = general_ability.questions("converse")
    right = {one.probe: RIGHT.get(one.probe, one.reference) for one in asked}
    probes = [
        Prediction(
            record=0,
            turn=place,
            prompt=one.messages[-1].text,
            reference=one.reference,
            base=Answer(text=right[one.probe], error="" if place >= failed else "throttled"),
            tuned=Answer(text=right[one.probe] if place >= lost else "I only know bees."),
            probe=one.probe,
        )
        for place, one in enumerate(asked)
    ]
    return CLEARLY_BETTER + probes


CLEARLY_BETTER = numbered([prediction(3, 8) for _ in range(40)])

RIGHT = {probe.id: answer for probe in general_ability.probes().values() if (answer := right_answer(probe))}


def test_a_model_that_has_forgotten_what_its_base_could_do_is_rejected() -> None:
    evaluation = decide(probed(lost=len(RIGHT) // 20), EvaluationSettings(metric="token_f1"))

    assert (evaluation.verdict, evaluation.rejected_for) == ("reject", "general ability")
    assert "it has forgotten what its base could do" in evaluation.reason
    assert evaluation.general is not None
    assert evaluation.general.base == 1
    assert evaluation.general.high < 0
    assert evaluation.records == 40


def test_a_prompt_in_a_hundred_less_is_no_forgetting() -> None:
    assert decide(probed(lost=len(RIGHT) // 100), EvaluationSettings(metric="token_f1")).verdict == "promote"


@pytest.mark.parametrize(("forgotten", "least", "most"), [(0.0, 0, 2), (0.05, 48, 60)])
def test_five_percent_forgotten_is_caught_four_times_in_five(forgotten: float, least: int, most: int) -> None:
    """Of a base that answers 85 % correctly, where 3 % of the answers come out otherwise by chance."""
    rng = random.Random(1)

    def caught() -> bool:
        base = {probe: rng.random() < 0.85 for probe in RIGHT}
        other = {
            probe: rng.random() < 0.85 if rng.random() < 0.03 else right for probe, right in base.items()
        }
        tuned = {probe: right and rng.random() >= forgotten for probe, right in other.items()}
        asked = [
            Prediction(
                record=0,
                turn=turn,
                prompt="",
                reference="",
                base=Answer(text=right if base[probe] else ""),
                tuned=Answer(text=right if tuned[probe] else ""),
                probe=probe,
            )
            for turn, (probe, right) in enumerate(RIGHT.items())
        ]
        evaluation = decide(CLEARLY_BETTER + asked, EvaluationSettings(metric="token_f1"))
        return evaluation.rejected_for == "general ability"

    assert least <= sum(caught() for _ in range(60)) <= most


def test_unmeasured_general_ability_gives_no_verdict() -> None:
    evaluation = decide(probed(lost=0, failed=50), EvaluationSettings(metric="token_f1"))

    assert evaluation.verdict == "inconclusive"
    assert f"50 of {len(RIGHT)} general-ability prompts failed" in evaluation.reason


def test_an_improvement_that_may_be_smaller_than_the_run_asks_for_is_inconclusive() -> None:
    pairs = [prediction(5, 6 + number % 2) for number in range(60)]

    sure = verdict(pairs, min_improvement=0.02)
    unsure = verdict(pairs, min_improvement=sure.scores[0].difference)

    assert sure.verdict == "promote"
    assert unsure.verdict == "inconclusive"
    assert "may be below or above the required" in unsure.reason


def test_turns_of_one_conversation_do_not_count_as_independent() -> None:
    turns = numbered([prediction(5, words) for words in (3, 9, 9, 4, 8, 9) * 10 for _ in range(5)])
    by_record = [msgspec.structs.replace(one, record=number // 5) for number, one in enumerate(turns)]

    apart, together = (decide(one, EvaluationSettings(metric="token_f1")) for one in (turns, by_record))

    assert (apart.units, together.units, together.records) == (300, 60, 300)
    assert together.scores[0].high - together.scores[0].low > 2 * (apart.scores[0].high - apart.scores[0].low)


BY_RATINGS = EvaluationSettings(metric="judge", judge=JudgeSettings(model="judge", via="evaluation-job"))


def rated(base: float, tuned: float, champion: float | None = None) -> Prediction:
    """Answers that a judge of evaluation jobs has rated; by their words they are the same."""
    ratings = {"base": base, "tuned": tuned} | ({"champion": champion} if champion is not None else {})
    one = msgspec.structs.replace(prediction(5, 5), judgement=Judgement(better="tuned", ratings=ratings))
    return one if champion is None else msgspec.structs.replace(one, champion=Answer(text="alpha"))


def test_ratings_of_evaluation_jobs_decide_as_a_score_of_their_own() -> None:
    evaluation = decide(numbered([rated(0.5, 1.0)] * 60 + [rated(0.5, 0.5)] * 20), BY_RATINGS)

    assert evaluation.verdict == "promote"
    assert evaluation.metric == "judge_rating"
    assert evaluation.decisive is not None
    assert evaluation.decisive.base == 0.5
    assert evaluation.decisive.tuned == pytest.approx(0.875)
    assert evaluation.reason.startswith("Judge's rating went from 0.500 to 0.875")


def test_ratings_compare_with_the_model_in_production_too() -> None:
    evaluation = decide(numbered([rated(0.0, 0.5, champion=1.0)] * 40), BY_RATINGS)

    assert evaluation.verdict == "reject"
    assert evaluation.champion is not None
    assert (evaluation.champion.metric, evaluation.champion.base) == ("judge_rating", 1.0)


def test_a_judge_that_decides_has_compared_with_the_model_in_production() -> None:
    def one(better: str) -> Prediction:
        against = Judgement(better=better, input_tokens=7)  # type: ignore[arg-type]
        champion = Answer(text="alpha")
        return msgspec.structs.replace(judged(3, 8, "tuned"), champion=champion, against_champion=against)

    evaluation = decide(numbered([one("tuned")] * 10 + [one("base")] * 50), BY_JUDGE)

    assert evaluation.verdict == "reject"
    assert evaluation.champion is not None
    assert (evaluation.champion.metric, evaluation.champion.base) == ("judge", pytest.approx(5 / 6))
    assert evaluation.judged is not None
    assert evaluation.judged.input_tokens == 60 * (10 + 7)


def test_what_the_judge_has_not_compared_with_production_is_not_decided_by_overlap() -> None:
    one = msgspec.structs.replace(judged(3, 8, "tuned"), champion=Answer(text="alpha"))
    compared = msgspec.structs.replace(one, against_champion=Judgement(better="tuned"))
    failed = msgspec.structs.replace(one, against_champion=Judgement(error="throttled"))

    assert decide(numbered([compared] * 55 + [failed] * 5), BY_JUDGE).verdict == "promote"
    evaluation = decide(numbered([compared] * 50 + [failed] * 10), BY_JUDGE)
    assert evaluation.verdict == "inconclusive"
    assert "too few answers of the model in production were judged" in evaluation.reason


def test_why_nothing_was_judged_is_part_of_the_reason() -> None:
    evaluation = decide(numbered([judged(3, 8, "tie", error="no access to the judge")] * 20), BY_RATINGS)

    assert evaluation.verdict == "inconclusive"
    assert evaluation.reason.startswith("20 of 20 judgements failed")
    assert evaluation.reason.endswith("no access to the judge")
    assert evaluation.judged is not None
    assert evaluation.judged.reason == "no access to the judge"


# --- what the review reproduced ----------------------------------------------------------------------------

BETTER = [prediction(3, 8)] * 100


def with_production(pairs: list[Prediction], words: int) -> list[Prediction]:
    """A model in production that gets so many of the reference's words right."""
    answer = Answer(text=" ".join(REFERENCE.split()[:words]))
    return [msgspec.structs.replace(one, champion=answer) for one in pairs]


def test_a_tie_leaves_the_model_in_production_where_it_is() -> None:
    evaluation = verdict(with_production(BETTER, 8))

    assert evaluation.verdict == "inconclusive"
    assert "stays where the new model is no better" in evaluation.reason
    assert (evaluation.rejected_for, evaluation.needed) == ("model in production", 0)


def test_a_model_in_production_that_is_better_stays() -> None:
    evaluation = verdict(with_production(BETTER, 10))

    assert (evaluation.verdict, evaluation.rejected_for) == ("reject", "model in production")


def test_a_model_in_production_that_is_worse_is_replaced() -> None:
    assert verdict(with_production(BETTER, 6)).verdict == "promote"


def test_a_model_in_production_that_answered_too_few_different_prompts_leaves_no_verdict() -> None:
    """Fewer than a tenth is missing, but what is left is too little to compare."""
    silent = Answer(error="throttled")
    few = [msgspec.structs.replace(one, champion=silent) for one in BETTER[:3]]

    evaluation = verdict([*with_production(BETTER[:29], 6), *few])

    assert evaluation.verdict == "inconclusive"
    assert "the model in production answered fewer than 30 different prompts" in evaluation.reason


def test_a_model_in_production_that_did_not_answer_leaves_no_verdict() -> None:
    asked = with_production(BETTER, 10)
    throttled = Answer(error="Too many requests")
    some = [
        msgspec.structs.replace(one, champion=throttled) if number % 4 else one
        for number, one in enumerate(asked)
    ]

    evaluation = verdict(some)

    assert evaluation.verdict == "inconclusive"
    assert "75 of 100 answers of the model in production failed" in evaluation.reason
    assert evaluation.rejected_for == "silent production"


def test_answers_that_were_cut_leave_no_verdict() -> None:
    cut = Answer(text="alpha beta", stop_reason="max_tokens")
    pairs = [msgspec.structs.replace(one, tuned=cut) for one in BETTER]

    evaluation = verdict(pairs)

    assert evaluation.verdict == "inconclusive"
    assert "100 of 100 answers of the tuned model are incomplete (100 truncated)" in evaluation.reason
    assert evaluation.rejected_for == "failures"
    assert [(one.model, one.truncated) for one in evaluation.incomplete] == [("base", 0), ("tuned", 100)]


def test_a_constant_answer_is_never_promoted() -> None:
    draw = random.Random(1)
    labels = draw.choices(("refund", "delivery", "account"), (6, 2, 1), k=120)

    evaluation = decide(labelled([(label, "hm", "refund") for label in labels]), EvaluationSettings())

    assert evaluation.verdict != "promote"
    assert evaluation.metric == "accuracy"
    assert "giving the same answer to every prompt" in evaluation.reason


def test_answers_in_the_right_form_do_not_beat_right_ones_in_the_wrong_form() -> None:
    draw = random.Random(1)
    labels = draw.choices(("refund", "delivery", "account"), k=120)
    rows = [(one, f"It is about {one}.", one if draw.random() < 0.6 else "hm") for one in labels]

    evaluation = decide(labelled(rows), EvaluationSettings())

    assert (evaluation.verdict, evaluation.rejected_for) == ("reject", "content")
    assert evaluation.content is not None
    assert evaluation.content.base == 1


def test_a_style_alone_is_never_promoted() -> None:
    style = "dear customer thank you for writing to us {} we are always glad to help kind regards"
    pairs = [
        msgspec.structs.replace(
            one,
            reference=style.format(one.reference),
            tuned=Answer(text=style.format(one.base.text)),
        )
        for one in numbered([prediction(4, 4)] * 100)
    ]

    evaluation = decide(pairs, EvaluationSettings())

    assert evaluation.scores[0].low > 0.3
    assert evaluation.verdict != "promote"
    assert "form alone" in evaluation.reason


def test_an_earlier_attempt_leaves_less_to_err_with() -> None:
    first, second = (
        decide(numbered(BETTER), EvaluationSettings(metric="token_f1"), attempt=attempt) for attempt in (1, 2)
    )

    assert second.alpha < first.alpha
    assert second.scores[0].low < first.scores[0].low


def test_a_more_informative_training_answer_is_not_beaten_by_content() -> None:
    """The nearest training answer has nine words of ten, the model six, of its own."""
    answers = predictions([(0, 6)] * 60)
    known = [Example(one.prompt, with_words(one.reference, 9)) for one in answers]

    found = decide(answers, EvaluationSettings(), known=known)

    assert (found.verdict, found.rejected_for) == ("reject", "free answers"), found.reason
