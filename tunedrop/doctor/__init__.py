"""Checks the prerequisites of a deployment, explains problems and lists what to request.

Each look gives findings and raises nothing for what it finds.
"""

from tunedrop.doctor.finding import Finding, State, asked

__all__ = ["Finding", "State", "asked"]
