"""Follows a run: its current state, and the estimated remaining time."""

from tunedrop.monitoring._snapshot import Job, Monitor, Queue, Snapshot

__all__ = ["Job", "Monitor", "Queue", "Snapshot"]
