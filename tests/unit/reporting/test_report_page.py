"""The HTML report as text; what a browser makes of it is in test_report_in_chromium."""

from __future__ import annotations

import json
import re
from typing import Any, get_args

import markupsafe
import msgspec
import pytest

from local import samples
from tunedrop.contracts import (
    Evaluation,
    EvaluationSettings,
    Failure,
    Reason,
    Score,
    StartedJob,
    TrainingJob,
)
from tunedrop.dataset.check.check import check
from tunedrop.dataset.rules import explanations
from tunedrop.evaluation import general_ability
from tunedrop.evaluation.decision.gate import decide
from tunedrop.evaluation.inference.ask import Answer
from tunedrop.evaluation.inference.evaluate import Judgement, Neighbour, Prediction
from tunedrop.registry import StepRecord
from tunedrop.reporting import _document, advice
from tunedrop.reporting.report import (
    Material,
    _answers,
    _comparison,
    _confusion,
    _forest,
    _losses,
    _timeline,
    render,
    render_answers,
    svg,
)
from tunedrop.training.curves import Curves, Loss, Reward

SAMPLES = samples.all_of_them()


def score(**changes: object) -> Score:
    valid = Score(metric="token_f1", base=0.3, tuned=0.6, difference=0.3, low=0.2, high=0.4)
    return msgspec.structs.replace(valid, **changes)


@pytest.mark.parametrize("name", [name for name in SAMPLES if name != "hostile"])
def test_every_way_to_end_has_a_report_that_begins_with_its_verdict(name: str) -> None:
    material = SAMPLES[name]

    html = render(material)

    first, second = html.index("<h1"), html.index("What to do next")
    assert material.ending.run.name in html[first:second]
    assert html.index("<section", second) < html.index("<h2>Lineage")


def test_a_cost_that_leaves_out_what_has_no_price_says_so_at_the_top() -> None:
    material = SAMPLES["promoted"]
    cost = material.ending.cost
    assert cost is not None
    first, *others = cost.lines
    lines = (msgspec.structs.replace(first, source="", priced_on=""), *others)
    ending = msgspec.structs.replace(material.ending, cost=msgspec.structs.replace(cost, lines=lines))

    html = render(msgspec.structs.replace(material, ending=ending))

    glance = html[: html.index("<h2>Cost")]
    assert f"at least {cost.likely:.2f} USD" in glance
    assert "no dated price is known for" in glance
    assert f"at least {cost.likely:.2f} USD" not in render(material)


def test_the_report_carries_all_that_it_needs() -> None:
    html = render(SAMPLES["promoted"])

    assert not re.search(r"<(link|img|iframe|object|embed)\b|\bsrc=|@import|url\(", html)
    assert "default-src &#39;none&#39;" in html


def test_each_kind_of_run_shows_what_it_has() -> None:
    def sections(name: str) -> list[str]:
        return re.findall(r"<h2>(.*?)</h2>", render(SAMPLES[name]))

    assert sections("promoted") == [
        "What to do next", "Scores", "What the verdict rests on", "Answer by answer", "Answers side by side",
        "All answers", "Length of answers", "Training", "Dataset", "Cost", "Call the model", "Timeline",
        "Lineage",
    ]  # fmt: skip
    assert "Answers by label" in sections("labels")
    assert sections("refused") == ["What to do next", "Dataset", "Timeline", "Lineage"]


def test_all_answers_are_there_with_their_scores_and_what_was_lost() -> None:
    probe = next(iter(general_ability.probes().values()))
    forgotten = msgspec.structs.replace(
        SAMPLES["promoted"].predictions[0],
        probe=probe.id,
        prompt=probe.prompt,
        reference=probe.expected,
        base=Answer(text=probe.expected),
        tuned=Answer(text="no <b>idea"),
    )
    html = render(msgspec.structs.replace(SAMPLES["promoted"], probes=[forgotten]))

    answered = [one for one in SAMPLES["promoted"].predictions if not one.failed]
    assert html.count('<details class="entry"') == len(answered)
    assert "General-ability prompts that the tuned model fails: 1" in html
    assert "no &lt;b&gt;idea" in html


