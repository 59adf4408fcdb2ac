"""A stage that the command line finds: its parameter in SSM, its tables, one run."""

from __future__ import annotations

import msgspec
import pytest

from tests import builders
from tunedrop.aws import Aws
from tunedrop.cli.deployed import Deployed
from tunedrop.registry import Registry
from tunedrop.stage import Stage, parameter_name
from tunedrop.waiting.table import Waits


@pytest.fixture
def deployed(aws: Aws, stage: Stage, registry: Registry, waits: Waits) -> Deployed:
    aws.ssm.put_parameter(
        Name=parameter_name("test"), Value=msgspec.json.encode(stage).decode(), Type="String"
    )
    registry.register(builders.run())
    return Deployed("test", None, "us-east-1")
