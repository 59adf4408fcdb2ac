"""What is deployed: one construct a file, put together in `pipeline`."""

from infra.pipeline import Tunedrop
from infra.settings import Settings, SettingsError

__all__ = ["Settings", "SettingsError", "Tunedrop"]
