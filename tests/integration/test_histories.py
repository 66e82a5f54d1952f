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

from tests.faults.figures import record
from tests.integration.histories.builds import Template
from tests.integration.histories.machine import KINDS, History, Machine, Step, live_through, opened

MAXIMUM_STEPS = 12
PARTS = 6
CHOSEN_HISTORIES, CHOSEN_STEPS = 30, 2
SEEDS = st.integers(0, 2**16)
HISTORIES = st.builds(
    History,
    world=SEEDS,
    days=st.integers(2, 5),
    steps=st.lists(
        st.builds(Step, st.sampled_from(KINDS), SEEDS), max_size=MAXIMUM_STEPS, unique_by=lambda s: s.kind
    ).map(tuple),
)


def run_histories(template: Template, examples: int, seed: int, share: int) -> Counter[str]:
    """Live through that many random histories, and through short ones of the kinds that chance left below their share."""
    counts: Counter[str] = Counter()
    started = time.monotonic()

    @hypothesis.settings(
        max_examples=examples,
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

    hypothesis.seed(seed)(run)()
    while rare := [kind for kind in KINDS if counts[kind] < share]:
        steps = tuple(Step(kind, seed + counts["history"]) for kind in rare[:3])
        with TemporaryDirectory(prefix="history-") as folder:
            live_through(History(seed % 2**16, 3, steps), Path(folder), template, counts)
    print(", ".join(f"{kind} {counts[kind]}" for kind in ("history", "value compared", *KINDS)), file=sys.stderr)
    return counts


@pytest.fixture(scope="module")
def opening(template: Template, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """Three days, landed and built."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("OPSMART_PROFILE", "")
        environment.setenv("OPSMART_HOME", "")
        yield opened(History(20260329, 3, ()), tmp_path_factory.mktemp("opening"), template)


def chosen_histories() -> Iterator[History]:
    """Short histories in which each kind of step happens three times, each time beside another one."""
    rng = random.Random(20260329)
    kinds: list[str] = []
    while len(kinds) < CHOSEN_HISTORIES * CHOSEN_STEPS:
        kinds += rng.sample(KINDS, len(KINDS))
    for start in range(0, CHOSEN_HISTORIES * CHOSEN_STEPS, CHOSEN_STEPS):
        steps = (Step(kind, rng.randrange(2**16)) for kind in kinds[start : start + CHOSEN_STEPS])
        yield History(0, 0, tuple(steps))


@pytest.mark.parametrize(
    "history", list(chosen_histories()), ids=lambda history: "-".join(s.kind for s in history.steps)
)
def test_a_history_converges(template: Template, opening: Machine, tmp_path: Path, history: History) -> None:
    """`make test` lives through thirty short ones from one opening; `make soak` through 300 random ones."""
    counts: Counter[str] = Counter()
    live_through(history, tmp_path, template, counts, opening)
    assert counts["history"] == 1 and counts["value compared"] > 0
    record("sequences")


@pytest.mark.soak
@pytest.mark.parametrize("part", range(PARTS))
def test_many_random_histories_converge(template: Template, capsys: pytest.CaptureFixture[str], part: int) -> None:
    """300 histories in parts, so that they spread over workers. OPSMART_SOAK_SEED repeats a run."""
    seed = int(os.environ.get("OPSMART_SOAK_SEED") or random.SystemRandom().randrange(2**32))
    with capsys.disabled():
        print(f"\nOPSMART_SOAK_SEED={seed}, part {part + 1} of {PARTS}", file=sys.stderr, flush=True)
        counts = run_histories(template, 300 // PARTS, seed + part, share=-(-20 // PARTS))
    record("sequences", counts["history"])
    assert counts["history"] >= 300 // PARTS
    assert min(counts[kind] for kind in KINDS) >= 20 / PARTS, "of each kind twenty over all parts"