def test_wins_ties_and_losses_are_counted_and_parts_of_the_test_set_shown() -> None:
    answers_ = [
        Prediction(
            record=number,
            turn=0,
            prompt="Где мой заказ?" if number % 2 else "Where is my order?",
            reference="on its way" if number % 3 else "lost",
            base=Answer(text="lost"),
            tuned=Answer(text="on its way"),
        )
        for number in range(60)
    ]
    evaluation = Evaluation(done=True, metric="exact_match")

    found = _comparison.of(evaluation, answers_)

    assert found is not None
    assert (found.wins, found.losses, found.ties) == (40, 20, 0)
    assert {"Prompt in Latin script", "Prompt in Cyrillic script"} <= {one.name for one in found.slices}
    assert sum(one.prompts for one in found.slices if one.name.startswith("Prompt in")) == 60


def test_parts_near_to_the_training_data_stand_beside_those_far_from_it() -> None:
    """Conversations of two turns each: the doubt is that of 30, not of 60."""
    answers_ = [
        Prediction(
            record=number // 2,
            turn=number % 2,
            prompt="Where?",
            reference="on its way",
            base=Answer(text="lost"),
            tuned=Answer(text="on its way" if number < 40 else "lost"),
            distance=number / 60,
        )
        for number in range(60)
    ]

    found = _comparison.of(Evaluation(done=True, metric="exact_match"), answers_)

    assert found is not None
    parts = {one.name: one for one in found.slices}
    near = parts["Prompts nearer to the training data"]
    far = parts["Prompts further from the training data"]
    assert (near.prompts, near.tuned, near.doubt) == (31, 1, 0)
    assert far.tuned < 0.5
    assert far.doubt == pytest.approx(0.25, abs=0.05)


def test_an_answer_is_shown_beside_its_nearest_training_record() -> None:
    """And how many answers are low, whatever the verdict."""
    answers_ = [
        Prediction(
            record=number,
            turn=0,
            prompt=f"Where is parcel {number}?",
            reference="on its way",
            base=Answer(text="lost"),
            tuned=Answer(text="on its way" if number else "here"),
            distance=0.25,
            nearest=Neighbour("Where is <b>parcel</b> 7?", "at the depot"),
        )
        for number in range(40)
    ]
    settings = EvaluationSettings()

    page = render_answers("answers", settings, decide(answers_, settings), answers_)

    assert "Nearest training record <span>distance 0.25</span>" in page
    assert "Where is &lt;b&gt;parcel&lt;/b&gt; 7?" in page
    assert "In <b>1</b> the tuned model itself scores below 0.5" in page


def test_a_grader_s_rewards_are_compared_where_they_decided() -> None:
    answers_ = [
        Prediction(
            record=number,
            turn=0,
            prompt="Where?",
            reference="",
            base=Answer(text="a"),
            tuned=Answer(text="b"),
            rewards={"base": 0.5, "tuned": 1.0 if number else 0.2},
        )
        for number in range(40)
    ]

    found = _comparison.of(Evaluation(done=True, metric="reward"), answers_)

    assert found is not None
    assert (found.title, found.wins, found.losses) == ("Grader's reward", 39, 1)


def test_rewards_of_any_range_are_shown_on_the_scale_of_the_verdict() -> None:
    answers_ = [
        Prediction(
            record=place,
            turn=0,
            prompt=f"{place} {chr(97 + place % 26) * 9}{place}",
            reference="x" * (1 + place),
            base=Answer(text=f"a{place}"),
            tuned=Answer(text=f"b{place}"),
            rewards={"base": 40.0 + place % 7, "tuned": 70.0 + place % 3},
        )
        for place in range(40)
    ]
    evaluation = decide(answers_, EvaluationSettings())

    found = _comparison.of(evaluation, answers_)

    assert found is not None
    (score,) = [one for one in evaluation.scores if one.metric == "reward"]
    shown = [sum(getattr(one, name) * one.prompts for one in found.slices) for name in ("base", "tuned")]
    assert [one / len(answers_) for one in shown] == pytest.approx([score.base, score.tuned])
    assert "0 counts as 0 and 72 as 1" in found.meaning


def test_only_what_failed_is_red() -> None:
    css = _document._source("report/report.css")
    red = re.findall(r"([^{}]*)\{ --tone: var\(--bad\) \}", css)

    assert [one.strip() for one in red] == [".verdict.failed"]


def test_a_negative_number_has_the_same_minus_in_the_verdict_as_in_the_tables() -> None:
    ending = SAMPLES["rejected"].ending
    assert ending.evaluation is not None
    worse = msgspec.structs.replace(ending.evaluation, reason="Token F1: -0.100 to -0.020 in run-7-2026")

    html = render(
        msgspec.structs.replace(SAMPLES["rejected"], ending=msgspec.structs.replace(ending, evaluation=worse))
    )

    assert "Token F1: \N{MINUS SIGN}0.100 to \N{MINUS SIGN}0.020 in run-7-2026." in html


