"""Tests whether a tuned model has kept its base model's abilities."""

from tunedrop.evaluation.general_ability._prompts import Probe, is_right, probes, questions

__all__ = ["Probe", "is_right", "probes", "questions"]
