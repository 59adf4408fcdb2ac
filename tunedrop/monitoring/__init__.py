"""Following a run while it goes: what is known of it at a moment, and how long it may still take."""

from tunedrop.monitoring.snapshot import Job, Look, Queue, Snapshot

__all__ = ["Job", "Look", "Queue", "Snapshot"]
