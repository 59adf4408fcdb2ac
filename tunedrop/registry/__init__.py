"""The run registry: the state, history and cost of every run, and the models in production."""

from tunedrop.registry._records import Record, Seen, StepRecord
from tunedrop.registry._runs import Registry

__all__ = ["Record", "Registry", "Seen", "StepRecord"]
