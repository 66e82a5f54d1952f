"""Thirty nights against living sources whose wire is bad end with the marts of the files. Only `make soak` runs this."""

from __future__ import annotations

import random
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path

import pytest

from orchestration.pipeline import runner
from orchestration.pipeline.landing import StreamLanding
from orchestration.settings import Settings
from sources.sample_company import FIRST_DAY, write
from sources.sample_company.living_files import write_whole
from sources.sample_company.postgres_server import Postgres, running_postgres
from sources.sample_company.serve_zendesk import Fault, Request
from tests.living import Served, failures, land_files, living, marts, marts_but_for_the_nights

DAYS = 34
NIGHTS = 30
HTML = b"<html>upstream connect error</html>"


class Wire:
    """The way to PostgreSQL: passes bytes on, and cuts a share of the connections after some bytes of the answer."""

    def __init__(self, rng: random.Random, target: int) -> None:
        self.rng, self.target = rng, target
        self.share, self.cut = 0.0, 0
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port = int(self.listening.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):  # closed
            while True:
                near, _ = self.listening.accept()
                try:
                    far = socket.create_connection(("127.0.0.1", self.target))
                except OSError:  # it is down
                    near.close()
                    continue
                left = int(10 ** self.rng.uniform(1, 5.5)) if self.rng.random() < self.share else None
                threading.Thread(target=self._pass_on, args=(near, far, None), daemon=True).start()
                threading.Thread(target=self._pass_on, args=(far, near, left), daemon=True).start()

    def _pass_on(self, source: socket.socket, sink: socket.socket, left: int | None) -> None:
        with suppress(OSError):
            while content := source.recv(65_536 if left is None else max(1, min(left, 65_536))):
                sink.sendall(content)
                if left is not None:
                    left -= len(content)
                    if left <= 0:
                        self.cut += 1
                        break
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


def _spoil(served: Served, rng: random.Random, share: float, counts: dict[str, int]) -> None:
    """Let the API spoil that share of its answers."""

    def fault(request: Request) -> Fault | None:
        if rng.random() >= share:
            return None
        kind = rng.choice(("429", "5xx", "cut", "hung up"))
        counts[kind] = counts.get(kind, 0) + 1
        match kind:
            case "429":
                return Fault(status=429, headers={"Retry-After": "0"}, body=b"{}")
            case "5xx":
                return Fault(status=rng.choice((500, 502, 503)), body=HTML, content_type="text/html")
            case "cut":
                return Fault(keep_bytes=rng.randint(0, 40))
        return Fault(hang_up=True)

    served.desk.fault = fault


@contextmanager
def _disturbed(postgres: Postgres, rng: random.Random, counts: dict[str, int]) -> Iterator[None]:
    """While the night runs, connections are terminated, and in some nights the server is started again."""
    over = threading.Event()
    restart = rng.random() < 0.3
    counts["restarts"] = counts.get("restarts", 0) + restart

    def disturb() -> None:
        if restart and not over.wait(rng.uniform(0.1, 1.5)):
            postgres.kill()
            time.sleep(rng.uniform(0.1, 2))
            postgres.start()
        while not over.wait(rng.expovariate(0.5)):
            with postgres.connect() as connection:
                ended = connection.execute(
                    "select count(pg_terminate_backend(pid)) from pg_stat_activity where usename = 'reader'"
                ).fetchone()
            counts["terminated"] = counts.get("terminated", 0) + (ended[0] if ended else 0)

    worker = threading.Thread(target=disturb)
    worker.start()
    try:
        yield
    finally:
        over.set()
        worker.join()


@contextmanager
def _half_written(served: Served, rng: random.Random, counts: dict[str, int]) -> Iterator[None]:
    """Some files are not there to their end while the night runs; in the morning they are."""
    folder = served.company.files.folder
    newest = sorted((folder / "usage").iterdir())[-1]
    chosen = rng.sample(sorted(newest.glob("*.jsonl.gz")), 1) if rng.random() < 0.4 else []
    if rng.random() < 0.2:
        chosen.append(folder / "fx" / "rates.csv")
    whole = {path: path.read_bytes() for path in chosen}
    for path, content in whole.items():
        path.write_bytes(content[: rng.randrange(len(content))])
        counts["half written"] = counts.get("half written", 0) + 1
    try:
        yield
    finally:
        for path, content in whole.items():
            write_whole(path, content)


@pytest.mark.soak
@pytest.mark.parametrize("seed", [1])
def test_thirty_nights_on_a_bad_wire_end_as_without_faults(seed: int, tmp_path: Path) -> None:
    files, last = tmp_path / "company", FIRST_DAY + timedelta(days=DAYS - 1)
    write(files, 7, 0.2, FIRST_DAY, last)
    rng = random.Random(seed)
    counts: dict[str, int] = {}
    failed: list[str] = []
    with running_postgres() as postgres:
        wire = Wire(random.Random(rng.random()), postgres.port)
        with wire.listening, living(files, tmp_path, postgres, "nights", wire.port) as served:

            def pull(settings: Settings) -> list[StreamLanding]:
                wire.share = rng.choice((0.0, 0.2, 0.5))
                _spoil(served, random.Random(rng.random()), rng.choice((0.0, 0.1, 0.3, 0.3, 0.9)), counts)
                with _half_written(served, rng, counts), _disturbed(postgres, random.Random(rng.random()), counts):
                    return runner.land(settings)

            for number in range(DAYS - NIGHTS, DAYS):
                failed += failures(served.night(FIRST_DAY + timedelta(days=number), pull))
            wire.share, served.desk.fault = 0.0, lambda request: None
            calm = runner.land(served.settings(last))
            assert failures(calm) == []
            counts["cut off"] = wire.cut
            live = marts(served.settings(last).home)
            of_files = marts(land_files(files, tmp_path, last).home)
    print(f"seed {seed}: {len(failed)} days of streams failed for a night; {counts}")
    kinds = {"429", "5xx", "cut", "hung up", "cut off", "terminated", "restarts", "half written"}
    assert failed and {kind for kind, number in counts.items() if number} == kinds
    assert marts_but_for_the_nights(live) == marts_but_for_the_nights(of_files)
