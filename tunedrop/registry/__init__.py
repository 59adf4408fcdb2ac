"""The run registry: what every run is, was and cost, and which models are in production."""

from tunedrop.registry.records import Record, StepRecord
from tunedrop.registry.runs import Registry

__all__ = ["Record", "Registry", "StepRecord"]
