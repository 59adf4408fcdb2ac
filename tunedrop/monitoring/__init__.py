"""Follows a run: its current state, and the estimated remaining time."""

from tunedrop.monitoring._snapshot import Job, Look, Queue, Snapshot

__all__ = ["Job", "Look", "Queue", "Snapshot"]
