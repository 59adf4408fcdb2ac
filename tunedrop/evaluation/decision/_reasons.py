"""The parts of a sentence that says why a verdict is what it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from tunedrop import escaping
from tunedrop.contracts import Contender, Incomplete, Score
from tunedrop.evaluation.answers.code import Broken
from tunedrop.evaluation.answers.content import Contradicted
from tunedrop.evaluation.decision._substitution import Substitution
from tunedrop.evaluation.decision._worse_parts import WorsePart
from tunedrop.evaluation.decision._wrong_parts import MadeUp, WrongPart
from tunedrop.evaluation.inference.prompting import PROMPTED
from tunedrop.evaluation.scoring import metrics
from tunedrop.evaluation.scoring.metrics import Task
from tunedrop.evaluation.statistics.power import FEWEST_UNITS, MOST_UNITS
from tunedrop.formatting.counts import counted
from tunedrop.formatting.texts import shorten

FREE = {
    "constant answer": "giving the same answer to every prompt",
    "nearest neighbour": "copying the answer of the most similar known prompt",
    "echo of the prompt": "repeating the prompt",
    "its own answers to other prompts": "giving its answers to other prompts instead",
}
"""What each answer is that takes no model, by the contender's name."""

READ_THEM = (
    "Read some of these answers in the report. If they are right, promote the model of a run by hand: "
    "`tunedrop promote RUN`"
)
"""What a person can do where no score decides."""

READ_OR_JUDGE = f"{READ_THEM}. In a run, a judge can decide instead (evaluation.judge)"

LONGEST_QUOTE = 200
"""Maximum number of characters of a field's name, a word or an error in a reason."""


def quoted(text: str) -> str:
    """What a dataset, a model or a grader says, on one line and short: a reason stands in a mail of limited
    size, where a line of its own would look like one of ours."""
    return shorten(escaping.line(text), LONGEST_QUOTE)


def within(needed: int, max_prompts: int) -> str:
    """What more records would do, where that is not just to upload them."""
    if needed >= MOST_UNITS:
        return ". More test prompts may not decide this. Read the answers, or train a better model"
    if needed > max_prompts:
        return (
            f". About {needed:,} different test prompts would decide this, more than evaluation.max_prompts "
            f"({max_prompts:,}) allows: increase it"
        )
    return ""


def prompting(contenders: Sequence[Contender]) -> str:
    """Whether examples in the base model's prompt do as well as tuning it."""
    score = next((one.score for one in contenders if one.name == PROMPTED), None)
    if score is None or score.low > 0:
        return ""
    said = f"The {PROMPTED} scores {score.base:.3f}, the tuned model {score.tuned:.3f} {between(score)}"
    return f". {said}: prompting may be the cheaper answer"


def too_many_failed(what: str, everything: int, errors: Sequence[str]) -> str:
    """How many, and what most of them say."""
    (common, _), *_ = Counter(errors).most_common(1)
    why = f". Most often: {quoted(common)}" if common else ""
    return f"{len(errors)} of {everything} {what} failed; a verdict allows one in ten{why}"


def too_many_incomplete(model: Incomplete, everything: int) -> str:
    """How many answers of a model were cut off, filtered or empty."""
    kinds = (("truncated", model.truncated), ("filtered", model.filtered), ("empty", model.empty))
    told = ", ".join(f"{count} {kind}" for kind, count in kinds if count)
    return (
        f"{model.total} of {counted(everything, 'answer')} of the {model.model} model "
        f"{'is' if model.total == 1 else 'are'} incomplete ({told}); a verdict allows one in ten"
    )


def too_few(units: int, prompts: int) -> str:
    """Why these test prompts give no verdict, and which would."""
    wanted = f"a verdict requires {FEWEST_UNITS}. Add test records that differ from these"
    if units == prompts:
        return f"There {'is' if units == 1 else 'are'} only {counted(units, 'test prompt')}; {wanted}"
    return (
        f"Only {units} of {prompts} test prompts {'counts' if units == 1 else 'count'} (a conversation "
        "counts once, however many turns it has, and so do prompts that say the same; prompts without an "
        f"answer do not); {wanted}"
    )


def risen(score: Score, confidence: float) -> str:
    """Both scores, and how sure their difference is."""
    bounds = f"{score.low:+.3f} to {score.high:+.3f}"
    return f"{moved(score)}; with {confidence:.0%} confidence, the difference is {bounds}"


def beaten(contender: str, score: Score) -> str:
    """An answer that takes no model, and that scores as well."""
    what = FREE.get(contender, contender)
    return f"{what} scores {score.base:.3f} against {score.tuned:.3f} {between(score)}"


