"""What happens to a stage's machines: functions and calls fail, AWS stands still, permissions are missing."""

from __future__ import annotations

import json
import os
import signal
import time

from botocore.exceptions import ClientError

from bench.chaos.operators import Operators
from tests.faults.calls import CALLS
from tunedrop.serving import inventory

FAULTS = ("throttled", "refused", "killed")


class Machines(Operators):
    """Each method breaks one thing, by the choices of `random`, and says what."""

    def break_calls(self) -> str:
        """Functions are throttled, refused or killed at some of their calls."""
        faults = [
            {
                "function": function,
                "fault": self.random.choice(FAULTS),
                "action": self.random.choice(CALLS[function]),
            }
            for function in self.random.sample(sorted(CALLS), 4)
        ]
        self._embedded.faults.set(functions=faults)
        return "broke " + ", ".join(" ".join(fault.values()) for fault in faults)

    def freeze(self) -> str:
        """AWS stands still for some seconds: calls get no answer, schedules do not come."""
        seconds = self.random.uniform(1, 8)
        os.kill(self._embedded.pid, signal.SIGSTOP)
        try:
            time.sleep(seconds)
        finally:
            os.kill(self._embedded.pid, signal.SIGCONT)
        return f"froze AWS for {seconds:.1f} s"

    def silence(self) -> str:
        """Bedrock's events."""
        how = self.random.choice(("never", "twice", "late", "early"))
        self._embedded.faults.set(events=how)
        return f"Bedrock's events come {how}"

    def forbid(self) -> str:
        """A function has no permissions for some seconds."""
        function = self.random.choice(sorted(CALLS)).replace("_", "-")
        name = f"tunedrop-{self._pipeline.stage.name}-{function}"
        lambda_, iam = self._pipeline.aws.lambda_, self._pipeline.aws.iam
        role = lambda_.get_function_configuration(FunctionName=name)["Role"].rpartition("/")[2]
        (policy,) = iam.list_role_policies(RoleName=role)["PolicyNames"]
        document = iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]
        iam.delete_role_policy(RoleName=role, PolicyName=policy)
        time.sleep(self.random.uniform(0, 3))
        text = document if isinstance(document, str) else json.dumps(document)
        iam.put_role_policy(RoleName=role, PolicyName=policy, PolicyDocument=text)
        return f"took the permissions of {function} away and gave them back"

    def abort(self) -> str:
        """Somebody ends an execution in the console."""
        if (record := self._one(is_open=True)) is None:
            return "nothing to abort"
        arn = record.run.execution_arn
        self.stops.add((record.run.run_id, record.run.attempt))
        self._pipeline.aws.step_functions.stop_execution(executionArn=arn, cause="chaos")
        return f"aborted the execution of {record.run.run_id}"

    def delete(self) -> str:
        """What serves is deleted behind the pipeline's back, unless an alias names it."""
        named = set(self._aliases.all().values())
        found = inventory.resources(self._pipeline.aws, self._pipeline.stage, inventory.serving())
        free = sorted(one.arn for one in found if one.arn not in named and one.kind == "deployment")
        if not free:
            return "nothing to delete"
        arn = self.random.choice(free)
        try:
            self._pipeline.aws.bedrock.delete_custom_model_deployment(customModelDeploymentIdentifier=arn)
        except ClientError as error:
            return f"could not delete {arn}: {error}"
        return f"deleted {arn}"