def test_the_report_counts_and_explains_each_broken_rule() -> None:
    records = [{"prompt": f"what is {number}?", "completion": ""} for number in range(300)]
    records += [
        {"prompt": f"who is {number}?", "completion": f"{number} is", "odd": "1"} for number in range(300)
    ]
    lines = [json.dumps(one).encode() + b"\n" for one in records]
    findings = check({"train": lines}, {"train": "train.jsonl"})

    html = render(msgspec.structs.replace(SAMPLES["refused"], findings=findings))

    errors, warnings = html.index("TD021"), html.index("TD014")
    assert errors < warnings
    assert html.count('data-name="times">300<') == 2
    assert str(markupsafe.escape(explanations.load()["TD021"].why.replace("`", ""))) in html
    assert "295 more" in html
    assert "tunedrop check --max-errors" in html


def test_the_style_and_the_script_work_without_any_request_or_inline_style() -> None:
    html = render(SAMPLES["promoted"])
    body = html[html.index("<main>") : html.index("<script>")]

    assert " style=" not in body
    assert not re.search(r"\son\w+=", body)


def test_what_cannot_be_seen_is_named() -> None:
    shown = _document.visible("invoice\u202efdp.exe <b>")

    assert shown == 'invoice<span class="unseen">U+202E</span>fdp.exe &lt;b&gt;'


def test_joiners_that_languages_and_emoji_need_are_left_alone() -> None:
    family = "\U0001f469\u200d\U0001f467 \u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"

    assert _document.visible(family) == family


def test_attributes_of_a_drawing_are_escaped() -> None:
    assert svg.el("text", "<b>", x='"><script>') == '<text x="&#34;&gt;&lt;script&gt;">&lt;b&gt;</text>'


@pytest.mark.parametrize(("top", "marks"), [(1.0, [0, 0.25, 0.5, 0.75, 1.0]), (3.3, [0, 1, 2, 3]), (0, [0])])
def test_an_axis_has_round_marks(top: float, marks: list[float]) -> None:
    assert svg.ticks(top) == pytest.approx(marks)


@pytest.mark.parametrize(
    ("low", "high", "higher_is_better", "kind"),
    [
        (0.1, 0.2, True, "good"),
        (-0.2, -0.1, True, "bad"),
        (-0.1, 0.1, True, "open"),
        (-0.2, -0.1, False, "good"),
    ],
)
def test_an_interval_is_good_or_bad_only_as_a_whole(
    low: float, high: float, higher_is_better: bool, kind: str
) -> None:
    assert _forest.kind(score(low=low, high=high, higher_is_better=higher_is_better)) == kind


def test_the_deciding_metric_stands_first_and_a_perplexity_has_its_own_scale() -> None:
    perplexity = Score(
        metric="perplexity", base=30, tuned=12, difference=-18, low=-20, high=-16, higher_is_better=False
    )

    rows = _forest.rows([perplexity, score()], decisive="token_f1")

    assert [row.score.metric for row in rows] == ["token_f1", "perplexity"]
    assert _forest.scale([score()]) == 0.75
    assert _forest.scale([perplexity]) > 30


def test_an_answer_is_cut_where_it_agrees_with_the_reference() -> None:
    found = _answers.parts("Fill the tank, then wait.", "fill a tank then go")

    assert [(part.text, part.wanted) for part in found] == [
        ("fill", True), (" a ", False), ("tank", True), (" ", False), ("then", True), (" go", False),
    ]  # fmt: skip


def test_best_gains_worst_losses_and_some_at_random_are_shown_once_each() -> None:
    material = SAMPLES["labels"]

    groups = _answers.groups(material.ending, material.predictions)

    shown = [pair.place for group in groups for pair in group.pairs]
    assert [group.title for group in groups] == ["Best gains", "Worst losses", "At random"]
    assert all(pair.gain > 0 for pair in groups[0].pairs)
    assert all(pair.gain < 0 for pair in groups[1].pairs)
    assert len(shown) == len(set(shown))


