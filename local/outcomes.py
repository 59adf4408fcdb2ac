"""A rule of EventBridge and a queue, as other automation would have them, for the outcomes of runs."""

from __future__ import annotations

import json
import uuid

import boto3
import msgspec

from tunedrop.contracts import RunEnded


class Outcomes:
    """Receives the event of every run's end from the event bus; `close` deletes rule and queue."""

    def __init__(self, session: boto3.Session) -> None:
        name = f"outcomes-{uuid.uuid4().hex[:8]}"
        self._sqs, self._events, self._rule = session.client("sqs"), session.client("events"), name
        self._url = self._sqs.create_queue(QueueName=name)["QueueUrl"]
        arn = self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=["QueueArn"])["Attributes"][
            "QueueArn"
        ]
        pattern = {"source": ["tunedrop"], "detail-type": ["Tunedrop Run Ended"]}
        rule = self._events.put_rule(Name=name, EventPattern=json.dumps(pattern))["RuleArn"]
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": rule}},
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self._sqs.set_queue_attributes(QueueUrl=self._url, Attributes={"Policy": policy})
        self._events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": arn}])
        self._heard: list[RunEnded] = []

    def of(self, run_id: str) -> list[RunEnded]:
        """The events of a run until now."""
        while messages := self._sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=10).get(
            "Messages"
        ):
            for message in messages:
                detail = json.loads(message["Body"])["detail"]
                self._heard.append(msgspec.convert(detail, RunEnded))
                self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])
        return [one for one in self._heard if one.run_id == run_id]

    def close(self) -> None:
        self._events.remove_targets(Rule=self._rule, Ids=["queue"])
        self._events.delete_rule(Name=self._rule)
        self._sqs.delete_queue(QueueUrl=self._url)
