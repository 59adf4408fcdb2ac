"""The run registry: what every run is, was and cost, and which models are in production."""

from tunedrop.registry.runs import Record, Registry, StepRecord

__all__ = ["Record", "Registry", "StepRecord"]