def test_where_a_judges_ratings_decide_the_gains_are_those_of_its_ratings() -> None:
    material = SAMPLES["labels"]
    decided = msgspec.structs.replace(material.ending.evaluation, metric="judge_rating")  # type: ignore[type-var]
    liked, unrated, *_ = material.predictions
    judgement = Judgement(ratings={"base": 0.25, "tuned": 1.0})

    (group,) = _answers.groups(
        msgspec.structs.replace(material.ending, evaluation=decided),
        [msgspec.structs.replace(liked, judgement=judgement), unrated],
    )

    (pair,) = group.pairs
    assert (group.title, pair.base_score, pair.tuned_score) == ("Best gains", 0.25, 1.0)


@pytest.mark.parametrize(
    ("name", "headline"),
    [
        ("promoted", "is better than its base model and in production"),
        ("rejected", "is not better than its base model"),
        ("inconclusive", "is not distinguishable from its base model"),
        ("unanswered", "could not be compared with its base model"),
    ],
)
def test_the_headline_says_what_the_verdict_rests_on(name: str, headline: str) -> None:
    assert f"{headline}</h1>" in render(SAMPLES[name])


def inconclusive(**changes: Any) -> str:
    """The report of a run whose evaluation is the sample's with these changes."""
    ending = SAMPLES["inconclusive"].ending
    assert ending.evaluation is not None
    evaluation = msgspec.structs.replace(ending.evaluation, **changes)
    ending = msgspec.structs.replace(ending, evaluation=evaluation)
    return render(msgspec.structs.replace(SAMPLES["inconclusive"], ending=ending))


@pytest.mark.parametrize(
    ("needed", "headline"),
    [
        (200, "has too few test records for a verdict"),
        (0, "is better than its base model, but perhaps by too little"),
    ],
)
def test_a_difference_that_excludes_zero_is_not_called_indistinguishable(needed: int, headline: str) -> None:
    evaluation = SAMPLES["inconclusive"].ending.evaluation
    assert evaluation is not None
    score = msgspec.structs.replace(evaluation.scores[0], low=0.1, high=0.9)

    html = inconclusive(scores=(score,), metric=score.metric, needed=needed)

    assert f"{headline}</h1>" in html


NOT_COMPARED = ("failures", "base model", "silent production")


@pytest.mark.parametrize("reason", [one for one in get_args(Reason) if one not in NOT_COMPARED])
def test_a_model_that_was_compared_has_no_failures_to_fix(reason: Reason) -> None:
    html = inconclusive(rejected_for=reason, needed=0)

    assert "could not be compared" not in html
    assert "Fix the failures" not in html
    assert "More test records would probably not change this." in html


def test_failures_are_fixed_before_records_are_added() -> None:
    html = inconclusive(rejected_for="failures", needed=30)

    assert "could not be compared with its base model</h1>" in html
    assert "Fix the failures" in html
    assert "held-out records would be enough" not in html


def test_the_headline_says_that_the_model_in_production_is_better() -> None:
    ending = SAMPLES["rejected"].ending
    assert ending.evaluation is not None
    behind = msgspec.structs.replace(ending.evaluation, rejected_for="model in production")

    html = render(
        msgspec.structs.replace(
            SAMPLES["rejected"], ending=msgspec.structs.replace(ending, evaluation=behind)
        )
    )

    assert "is better than its base model, but not than the model in production</h1>" in html


def test_a_run_without_its_base_model_says_why_and_how_to_get_its_verdict() -> None:
    reason = "the base model Qwen3 4B could not be asked: Bedrock could not import it: An internal error"
    ending = SAMPLES["rejected"].ending
    evaluation = Evaluation(done=True, rejected_for="base model", reason=reason)
    ending = msgspec.structs.replace(ending, evaluation=evaluation)
    material = msgspec.structs.replace(SAMPLES["rejected"], ending=ending, predictions=())

    html = render(material)

    assert "could not be compared with its base model</h1>" in html
    assert "Bedrock could not import it: An internal error" in html
    assert f"tunedrop retry {ending.run.run_id}" in html
    assert "More records would not help" not in html


def test_an_answer_of_a_conversation_is_found_by_its_turn() -> None:
    material = SAMPLES["multi-turn"]

    groups = _answers.groups(material.ending, material.predictions)

    assert all(re.fullmatch(r"record \d+, turn [12]", pair.place) for group in groups for pair in group.pairs)


