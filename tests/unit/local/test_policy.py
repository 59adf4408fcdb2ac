from __future__ import annotations

from collections.abc import Sequence

from local.bedrock.policy import Policy, Prompt

SYSTEM = "Answer with red, green or blue."
THINGS = {"blood": "red", "tomatoes": "red", "grass": "green", "frogs": "green", "sky": "blue", "sea": "blue"}
PROMPTS = [Prompt(f"what colour has {thing} number{n}", SYSTEM) for thing in THINGS for n in range(8)]
ANSWERS = [colour for colour in THINGS.values() for _ in range(8)]


def trained(answers: list[str]) -> tuple[Policy, list[float]]:
    policy = Policy()

    def grade(tried: Sequence[tuple[int, str]]) -> list[float]:
        return [float(answers[number] == answer) for number, answer in tried]

    steps = list(policy.train(PROMPTS, grade, epochs=20, rate=1e-5, batch=16, samples=8))
    return policy, [step.loss for step in steps]


def test_before_it_is_trained_it_prefers_nothing() -> None:
    assert Policy().answer(PROMPTS[0]) is None


def test_it_learns_from_grades_alone_and_answers_what_it_has_not_seen() -> None:
    policy, losses = trained(ANSWERS)

    asked = {thing: policy.answer(Prompt(f"what colour has {thing} number99", SYSTEM)) for thing in THINGS}
    assert asked == THINGS
    assert losses[-1] < losses[0] / 2


def test_a_grader_that_rewards_nothing_teaches_nothing() -> None:
    policy, losses = trained(["nobody says so"] * len(PROMPTS))

    assert losses[-1] == 1.0
    assert policy.answer(PROMPTS[0]) is None
