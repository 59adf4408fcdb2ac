"""All answers together: wins and losses, their differences, parts of the test set, and each answer."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from statistics import fmean, stdev

import msgspec
from markupsafe import Markup

from tunedrop.contracts import Evaluation
from tunedrop.evaluation import general_ability, metrics
from tunedrop.evaluation.complete import incomplete
from tunedrop.evaluation.evaluate import Prediction
from tunedrop.evaluation.labels import LabelSet, label_set
from tunedrop.evaluation.reward_scale import Scale, scale_of
from tunedrop.reporting.report.svg import el, percent, picture

TIE = 1e-9
BINS = 20
HEIGHT, ROW = 84, 30
FEWEST, MOST_SLICES = 10, 14
"""A part of the test set with fewer prompts says nothing; of more parts nobody reads."""

LONGEST = 700
"""Maximum number of characters of each text in the list of all answers."""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One prompt of the list; `kind` is win, tie or loss, `fault` what is wrong with the tuned answer."""

    place: str
    kind: str
    fault: str
    prompt: str
    reference: str
    base: str
    tuned: str
    champion: str | None
    base_score: float
    tuned_score: float


class Slice(msgspec.Struct, frozen=True):
    """A part of the test set with its mean scores; the difference is known to about plus or minus `doubt`."""

    name: str
    prompts: int
    base: float
    tuned: float
    doubt: float
    kind: str
    plot: Markup


class Scored(msgspec.Struct, frozen=True):
    """Answers with the scores of each; `labels` where the references are labels."""

    answered: Sequence[Prediction]
    base: Sequence[float]
    tuned: Sequence[float]
    labels: LabelSet | None


class Lost(msgspec.Struct, frozen=True):
    """A general-ability prompt that the base answers rightly and the tuned model does not."""

    prompt: str
    wanted: str
    said: str


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """What a section of the report shows; counts are prompts."""

    title: str
    meaning: str
    wins: int
    ties: int
    losses: int
    bar: Markup
    histogram: Markup
    slices: tuple[Slice, ...]
    entries: tuple[Entry, ...]


def of(evaluation: Evaluation | None, predictions: Sequence[Prediction]) -> Comparison | None:
    """None where nothing was answered. By the metric that decided, or the first that fits the answers."""
    answered = [one for one in predictions if not one.failed]
    graded = [one for one in answered if {"base", "tuned"} <= set(one.rewards)]
    if evaluation is not None and evaluation.metric == metrics.REWARD and graded:
        scale = scale_of(answered)
        base, tuned = ([scale.of(one.rewards[model]) for one in graded] for model in ("base", "tuned"))
        found = _compared(metrics.REWARD, Scored(graded, base, tuned, None))
        return found if scale == (0, 1) else msgspec.structs.replace(found, meaning=_meaning(scale))
    if evaluation is None or not answered:
        return None
    references = [one.reference for one in answered]
    named = evaluation.metric in metrics.METRICS
    metric = evaluation.metric if named else metrics.choose(references)
    return _compared(metric, _scored(metric, answered))


def _meaning(scale: Scale) -> str:
    ends = f"{scale.least:.4g} counts as 0 and {scale.most:.4g} as 1, and so does what lies beyond"
    return f"{metrics.MEANINGS[metrics.REWARD]} Of its rewards {ends}."


def _compared(metric: str, scored: Scored) -> Comparison:
    gains = [after - before for before, after in zip(scored.base, scored.tuned, strict=True)]
    counts = Counter(map(_kind, gains))
    return Comparison(
        title=metrics.TITLES[metric],
        meaning=metrics.MEANINGS[metric],
        wins=counts["win"],
        ties=counts["tie"],
        losses=counts["loss"],
        bar=_bar(counts),
        histogram=_histogram(gains),
        slices=tuple(_slices(scored)),
        entries=tuple(_entries(scored)),
    )


