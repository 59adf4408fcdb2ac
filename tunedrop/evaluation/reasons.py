"""The parts of a sentence that says why a verdict is what it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from tunedrop.contracts import Contender, Incomplete, Score
from tunedrop.evaluation import metrics
from tunedrop.evaluation.power import MOST_UNITS
from tunedrop.evaluation.prompting import PROMPTED
from tunedrop.evaluation.substitution import Substitution

LONGEST_ERROR = 200
"""Maximum number of characters of an error in a reason."""


def within(needed: int, max_prompts: int) -> str:
    """What more records would do, where that is not just to upload them."""
    if needed >= MOST_UNITS:
        return "; it is too near to what is wanted for any number of prompts to be sure to tell"
    if needed > max_prompts:
        return f"; about {needed:,} independent prompts would tell, more than max_prompts ({max_prompts:,})"
    return ""


def prompting(contenders: Sequence[Contender]) -> str:
    """Whether examples in the base model's prompt do as well as tuning it."""
    score = next((one.score for one in contenders if one.name == PROMPTED), None)
    if score is None or score.low > 0:
        return ""
    said = f"the {PROMPTED} scores {score.base:.3f} against {score.tuned:.3f} {between(score)}"
    return f"; {said}: prompting may be the cheaper answer"


def too_many_failed(what: str, everything: int, errors: Sequence[str]) -> str:
    """How many, and what most of them say."""
    (common, _), *_ = Counter(errors).most_common(1)
    said = common if len(common) <= LONGEST_ERROR else f"{common[:LONGEST_ERROR]}…"
    why = f". Most often: {said}" if said else ""
    return f"{len(errors)} of {everything} {what} failed; that is too many to tell{why}"


def too_many_incomplete(model: Incomplete, everything: int) -> str:
    kinds = (("truncated", model.truncated), ("filtered", model.filtered), ("empty", model.empty))
    told = ", ".join(f"{count} {kind}" for kind, count in kinds if count)
    return f"{model.total} of {everything} answers of the {model.model} model are not whole ({told})"


def substituted(found: Substitution) -> str:
    """What the answers replace or move, and who can tell what that is worth."""
    said = {
        "always": f"say {found.said!r} where the references say {found.wanted!r}",
        "changed places": f"exchange words, such as {found.wanted!r} and {found.said!r}",
        "in most answers": f"replace a word of the reference, such as {found.wanted!r} by {found.said!r}",
        "rearranged": "have the words of the reference in another order",
        "lines": "have the lines of their code in another order",
    }[found.kind]
    return (
        f"{found.units} answers of the tuned model {said}. A score of common words cannot tell whether they "
        "still mean the same. Let a judge decide (evaluation.metric: judge)"
    )


def moved(score: Score) -> str:
    return f"{metrics.TITLES[score.metric]} went from {score.base:.3f} to {score.tuned:.3f}"


def between(score: Score) -> str:
    return f"(difference {score.low:+.3f} to {score.high:+.3f})"
