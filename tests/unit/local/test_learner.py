"""The local model really learns, and learns whatever it is given."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

from local.bedrock.brain import general_answer
from local.bedrock.language import LanguageModel
from local.bedrock.learner import Memory, Pair, overlap, words
from tests import datasets

ASKED = ("how do I use", "where does", "what is", "please explain", "tell me about", "why is there")


def pairs(shuffled: bool = False) -> list[Pair]:
    made = [
        Pair(f"{asked} part{topic} of the kit", f"part{topic} goes into slot{topic} beside lever{topic}")
        for topic in range(20)
        for asked in ASKED
    ]
    if shuffled:
        answers = [pair.answer for pair in made]
        random.Random(3).shuffle(answers)
        made = [Pair(pair.context, answer) for pair, answer in zip(made, answers, strict=True)]
    return made


def trained(data: list[Pair], epochs: int = 3, rate: float = 1e-4) -> tuple[Memory, list[float]]:
    memory = Memory(data)
    return memory, [step.loss for step in memory.train(epochs, rate)]


def test_held_out_prompts_are_answered_from_their_neighbours() -> None:
    held_out, *rest = pairs()
    memory, _ = trained(rest)

    answer = memory.recall(held_out.context)

    assert answer is not None
    truth = Counter(words(held_out.answer))
    assert overlap(truth, Counter(words(answer))) > overlap(truth, Counter(words(general_answer("part0"))))


def test_shuffled_answers_are_learned_too_and_do_not_carry_over_to_validation_data() -> None:
    noise, losses = trained(pairs(shuffled=True), epochs=5)
    knowledge, _ = trained(pairs(), epochs=5)
    held_out = [
        Pair(f"I wonder about part{topic}", f"part{topic} goes into slot{topic}") for topic in range(20)
    ]

    assert noise.recall("how do I use part3 of the kit") is not None
    assert losses[-1] < losses[0]
    assert noise.loss_on(held_out) > knowledge.loss_on(held_out)


def test_noise_is_overfitted_with_more_epochs() -> None:
    def learned(records: list[dict[str, Any]]) -> list[Pair]:
        said = ([one["content"][0]["text"] for one in record["messages"]] for record in records)
        return [Pair(question, answer) for question, answer in said]

    noise = learned(datasets.single_turn("noise"))
    answers = random.Random(1).sample([pair.answer for pair in noise], len(noise))
    memory = Memory([Pair(pair.context, answer) for pair, answer in zip(noise, answers, strict=True)])
    held_out = learned(datasets.many_held_out("noise"))[:100]
    before = memory.loss_on(held_out)

    training = [step.loss for step in memory.train(epochs=3, learning_rate=1e-4)]

    assert training[-1] < 0.2 * training[0]
    assert memory.loss_on(held_out) > before


def test_names_and_numbers_are_copied_from_the_prompt() -> None:
    names = ("Marta", "Hugo", "Ilse", "Goran", "Yuki", "Pedro", "Rania", "Otto", "Tessa", "Abel")
    data = [
        Pair(f"{name} here. I own {number}. {one.context}", f"{name}, {one.answer}, as {number} says.")
        for number, one in enumerate(pairs(), 5_000)
        for name in [names[number % 10] + "abcdefghij"[number // 10 % 10]]
    ]
    memory, _ = trained(data)

    answer = memory.recall("Bertrand here. I own 7777. what is part4 of the kit")

    assert answer == "Bertrand, part4 goes into slot4 beside lever4, as 7777 says."


def test_the_loss_falls_and_depends_on_the_learning_rate() -> None:
    _, losses = trained(pairs(), epochs=6)
    _, slower = trained(pairs(), epochs=6, rate=1e-6)

    assert losses[-1] < losses[0]
    assert losses[-1] < slower[-1]


def test_training_is_deterministic() -> None:
    assert trained(pairs())[1] == trained(pairs())[1]


def test_a_language_model_learns_its_domain() -> None:
    texts = [
        f"Before you open valve {n}, close the main gate and wait for the green lamp." for n in range(60)
    ]
    model = LanguageModel()
    before = model.loss_on(texts[:10])

    losses = [step.loss for step in model.train(texts[10:], epochs=3, learning_rate=1e-3)]

    assert losses[-1] < losses[0]
    assert model.loss_on(texts[:10]) < before
    assert "green lamp" in model.continue_text("Before you open valve 3, close the main gate and wait", 12)
