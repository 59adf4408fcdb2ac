"""The settings of a stage, and their validation."""

from infra.settings.connections import Endpoints, Mlflow, Network, Slack, Teams
from infra.settings.contradictions import SettingsError
from infra.settings.reading import check, environment, read
from infra.settings.stage import Settings, StageSettings

__all__ = [
    "Endpoints",
    "Mlflow",
    "Network",
    "Settings",
    "SettingsError",
    "Slack",
    "StageSettings",
    "Teams",
    "check",
    "environment",
    "read",
]
