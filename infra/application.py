"""The CDK app of one stage, from the context of `cdk.json` and the command line."""

from __future__ import annotations

from aws_cdk import App, CliCredentialsStackSynthesizer, Environment

from infra import settings as stage_settings
from infra.bundling import Bundles, build
from infra.settings import Settings
from infra.stack import TunedropStack


def add_stack(app: App, bundles: Bundles | None = None) -> TunedropStack:
    """Add the stack of the stage that the context names (`-c stage=dev`).

    Parameters
    ----------
    bundles
        The code of the functions; by default built, or taken from the cache.

    Raises
    ------
    SettingsError
        If the stage's settings are invalid.
    """
    settings = stage_settings.read(app.node.try_get_context("stages"), app.node.try_get_context("stage"))
    return TunedropStack(
        app,
        "Tunedrop",
        stack_name=f"tunedrop-{settings.name}",
        description="Drop a dataset, get a fine-tuned Amazon Bedrock model",
        settings=settings,
        bundles=bundles or build(settings),
        env=Environment(**stage_settings.environment(settings)),
        synthesizer=_synthesizer(settings),
        termination_protection=settings.retains,
    )


def _synthesizer(settings: Settings) -> CliCredentialsStackSynthesizer | None:
    """The embedded AWS does not support the bootstrap roles, because it does not supply
    `aws:ResourceAccount`."""
    return CliCredentialsStackSynthesizer() if settings.local else None
