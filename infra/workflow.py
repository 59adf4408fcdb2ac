"""The workflow: the states of the state machine, in the order of a run.

Each step stores its result in a variable, and passes what the next step needs by name. After any failure,
ReleaseThroughput releases billed resources, and Notify notifies the owner.
"""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra.functions import Functions
from infra.shards import Shards
from infra.states import NULL, PAYLOAD, Branch, States, failure
from tunedrop.contracts import WORKFLOW_RESULTS
from tunedrop.errors import DeploymentsFull

SLOT_PATIENCE = Duration.days(60)
TRAINING_PATIENCE = Duration.days(14)
THROUGHPUT_PATIENCE = Duration.days(1)
JUDGING_PATIENCE = Duration.days(1)
"""Maximum durations of waits, in case neither an event nor the schedule ends one: the run then fails, and its
resources are released. Long queues and the reported job of 74 hours stay well below."""


class Journey:
    """The states, and how they follow each other."""

    def __init__(
        self, scope: Construct, functions: Functions, approval_timeout: Duration, shard_concurrency: int
    ) -> None:
        self._scope = scope
        self._states = States(scope, functions)
        self._shards = Shards(scope, self._states, shard_concurrency)
        # resume_waits refuses unanswered requests; this timeout is only a safety net.
        self._approval_patience = approval_timeout.plus(Duration.days(1))
        self._release = self._release_throughput(self._notify())
        self._states.rescue = self._release

    def chain(self) -> sfn.IChainable:
        """The complete chain of states, from an upload to the notification."""
        step, wait = self._states.step, self._states.wait
        register_run, refuse_upload = self._register_run()
        validate_data = self._validate_data()
        preflight = step("Preflight", "run", "dataset")
        estimate_cost = step("EstimateCost", "run", "dataset", result="estimate")
        start_customization = step(
            "StartCustomization", "run", "dataset", "granted", result="started", granted=False
        )
        wait_for_completion = wait(
            "WaitForCompletion", "training", "$started.job_arn", TRAINING_PATIENCE,
            assign={"job": "{% $started.more ? null : $states.result %}"},
        )  # fmt: skip
        set_up_throughput = self._set_up_throughput()
        evaluate_model = self._evaluate_model()
        promote_model = self._promote_model()

        registered = self._if_registered(validate_data, preflight, estimate_cost)
        register_run.next(registered)
        refuse_upload.next(registered)
        validate_data.next(self._if_whole(preflight, estimate_cost, validate_data))
        preflight.next(estimate_cost)
        estimate_cost.next(self._if_affordable(self._if_to_train(start_customization, set_up_throughput)))
        start_customization.next(
            self._if_started(wait_for_completion, start_customization, set_up_throughput)
        )
        wait_for_completion.next(self._if_trained(start_customization, set_up_throughput))
        set_up_throughput.next(self._if_in_service(evaluate_model))
        evaluate_model.next(self._by_verdict(evaluate_model, self._if_bought(promote_model)))
        promote_model.next(self._release)
        return sfn.Chain.start(register_run)

    def _register_run(self) -> tuple[sfn.TaskStateBase, sfn.TaskStateBase]:
        """If it fails permanently, RefuseUpload creates a refused run. If that fails too, the sweep starts
        the upload again with growing delays, and reports it if it never succeeds.
        """
        execution = {"event": "Input", "execution_arn": "Id", "execution_name": "Name"}
        payload = {name: f"{{% $states.context.Execution.{of} %}}" for name, of in execution.items()}
        run = "{% $states.result.Payload.run %}"
        start = {"run": run, "granted": False, "next_record": 0, **dict.fromkeys(_RESULTS, NULL)}
        register = self._states.call("RegisterRun", payload, start)
        failed_payload = payload | {"failure": "{% $failure %}"}
        refuse = self._states.call("RefuseUpload", failed_payload, start, step="register_run")
        failed = {"failure": f"{{% {failure('register_run')} %}}"}
        register.add_catch(refuse, errors=["States.ALL"], assign=failed)
        return register, refuse

    def _if_registered(
        self, begin: sfn.IChainable, preflight: sfn.IChainable, estimate: sfn.IChainable
    ) -> sfn.Choice:
        found = [(name, f"$states.input.resume.{name}") for name in _RESUMED if name != "next_record"]
        nothing = sfn.Succeed.jsonata(
            self._scope, "NothingToDo", comment="This upload has a run already, or asks for none"
        )
        return self._states.choice(
            "Registered?",
            Branch(begin, when='$states.input.outcome = "registered"'),
            Branch(
                self._release,
                when='$states.input.outcome = "refused"',
                assign={
                    "failure": "{% $states.input.failure %}",
                    # A refused retry still reports the run's results.
                    **{name: f"{{% $exists({brought}) ? {brought} : null %}}" for name, brought in found},
                },
            ),
            *(
                Branch(
                    then,
                    when=f'$states.input.resume.point = "{point}"',
                    assign={name: f"{{% $states.input.resume.{name} %}}" for name in _RESUMED},
                )
                for point, then in (
                    ("validate_data", begin),
                    ("preflight", preflight),
                    ("estimate_cost", estimate),
                )
            ),
            Branch(nothing),
        )

    def _validate_data(self) -> sfn.TaskStateBase:
        """Returns a dataset or, if it is too large for one function, the work for its shards.

        An inconclusive run already has a dataset and a job; for its retry the step checks the test set.
        """
        return self._states.step(
            "ValidateData", "run", "sharding", "dataset", "job",
            dataset=f"{{% {_DATASET}.shards ? $dataset : {_DATASET} %}}",
            sharding=f"{{% {_DATASET}.shards ? {_DATASET} : null %}}",
        )  # fmt: skip

    def _if_whole(self, go_on: sfn.IChainable, estimate: sfn.IChainable, again: sfn.IChainable) -> sfn.Choice:
        """A large dataset passes here twice: its shards are checked, and then prepared for training.

        Preflight is skipped if the model is already trained.
        """
        in_shards = self._shards.then(
            again, "ValidateShard", "$sharding.shards", "run", work="{% $sharding.work %}"
        )
        return self._states.choice(
            "Whole?",
            Branch(in_shards, when="$exists($sharding.shards)"),
            Branch(estimate, when=_IS_TRAINED),
            Branch(go_on),
        )

    def _if_affordable(self, go_on: sfn.IChainable) -> sfn.Choice:
        await_approval = self._states.wait(
            "AwaitApproval", "approval", "$run.run_id", self._approval_patience, estimate="{% $estimate %}"
        )
        return self._states.choice(
            "Affordable?",
            Branch(await_approval.next(go_on), when="$count($estimate.approval_reasons) > 0"),
            Branch(go_on),
        )

    def _if_to_train(self, train: sfn.IChainable, set_up: sfn.IChainable) -> sfn.Choice:
        """A run with a trained model is never trained again."""
        return self._states.choice("ToTrain?", Branch(set_up, when=_IS_TRAINED), Branch(train))

    def _if_started(
        self, go_on: sfn.IChainable, start_again: sfn.IChainable, set_up: sfn.IChainable
    ) -> sfn.Choice:
        await_slot = self._states.wait(
            "AwaitSlot", "slot", "$run.run_id", SLOT_PATIENCE, assign={"granted": True}
        )
        return self._states.choice(
            "Started?",
            Branch(await_slot.next(start_again), when='$started.outcome = "queued"'),
            Branch(set_up, when='$started.outcome = "finished"', assign={"job": "{% $started.job %}"}),
            Branch(go_on),
        )

    def _if_trained(self, start_next: sfn.IChainable, set_up: sfn.IChainable) -> sfn.Choice:
        """A run with several jobs (training phases, candidates of a search) loops until it has its model."""
        return self._states.choice("Trained?", Branch(start_next, when="$started.more"), Branch(set_up))

    def _set_up_throughput(self) -> sfn.TaskStateBase:
        """If the quota of deployments is exhausted, the run queues, and then tries again."""
        task = self._states.task(
            "SetUpThroughput", "run", "dataset", "job", "granted",
            result="serving", granted=False,
        )  # fmt: skip
        await_deployment = self._states.wait(
            "AwaitDeployment", "deployment", "$run.run_id", SLOT_PATIENCE, assign={"granted": True}
        )
        task.add_catch(await_deployment, errors=[DeploymentsFull.__name__])
        await_deployment.next(task)
        return self._states.rescued("SetUpThroughput", task)

    def _if_in_service(self, go_on: sfn.IChainable) -> sfn.Choice:
        await_throughput = self._states.wait(
            "AwaitThroughput", "throughput", "$serving.arn", THROUGHPUT_PATIENCE,
            assign={"serving": RESULT},
            serving="{% $serving %}",
        )  # fmt: skip
        return self._states.choice(
            "InService?",
            Branch(await_throughput.next(go_on), when='$serving.status = "Creating"'),
            Branch(go_on),
        )

    def _evaluate_model(self) -> sfn.TaskStateBase:
        """Calls itself again with `next_record` if fifteen minutes are not enough.

        Its retries also wait for a place among the account's evaluation jobs, which AWS limits.
        """
        task = self._states.task(
            "EvaluateModel", "run", "dataset", "job", "serving", "next_record",
            result="evaluation",
            next_record="{% $states.result.Payload.next_record %}",
        )  # fmt: skip
        return self._states.rescued("EvaluateModel", task)

    def _by_verdict(self, again: sfn.IChainable, promote: sfn.IChainable) -> sfn.Choice:
        """Many held-out prompts are evaluated in shards; then evaluate_model reads all answers and decides.

        With evaluation jobs as judge, it is called again after each has ended.
        """
        in_shards = self._shards.then(
            again, "EvaluateShard", "$evaluation.shards", "run", "dataset", "serving"
        )
        await_judging = self._states.wait(
            "AwaitJudging", "judging", "$evaluation.judge_job_arn", JUDGING_PATIENCE
        )
        return self._states.choice(
            "Better?",
            Branch(in_shards, when="$count($evaluation.shards) > 0"),
            Branch(await_judging.next(again), when='$evaluation.judge_job_arn != ""'),
            Branch(again, when="$not($evaluation.done)"),
            Branch(promote, when='$evaluation.verdict = "promote"'),
            Branch(self._release),
        )

    def _if_bought(self, promote: sfn.IChainable) -> sfn.Choice:
        """Provisioned throughput is bought only for a model that has passed on demand."""
        names = ("run", "dataset", "job", "evaluation")
        buy = self._states.call(
            "BuyThroughput",
            {name: f"{{% ${name} %}}" for name in names} | {"evaluated": True},
            {"evaluated_on": "{% $serving %}", "serving": PAYLOAD},
            step="set_up_throughput",
        )
        await_production = self._states.wait(
            "AwaitProduction", "throughput", "$serving.arn", THROUGHPUT_PATIENCE,
            assign={"serving": RESULT},
            serving="{% $serving %}",
        )  # fmt: skip
        self._states.rescued("BuyThroughput", buy).next(await_production).next(promote)
        return self._states.choice("Provisional?", Branch(buy, when="$serving.provisional"), Branch(promote))

    def _promote_model(self) -> sfn.TaskStateBase:
        """Its retries wait while Bedrock replaces the model behind an ARN, which takes minutes."""
        names = ("run", "dataset", "job", "serving", "evaluation")
        task = self._states.task("PromoteModel", *names, result="promotion")
        return self._states.rescued("PromoteModel", task)

    def _release_throughput(self, tell: sfn.IChainable) -> sfn.IChainable:
        """Retried for about an hour, because a resource can only be deleted after its creation has finished.

        If it still fails, the notification says so, and the sweep continues to try.
        """
        held = ("run", "started", "serving", "evaluation", "failure", "evaluated_on", "promotion")
        task = self._states.task("ReleaseThroughput", *held, result="released")
        first_failure = f"{{% $exists($failure.error) ? $failure : {failure('release_throughput')} %}}"
        task.add_catch(tell, errors=["States.ALL"], assign={"failure": first_failure})
        return task.next(tell)

    def _notify(self) -> sfn.IChainable:
        """Without Catch: a failure to notify fails the execution, raises an alarm, and can be redriven."""
        failed = sfn.Fail.jsonata(
            self._scope,
            "Failed",
            # Custom errors may not begin with "States." (Amazon States Language, Fail State); a text without
            # it is not changed.
            error="{% $substringAfter($failure.error, 'States.') %}",
            cause="{% $failure.cause %}",
        )
        end = self._states.choice(
            "Failed?",
            Branch(failed, when="$exists($failure.error)"),
            Branch(sfn.Succeed.jsonata(self._scope, "Done")),
        )
        return self._states.task("Notify", "run", *WORKFLOW_RESULTS).next(end)


RESULT = "{% $states.result %}"
"""The output of a callback."""

_DATASET = "$states.result.Payload"

_IS_TRAINED = "$exists($job.model_arn)"

_RESULTS = ("sharding", "evaluated_on", *WORKFLOW_RESULTS)
"""Initially null, because Step Functions has no undefined variables."""

_RESUMED = ("dataset", "estimate", "started", "job", "next_record")
"""The results that a resumed run starts with (`tunedrop.contracts.Resume`)."""
