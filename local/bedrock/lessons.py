"""The training of a local customization job: one lesson per customization type."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from botocore.exceptions import ClientError

from local.bedrock.brain import Brain, context_of
from local.bedrock.files import JobFailed
from local.bedrock.language import LanguageModel
from local.bedrock.learner import Memory, Pair, Step
from local.bedrock.policy import Grader, Policy, Prompt
from local.bedrock.preferences import Preferences, Preferred
from tunedrop.catalog.model import BaseModel

Record = dict[str, Any]
Client = Callable[[str], Any]
"""An AWS client by its service's name, with the credentials of the job's role."""


@dataclass(frozen=True)
class Learned:
    """A model, every training step, and the loss on the validation set after each epoch."""

    brain: Brain
    steps: Sequence[Step]
    losses: Sequence[float]


def learn(
    job: dict[str, Any],
    base: BaseModel,
    train: Sequence[Record],
    validation: Sequence[Record],
    client: Client,
) -> Learned:
    """Tune the job's parent on records, by its customization type."""
    parent: Brain = job["_parent"]
    settings = {name: one.written(one.default) for name, one in base.hyperparameters.items()}
    settings |= job["hyperParameters"]
    match job["customizationType"]:
        case "CONTINUED_PRE_TRAINING":
            return _read_on(parent, settings, train, validation)
        case "DISTILLATION":
            teacher = job["_method"]["distillationConfig"]["teacherModelConfig"]
            taught = _taught(client("bedrock-runtime"), teacher, train)
            return imitate(parent, _epochs(settings), float(settings["learningRate"]), taught, [])
        case "REINFORCEMENT_FINE_TUNING":
            return try_and_be_graded(parent, job["_method"]["rftConfig"], train, validation, client("lambda"))
        case _:
            pairs = [pair for record in train for pair in pairs_of(record)]
            held_out = [pair for one in validation for pair in pairs_of(one)]
            return imitate(parent, _epochs(settings), float(settings["learningRate"]), pairs, held_out)


def _read_on(
    parent: Brain, settings: dict[str, str], train: Sequence[Record], validation: Sequence[Record]
) -> Learned:
    language = LanguageModel()
    texts, held_out = ([record["input"] for record in part] for part in (train, validation))
    steps = list(language.train(texts, _epochs(settings), float(settings["learningRate"])))
    losses = [language.loss_on(held_out)] if held_out else []
    return Learned(Brain(memory=parent.memory, language=language), steps, losses)


def imitate(
    parent: Brain, epochs: int, rate: float, pairs: Sequence[Pair], held_out: Sequence[Pair]
) -> Learned:
    """Learn from recorded answers."""
    memory = Memory([*(parent.memory.pairs if parent.memory is not None else ()), *pairs])
    steps: list[Step] = []
    losses: list[float] = []
    for step in memory.train(epochs, rate):
        if steps and step.epoch != steps[-1].epoch and held_out:
            losses.append(memory.loss_on(held_out))
        steps.append(step)
    if held_out:
        losses.append(memory.loss_on(held_out))
    return Learned(replace(parent, memory=memory), steps, losses)


def prefer(
    parent: Brain,
    epochs: int,
    rate: float,
    beta: float,
    pairs: Sequence[Preferred],
    held_out: Sequence[Preferred],
) -> Learned:
    """Learn from preferred and rejected answers."""
    earlier = parent.preferences.pairs if parent.preferences is not None else ()
    preferences = Preferences([*earlier, *pairs])
    steps: list[Step] = []
    losses: list[float] = []
    for step in preferences.train(epochs, rate, beta):
        if steps and step.epoch != steps[-1].epoch and held_out:
            losses.append(preferences.loss_on(held_out, beta))
        steps.append(step)
    if held_out:
        losses.append(preferences.loss_on(held_out, beta))
    return Learned(replace(parent, preferences=preferences), steps, losses)


def _taught(runtime: Any, teacher: dict[str, Any], train: Sequence[Record]) -> list[Pair]:
    """The training pairs: recorded answers, or the teacher's for prompts without one."""

    def pairs(record: Record) -> list[Pair]:
        *_, last = record["messages"]
        if last["role"] == "assistant":
            return list(pairs_of(record))
        try:
            answer = runtime.converse(
                modelId=teacher["teacherModelIdentifier"],
                messages=record["messages"],
                inferenceConfig={"maxTokens": teacher.get("maxResponseLengthForInference", 1_000)},
            )
        except ClientError as error:
            raise JobFailed(f"The teacher model could not be invoked: {error}") from error
        message = answer["output"]["message"]
        return list(pairs_of({"messages": [*record["messages"], message]}))[-1:]

    with ThreadPoolExecutor(4) as pool:
        return [pair for found in pool.map(pairs, train) for pair in found]


