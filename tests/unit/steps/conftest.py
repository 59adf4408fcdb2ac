from __future__ import annotations

import pytest

from tests import builders
from tests.unit.handlers import Here
from tunedrop.aws import Aws
from tunedrop.registry import Registry
from tunedrop.stage import Stage
from tunedrop.waiting.table import Waits


@pytest.fixture
def here(aws: Aws, stage: Stage, registry: Registry, waits: Waits, monkeypatch: pytest.MonkeyPatch) -> Here:
    registry.register(builders.run())
    return Here(stage, aws, monkeypatch)