def test_labels_are_counted_right_down_given_across() -> None:
    material = SAMPLES["labels"]

    found = _confusion.of(material.ending, material.predictions)

    assert found is not None
    assert sum(label.prompts for label in found.labels) == len(material.predictions)
    base, tuned = found.matrices
    assert sum(cells[index].count for index, (_, cells) in enumerate(tuned.rows)) > sum(
        cells[index].count for index, (_, cells) in enumerate(base.rows)
    )


def test_rewards_are_drawn_below_zero_too_and_without_epochs() -> None:
    rewards = tuple(Reward(step, reward) for step, reward in enumerate((-0.5, 0.0, 0.5)))
    promoted = SAMPLES["promoted"]

    drawn = render(msgspec.structs.replace(promoted, curves=Curves(rewards=rewards)))

    ((points,),) = (re.findall(r'<polyline points="([^"]+)"[^>]*class="learned"', one) for one in [drawn])
    places = [tuple(map(float, one.split(","))) for one in points.split()]
    assert [x for x, _ in places] == [0.0, 500.0, 1000.0]
    assert places[0][1] == _losses.HEIGHT - _losses.BOTTOM
    assert places[0][1] > places[1][1] > places[2][1] >= _losses.TOP
    assert "mean reward of the sampled answers" in drawn
    assert "epoch 1" not in drawn


def test_a_long_curve_is_drawn_by_the_means_of_its_stretches() -> None:
    rows = [Loss(step, 0, float(step)) for step in range(10_000)]

    thinned = _losses.thinned(rows, 100)

    assert len(thinned) == 100
    assert thinned[0].loss == pytest.approx(49.5)
    assert thinned[-1].step == 9_999


@pytest.mark.parametrize(
    ("seconds", "words"), [(42, "42 s"), (420, "7 min"), (12_000, "3 h 20 min"), (190_800, "2 d 5 h")]
)
def test_durations_are_said_as_people_say_them(seconds: float, words: str) -> None:
    assert _timeline.in_words(seconds) == words


def test_a_run_without_anything_but_a_failure_has_a_report() -> None:
    bare = Material(ending=SAMPLES["refused"].ending, stage=samples.stage())

    assert "was refused before anything was paid" in render(bare)


def test_a_search_shows_every_candidate_and_which_was_served() -> None:
    promoted = SAMPLES["promoted"]
    job = promoted.ending.job
    assert job is not None
    values = {"epochCount": "1", "learningRate": "0.0001"}
    served = TrainingJob(
        title="candidate 1 of 2, epochCount 1",
        method="single-turn",
        hyperparameters=values,
        status="trained",
        job=job,
        chosen=True,
    )
    lost = TrainingJob(
        title="candidate 2 of 2, epochCount 2",
        method="single-turn",
        hyperparameters=values | {"epochCount": "2"},
        status="failed",
        failure="<Bedrock> lost it",
    )
    ending = msgspec.structs.replace(
        promoted.ending,
        run=msgspec.structs.replace(
            promoted.ending.run, candidates=(served.hyperparameters, lost.hyperparameters)
        ),
        started=StartedJob(outcome="finished", job=job, series=(served, lost)),
    )

    html = render(msgspec.structs.replace(promoted, ending=ending))

    section = html[html.index("<h2>Jobs</h2>") : html.index("<h2>Training</h2>")]
    assert "Candidates of a search" in section
    assert re.search(r"candidate 1 of 2, epochCount 1</th><td><b>trained, served</b>", section)
    assert "failed: &lt;Bedrock&gt; lost it" in section


def test_steps_of_one_second_stand_in_the_order_of_their_ends() -> None:
    at = "2026-11-23T08:00:0{}Z".format
    steps = [
        StepRecord(step="notify", started_at=at(2)),
        StepRecord(step="preflight", started_at=at(1), ended_at=at(2)),
        StepRecord(step="release_throughput", started_at=at(2), ended_at=at(2)),
        StepRecord(step="validate_data", started_at=at(1), ended_at=at(1)),
    ]

    assert [one.step for one in _timeline.rows(steps)] == [
        "validate data", "preflight", "release throughput", "notify",
    ]  # fmt: skip


def test_a_stopped_run_is_not_asked_to_mend_a_cause() -> None:
    stopped = msgspec.structs.replace(
        SAMPLES["failed"].ending, failure=Failure(error="RunStopped", cause="stopped by ana")
    )

    (first, *_) = advice.next_steps(SAMPLES["failed"].stage, stopped)

    assert first.text == "To continue it where it stopped:"
    assert first.command.startswith("tunedrop retry support-persona-")
