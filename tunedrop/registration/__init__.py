"""From an upload to a run: its settings, its data files, its id; retries, retuning, missed uploads."""

from tunedrop.registration._events import GROWN, ObjectCreated
from tunedrop.registration._new_run import permitted, refused, register, too_many
from tunedrop.registration._run_settings import resolve

__all__ = ["GROWN", "ObjectCreated", "permitted", "refused", "register", "resolve", "too_many"]