def _scored(metric: str, answered: Sequence[Prediction]) -> Scored:
    references = [one.reference for one in answered]
    labels = label_set(references) if metrics.task_of(references) == "labels" else None

    def score(reference: str, answer: str) -> float:
        if metric == "accuracy" and labels is not None:
            return float(labels.of(reference) == labels.of(answer))
        return metrics.METRICS[metric](reference, answer)

    base = [score(one.reference, one.base.text) for one in answered]
    return Scored(answered, base, [score(one.reference, one.tuned.text) for one in answered], labels)


def lost(probes: Sequence[Prediction]) -> list[Lost]:
    """What was forgotten, prompt by prompt."""
    return [
        Lost(_short(one.prompt), one.reference, _short(one.tuned.text))
        for one in probes
        if not one.failed and _is_right(one, one.base.text) and not _is_right(one, one.tuned.text)
    ]


def _is_right(one: Prediction, answer: str) -> bool:
    return one.probe in general_ability.probes() and general_ability.is_right(one.probe, one.prompt, answer)


def _kind(gain: float) -> str:
    return "tie" if abs(gain) < TIE else "win" if gain > 0 else "loss"


def _entries(scored: Scored) -> Iterator[Entry]:
    has_turns = any(one.turn for one in scored.answered)
    for one, before, after in zip(scored.answered, scored.base, scored.tuned, strict=True):
        fault = incomplete("tuned", [(one.reference, one.tuned)])
        yield Entry(
            place=f"record {one.record}" + (f", turn {one.turn + 1}" if has_turns else ""),
            kind=_kind(after - before),
            fault="cut" if fault.truncated else "filtered" if fault.filtered else "empty" * fault.empty,
            prompt=_short(one.prompt),
            reference=_short(one.reference),
            base=_short(one.base.text),
            tuned=_short(one.tuned.text),
            champion=_short(one.champion.text) if one.champion is not None else None,
            base_score=before,
            tuned_score=after,
        )


# --- slices ------------------------------------------------------------------------------------------------


def _slices(scored: Scored) -> Iterator[Slice]:
    """Parts of the test set, those of one question together; none where a question has one part only."""
    found: list[Slice] = []
    for name_of in (
        _turn,
        _length(scored.answered),
        _language,
        _label(scored.labels),
        _distance(scored.answered),
    ):
        parts: dict[str, list[int]] = {}
        for place, one in enumerate(scored.answered):
            parts.setdefault(name_of(one), []).append(place)
        told = {name: places for name, places in parts.items() if name and len(places) >= FEWEST}
        if len(told) > 1:
            found += [
                _slice(name, scored, places)
                for name, places in sorted(told.items(), key=lambda part: (_number(part[0]), -len(part[1])))
            ]
    yield from found[:MOST_SLICES]


def _number(name: str) -> int:
    """The first number of a part's name, by which turns and lengths are in order; 0 where it has none."""
    found = re.search(r"\d[\d,]*", name)
    return int(found[0].replace(",", "")) if found else 0


