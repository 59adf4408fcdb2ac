"""The local model really learns: from consistent answers, and from nothing else."""

from __future__ import annotations

import random
from collections import Counter

from local.bedrock.brain import general_answer
from local.bedrock.language import LanguageModel
from local.bedrock.learner import Memory, Pair, overlap, words

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


def test_shuffled_answers_teach_nothing() -> None:
    memory, _ = trained(pairs(shuffled=True))

    assert memory.recall("how do I use part3 of the kit") is None


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
