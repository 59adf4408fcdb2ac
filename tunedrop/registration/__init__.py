"""From an upload to a run: its settings, its data files, its id; retries, retuning, missed uploads."""

from tunedrop.registration.events import GROWN, ObjectCreated
from tunedrop.registration.new_run import refused, register, too_many
from tunedrop.registration.run_settings import resolve

__all__ = ["GROWN", "ObjectCreated", "refused", "register", "resolve", "too_many"]
