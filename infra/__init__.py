"""The CDK app: one construct per file, combined in `pipeline`."""

from infra.pipeline import Tunedrop
from infra.settings import Settings, SettingsError

__all__ = ["Settings", "SettingsError", "Tunedrop"]
