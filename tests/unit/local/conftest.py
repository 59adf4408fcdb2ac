"""The account in which the embedded services are tested."""

from __future__ import annotations

import pytest

from tests.unit.local_sagemaker import LocalAccount


@pytest.fixture
def account(account: LocalAccount) -> LocalAccount:
    """With a group, into which jobs write their packages."""
    account.group()
    return account
