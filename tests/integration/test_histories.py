"""Random histories converge: increments = rebuild = a recomputation in plain Python, and no row is lost on the way."""

from __future__ import annotations

import os
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import hypothesis
import pytest
from hypothesis import HealthCheck, Phase, given
from hypothesis import strategies as st

from tests.integration.histories.builds import Template, make_template
from tests.integration.histories.machine import KINDS, History, Step, live_through
from tests.integration.histories.world import REPORTING_ZONES, profile_text

MAXIMUM_STEPS = 12
SEEDS = st.integers(0, 2**16)
HISTORIES = st.builds(
    History,
    world=SEEDS,
    days=st.integers(2, 5),
    steps=st.lists(
        st.builds(Step, st.sampled_from(KINDS), SEEDS), max_size=MAXIMUM_STEPS, unique_by=lambda s: s.kind
    ).map(tuple),
)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Template]:
    """A warehouse over an empty lake, built once for all histories."""
    root = tmp_path_factory.mktemp("template")
    profile = root / "world.toml"
    profile.write_text(profile_text(root, REPORTING_ZONES[0]), encoding="utf-8")
    with pytest.MonkeyPatch.context() as environment:  # the histories set these two
        environment.setenv("OPSMART_PROFILE", "")
        environment.setenv("OPSMART_HOME", "")
        yield make_template(root / "home", profile)


def run_histories(template: Template, examples: int, seed: int | None) -> Counter[str]:
    """Live through that many random histories; without a seed they are the same ones each time."""
    counts: Counter[str] = Counter()
    started = time.monotonic()

    @hypothesis.settings(
        max_examples=examples,
        derandomize=seed is None,
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(HISTORIES)
    def run(history: History) -> None:
        with TemporaryDirectory(prefix="history-") as folder:
            live_through(history, Path(folder), template, counts)
        if counts["history"] % 10 == 0:
            print(f"{counts['history']} histories, {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)

    (run if seed is None else hypothesis.seed(seed)(run))()
    print(", ".join(f"{kind} {counts[kind]}" for kind in ("history", "value compared", *KINDS)), file=sys.stderr)
    return counts


def test_random_histories_converge(template: Template, capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        counts = run_histories(template, 30, seed=None)
    assert counts["history"] >= 30
    assert all(counts[kind] for kind in KINDS), "a kind of step that never happened proves nothing"


@pytest.mark.soak
def test_many_random_histories_converge(template: Template, capsys: pytest.CaptureFixture[str]) -> None:
    """OPSMART_SOAK_SEED repeats a run."""
    seed = int(os.environ.get("OPSMART_SOAK_SEED") or random.SystemRandom().randrange(2**32))
    with capsys.disabled():
        print(f"\nOPSMART_SOAK_SEED={seed}", file=sys.stderr, flush=True)
        counts = run_histories(template, 300, seed)
    assert counts["history"] >= 300
    assert min(counts[kind] for kind in KINDS) >= 20
