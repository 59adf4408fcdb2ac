"""What a deployment needs before it fails: looked at, explained, with what to ask for.

Each look gives findings and raises nothing for what it finds.
"""

from tunedrop.doctor.finding import Finding, State, asked

__all__ = ["Finding", "State", "asked"]