def _slice(name: str, scored: Scored, places: Sequence[int]) -> Slice:
    before, after = (fmean(scores[place] for place in places) for scores in (scored.base, scored.tuned))
    kind = "good" if after > before else "bad" if after < before else "open"
    plot = picture(
        f"{name}: base {before:.3f}, tuned {after:.3f}",
        ROW,
        el("line", class_="axis", x1="0", x2="100%", y1=ROW // 2, y2=ROW // 2),
        el("line", class_=f"way {kind}", x1=percent(before), x2=percent(after), y1=ROW // 2, y2=ROW // 2),
        el("line", class_="base", x1=percent(before), x2=percent(before), y1=ROW // 2 - 9, y2=ROW // 2 + 9),
        el("circle", class_=f"tuned {kind}", cx=percent(after), cy=ROW // 2, r=5),
    )
    return Slice(name, len(places), before, after, _doubt(scored, places), kind, plot)


def _doubt(scored: Scored, places: Sequence[int]) -> float:
    """Two standard errors of the mean difference, turns of one conversation counted once."""
    records: dict[int, list[float]] = {}
    for place in places:
        gain = scored.tuned[place] - scored.base[place]
        records.setdefault(scored.answered[place].record, []).append(gain)
    means = [fmean(gains) for gains in records.values()]
    return 2 * stdev(means) / len(means) ** 0.5 if len(means) > 1 else 1.0


def _turn(one: Prediction) -> str:
    turn = sum(said.role == "user" for said in one.before) + 1
    return f"Turn {turn}" if turn < 4 else "Turn 4 and later"


def _length(answered: Sequence[Prediction]) -> Callable[[Prediction], str]:
    sizes = sorted(len(one.reference) for one in answered)
    third, two = sizes[len(sizes) // 3], sizes[2 * len(sizes) // 3]

    def name_of(one: Prediction) -> str:
        size = len(one.reference)
        if third == two:
            return ""
        if size <= third:
            return f"Reference of up to {third:,} characters"
        if size <= two:
            return f"Reference of {third + 1:,} to {two:,} characters"
        return f"Reference of over {two:,} characters"

    return name_of


def _distance(answered: Sequence[Prediction]) -> Callable[[Prediction], str]:
    """By how unlike the training data a prompt is: more and less than half of them."""
    known = sorted(one.distance for one in answered if one.distance is not None)
    middle = known[len(known) // 2] if known else 0.0

    def name_of(one: Prediction) -> str:
        if one.distance is None:
            return ""
        return f"Prompts {'further from' if one.distance > middle else 'nearer to'} the training data"

    return name_of


def _language(one: Prediction) -> str:
    """By script, which is what can be told for sure: Latin, Cyrillic, Han, …"""
    names = Counter(
        unicodedata.name(letter, "?").partition(" ")[0] for letter in one.prompt[:400] if letter.isalpha()
    )
    script = names.most_common(1)[0][0] if names else ""
    return f"Prompt in {'Han' if script == 'CJK' else script.capitalize()} script" if script else ""


def _label(labels: LabelSet | None) -> Callable[[Prediction], str]:
    return lambda one: f"Label {labels.of(one.reference)}" if labels is not None else ""


# --- pictures ----------------------------------------------------------------------------------------------


def _bar(counts: Counter[str]) -> Markup:
    """Wins, ties and losses as parts of one bar."""
    whole, at, parts = counts.total(), 0.0, []
    for kind, tone in (("win", "good"), ("tie", "count"), ("loss", "bad")):
        share = counts[kind] / whole
        parts.append(el("rect", class_=tone, x=percent(at), y=4, width=percent(share), height=14))
        at += share
    return picture(f"{counts['win']} wins, {counts['tie']} ties, {counts['loss']} losses", 22, *parts)


def _histogram(gains: Sequence[float]) -> Markup:
    """How many prompts lie at each difference, from -1 to 1; ties apart, in the middle."""
    bins = Counter(_bin(gain) for gain in gains)
    most, width = max(bins.values()), 1 / (BINS + 1)
    parts = []
    for place, count in sorted(bins.items()):
        high = max(2.0, (HEIGHT - 22) * count / most)
        tone = "count" if place == BINS // 2 else "good" if place > BINS // 2 else "bad"
        title = el("title", f"{count} prompts")
        parts.append(
            el("rect", title, class_=tone, x=percent(place * width), y=HEIGHT - 20 - high,
               width=percent(0.86 * width), height=high)
        )  # fmt: skip
    parts += [
        el("text", text, class_="tick", x=percent(at), y=HEIGHT - 5, text_anchor=anchor)
        for text, at, anchor in (("−1", 0, "start"), ("same", 0.5, "middle"), ("+1", 1, "end"))  # noqa: RUF001
    ]
    return picture("Prompts by the difference of tuned and base", HEIGHT, *parts)


def _bin(gain: float) -> int:
    """0 to BINS, the middle one for ties alone."""
    if abs(gain) < TIE:
        return BINS // 2
    half = BINS // 2
    size = min(half - 1, int(abs(gain) * half))
    return half + 1 + size if gain > 0 else half - 1 - size


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else text[:LONGEST] + " …"
