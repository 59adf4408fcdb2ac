"""Checks the prerequisites of a deployment, explains problems and lists what to request.

Each check yields findings and does not raise for a problem that it finds.
"""

from tunedrop.doctor._finding import Finding, State, asked

__all__ = ["Finding", "State", "asked"]