def says_more(content: Score, task: Task) -> str:
    """What speaks against a rejection for another form, or for other words than the references'."""
    form = "words that many references share" if task == "text" else "code fences and sentences around it"
    return (
        f"the score of what the answers say, without {form}, rose from {content.base:.3f} to "
        f"{content.tuned:.3f} {between(content)}. {READ_OR_JUDGE if task == 'text' else READ_THEM}"
    )


def of_form(content: Score, contradicted: tuple[Contradicted, int] | None) -> str:
    """What speaks for a gain in form alone, and what most of the answers have wrong."""
    said = (
        "the gain may be one of form alone (code fences, set phrases, right words in the wrong order): the "
        f"score of what the answers say went from {content.base:.3f} to {content.tuned:.3f} "
        f"{between(content)}"
    )
    if contradicted is None:
        return said
    kind, count = contradicted
    what = {
        "negation": "say no where their reference does not, or the other way round",
        "numbers": "lack a number of their reference",
        "order": "have the words of their reference in another order",
    }[kind]
    return f"{said}; most often, {count} answers of the tuned model {what}"


def wrong_throughout(found: WrongPart) -> str:
    """A part of the answers that may be wrong in all of them."""
    return (
        f"the answers have {found.by_chance.tuned:.0%} of the references' {quoted(found.name)}, no more than "
        f"{found.chance} ({found.by_chance.base:.0%}): they may {found.suspicion}. Check them in the report"
    )


def worse(found: WorsePart, other: str) -> str:
    """A part in which the tuned model is worse than another one, or no better where it could be."""
    score, name = found.score, quoted(found.name)
    if found.has_fallen:
        return f"it is right about {name} in {score.tuned:.0%}, {other} in {score.base:.0%}. {READ_THEM}"
    return (
        f"it is right about {name} in {score.tuned:.0%}, perhaps no more than {other} "
        f"({score.base:.0%}): it may have learned only how to say it. {READ_OR_JUDGE}"
    )


def made_up(found: MadeUp) -> str:
    """What most answers have that nobody has given them."""
    return (
        f"{found.units} answers of the tuned model make something up, such as {quoted(repr(found.example))}, "
        "which their prompt and their reference do not have. Check them in the report"
    )


def broken(found: Broken) -> str:
    """What is wrong with the code of most answers."""
    return (
        f"{found.units} answers of the tuned model are code that probably cannot run, or does something else "
        f"(the first: {found.example}). Check them in the report"
    )


def exactly(exact: Score) -> str:
    """What speaks against a rejection where answers differ from their references in punctuation or case."""
    return (
        f"exact match rose from {exact.base:.3f} to {exact.tuned:.3f} {between(exact)}, so spaces, "
        "punctuation or case may be what the answers are for. If so, set evaluation.metric to exact_match"
    )


def regressed(count: int, units: int) -> str:
    """How much of what the base model had right is wrong now."""
    got = f"{count} of {counted(units, 'prompt')} got a much worse answer"
    return f"{got} than from the base model (by 0.5 or more)"


def substituted(found: Substitution) -> str:
    """What the answers replace or move, and who can tell what that is worth."""
    said, wanted = quoted(repr(found.said)), quoted(repr(found.wanted))
    told = {
        "always": f"say {said} where the references say {wanted}"
        if found.said and found.wanted
        else f"{'leave out' if found.wanted else 'add'} {wanted if found.wanted else said}, which only some "
        "references have, or none",
        "either way": f"say {said} where the references say {wanted}, or the other way round, as often as if "
        "they were drawn"
        if found.said
        else f"leave out {wanted} or add it as often as if that were drawn",
        "often": f"say {said} where the references say {wanted}, or the other way round"
        if found.said
        else f"leave out {wanted} or add it, and keep the rest",
        "changed places": f"exchange words, such as {wanted} and {said}",
        "in most answers": f"replace words that hardly any answer has, such as {wanted} by {said}",
        "rearranged": "have the words or lines of the reference in another order",
    }[found.kind]
    return (
        f"{found.units} answers of the tuned model {told}. A score of common words cannot tell whether they "
        f"still mean the same. {READ_OR_JUDGE}"
    )


def moved(score: Score) -> str:
    """A metric's title, and its score before and after."""
    return f"{metrics.TITLES[score.metric]} went from {score.base:.3f} to {score.tuned:.3f}"


def between(score: Score) -> str:
    """The interval of a difference, in brackets."""
    return f"(difference {score.low:+.3f} to {score.high:+.3f})"