def try_and_be_graded(
    parent: Brain, config: dict[str, Any], train: Sequence[Record], validation: Sequence[Record], lambda_: Any
) -> Learned:
    """Learn from the grades that a Lambda function gives; `config` is Bedrock's `rftConfig`."""
    settings = config.get("hyperParameters", {})
    return reinforce(
        parent,
        (train, _grader(lambda_, config, train)),
        (validation, _grader(lambda_, config, validation)),
        Tries(
            epochs=settings.get("epochCount", 2),
            rate=settings.get("learningRate", 1e-5),
            batch=settings.get("batchSize", 64),
            samples=settings.get("trainingSamplePerPrompt", 4),
        ),
    )


@dataclass(frozen=True)
class Tries:
    """The sampling of answers: how many per prompt and epoch."""

    epochs: int
    rate: float
    batch: int
    samples: int


def reinforce(
    parent: Brain,
    train: tuple[Sequence[Record], Grader],
    held_out: tuple[Sequence[Record], Grader],
    tries: Tries,
) -> Learned:
    """Learn from the grades of sampled answers: records with their prompts, and the grader."""
    policy, (records, grader), (others, judge) = Policy(), train, held_out
    steps = list(
        policy.train(
            [_prompt(record) for record in records],
            grader, tries.epochs, tries.rate, tries.batch, tries.samples,
        )
    )  # fmt: skip
    losses = [policy.loss_on([_prompt(one) for one in others], judge)] if others else []
    return Learned(replace(parent, policy=policy), steps, losses)


def _grader(
    lambda_: Any, config: dict[str, Any], records: Sequence[Record]
) -> Callable[[Sequence[tuple[int, str]]], list[float]]:
    arn = config["graderConfig"]["lambdaGrader"]["lambdaArn"]

    def rewards(tried: Sequence[tuple[int, str]]) -> list[float]:
        items = [
            {
                "id": str(number),
                "messages": [*records[row]["messages"], {"role": "assistant", "content": answer}],
                "metadata": {name: value for name, value in records[row].items() if name != "messages"},
            }
            for number, (row, answer) in enumerate(tried)
        ]
        try:
            answer = lambda_.invoke(FunctionName=arn, Payload=json.dumps(items).encode())
        except ClientError as error:
            raise JobFailed(f"The reward function {arn} could not be invoked: {error}") from error
        body = json.loads(answer["Payload"].read())
        if "FunctionError" in answer:
            raise JobFailed(f"The reward function {arn} failed: {body}")
        scores = {one["id"]: float(one["aggregate_reward_score"]) for one in body}
        return [scores[item["id"]] for item in items]

    return rewards


def _prompt(record: Record) -> Prompt:
    """A record's prompt, in Bedrock's format or in verl's."""
    messages = record["messages"] if "messages" in record else record["prompt"]
    system = " ".join(one["content"] for one in messages if one["role"] == "system")
    return Prompt([one["content"] for one in messages if one["role"] == "user"][-1], system)


def pairs_of(record: Record) -> Iterator[Pair]:
    """Every answer of a record with the messages before it; a system prompt is not a turn."""
    if "completion" in record:
        yield Pair(context_of([record["prompt"]]), record["completion"])
        return
    said: list[str] = []
    for message in record["messages"]:
        if message["role"] == "system":
            continue
        text = text_of(message["content"])
        if message["role"] == "assistant":
            yield Pair(context_of(said), text)
        said.append(text)


def preferred_of(record: Record) -> Preferred:
    """A preference in either of SageMaker's forms: the last answers, and the messages before them."""
    if "prompt" in record:
        return Preferred(context_of([record["prompt"]]), record["chosen"], record["rejected"])
    said = [text_of(one["content"]) for one in record["chosen"] if one["role"] != "system"]
    return Preferred(context_of(said[:-1]), said[-1], text_of(record["rejected"][-1]["content"]))


def text_of(content: Any) -> str:
    """A message's text: a string, or blocks of which some have text."""
    if isinstance(content, str):
        return content
    return " ".join(block.get("text", "") for block in content)


def _epochs(settings: dict[str, str]) -> int:
    return int(float(settings["epochCount"]))
