"""The run registry: the state, history and cost of every run, and the models in production."""

from tunedrop.registry._records import UNREADABLE, Record, Seen, StepRecord
from tunedrop.registry._runs import Registry

__all__ = ["UNREADABLE", "Record", "Registry", "Seen", "StepRecord"]
