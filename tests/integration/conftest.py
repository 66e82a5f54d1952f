"""Builds of these tests as forks of one dbt."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from orchestration.pipeline import build
from tests.integration.dbt_fork import run_dbt


@pytest.fixture(scope="module")
def forked_dbt() -> Iterator[None]:
    """The pipeline's builds run by forks."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(build, "run_dbt", run_dbt)
        yield
