"""Next steps for the owner of a finished run, with the exact commands."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from tunedrop import naming
from tunedrop.contracts import Ending, Evaluation, Run
from tunedrop.errors import ModelDeleted, NotKept, TooManyRuns
from tunedrop.formatting.commands import command
from tunedrop.reporting import verdict
from tunedrop.reporting.outcome import outcome_of
from tunedrop.serving import kinds
from tunedrop.stage import Stage


class Advice(msgspec.Struct, frozen=True):
    """A sentence, and the command for it."""

    text: str
    command: str = ""


def next_steps(stage: Stage, ending: Ending) -> list[Advice]:
    """What to do next, most urgent first."""
    outcome = outcome_of(ending)
    steps = [*_still_bills(stage, ending)]
    if outcome == "promoted":
        steps += _in_production(stage, ending)
    elif outcome in ("rejected", "inconclusive"):
        steps += _not_promoted(stage, ending)
    elif outcome == "refused":
        steps += _refused(stage, ending)
    elif ending.failure is not None and ending.failure.error == ModelDeleted.__name__:
        steps.append(Advice("Upload the data again to train a new model; its test set may be larger."))
    elif ending.failure is not None and ending.failure.error == NotKept.__name__:
        steps.append(
            Advice(
                "To serve it and put it into production:",
                _command("promote", ending.run.run_id, stage, "--serve"),
            )
        )
    elif outcome == "stopped":
        steps.append(Advice("To continue it where it stopped:", _command("retry", ending.run.run_id, stage)))
    else:
        again = "The cause is named above. Once it is fixed, resume the run; a trained model is kept."
        steps.append(Advice(again, _command("retry", ending.run.run_id, stage)))
    return [*steps, *_training(ending)]


def _still_bills(stage: Stage, ending: Ending) -> Iterator[Advice]:
    for failure in ending.released.failed if ending.released is not None else ():
        arn = failure.partition(": ")[0]
        yield Advice(
            f"STILL BILLS, release it manually: {failure}", _command("throughput release", arn, stage)
        )


def _in_production(stage: Stage, ending: Ending) -> Iterator[Advice]:
    run, serving = ending.run, ending.serving
    if ending.promotion is not None:
        yield Advice(
            f"Applications read the modelId from the SSM parameter {ending.promotion.alias}; "
            "they use the new model from now on."
        )
        if ending.promotion.previous_model_arn:
            yield Advice("To return to the previous model:", _command("rollback", run.name, stage))
    kept = ending.released.kept if ending.released is not None else ()
    if serving is not None and not kinds.of(serving.way).is_free_while_idle and serving.arn in kept:
        until = (ending.promotion.kept_until if ending.promotion is not None else "") or serving.expires_at
        yield Advice(
            f"It serves from provisioned throughput at {serving.hourly_usd:.2f} USD an hour until "
            f"{until}. To release it earlier:",
            _command("throughput release", serving.arn, stage),
        )
    elif ending.promotion is not None and not kept:
        yield Advice(
            "The model is not served now, because the run does not keep it in service "
            "(deployment.keep_for). Set this key and upload the run again, or deploy the model yourself."
        )


def _not_promoted(stage: Stage, ending: Ending) -> Iterator[Advice]:
    run, found = ending.run, ending.evaluation
    if outcome_of(ending) == "inconclusive" and found is not None:
        yield from _to_tell(stage, run, found)
    if found is not None and found.production_gone:
        yield Advice(
            "The alias names a deleted model. To return to the previous model:",
            _command("rollback", run.name, stage, "--serve"),
        )
        yield Advice(
            "Or point the alias to the model itself, which is not served:",
            _command("throughput release", found.production_gone, stage, "--production"),
        )
    kept = "" if found is not None and found.production_gone else "What was in use before stays in use. "
    yield Advice(f"{kept}The answers side by side show where the tuned model gains and where it loses.")
    yield Advice("To promote it anyway:", _command("promote", run.run_id, stage))
    yield Advice(
        "AWS bills the storage of the model until you delete it:",
        _command("teardown", run.run_id, stage),
    )


def _to_tell(stage: Stage, run: Run, evaluation: Evaluation) -> Iterator[Advice]:
    """How to get a verdict after an inconclusive evaluation: fewer failures, more records, or a reader."""
    retry = _command("retry", run.run_id, stage)
    if evaluation.rejected_for == "base model":
        yield Advice(
            "Fix the cause named above, then evaluate it again. The model is not trained again:", retry
        )
    elif evaluation.rejected_for in ("failures", "silent production"):
        uri = naming.uri(stage.artifacts_bucket, naming.predictions_key(run.run_id))
        yield Advice(
            f"More records would not help. Fix the failures listed in {uri}. The model is not trained again:",
            retry,
        )
    elif evaluation.needed:
        tell = f"About {evaluation.needed:,} held-out records would be enough"
        if run.test is not None:
            text, options = f"{tell}. Add to {run.test.uri}", ""
        else:
            text, options = f"{tell}. Upload additional ones in a separate file", "--test FILE"
        again = _command("retry", run.run_id, stage, options)
        yield Advice(f"{text}. The model is not trained again:", again)
    else:
        yield Advice("More test records would probably not change this.")


def _refused(stage: Stage, ending: Ending) -> Iterator[Advice]:
    run, failure = ending.run, ending.failure
    if failure is not None and failure.error == TooManyRuns.__name__:
        yield Advice("When some of the open runs have ended:", _command("retry", run.run_id, stage))
        return
    if run.is_trained:
        yield Advice(
            "Fix the cause named above; the model is kept and is not trained again:",
            _command("retry", run.run_id, stage),
        )
        return
    if failure is not None and failure.error == "InvalidDataset":
        options = f"--base-model {run.base_model}" if run.base_model else ""
        check = command("check", run.train.key.rpartition("/")[2], options=options)
        yield Advice("The same check runs on your machine, without AWS:", check)
    billed = "" if verdict.has_paid(ending) else "; nothing has been billed"
    yield Advice(f"Fix the cause named above and upload again{billed}.")


def _training(ending: Ending) -> Iterator[Advice]:
    """The number of epochs that the loss curves suggest, if it differs."""
    fit = ending.fit
    if fit is not None and fit.suggested_epochs and fit.suggested_epochs != fit.epochs:
        yield Advice(
            f"{fit.verdict.capitalize()}, judging by the losses of {fit.epochs} epochs. For the next run:",
            f"hyperparameters: {{epoch_count: {fit.suggested_epochs}}}",
        )


def _command(name: str, subject: str, stage: Stage, options: str = "") -> str:
    return command(name, subject, options=f"{options} --stage {stage.name}".strip())
