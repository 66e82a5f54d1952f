"""What becomes of an attempt to publish: its verdicts in a file, and where it is refused, the message that says how to go on.

The last good publication is not touched here; it is only looked at, for its age.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from orchestration.pipeline.verdicts import Verdict, worst_first
from orchestration.settings import Home, Settings

SHOWN = 10  # blocking checks that a message tells in full


class PublicationRefused(RuntimeError):
    """A gate did not pass. The last good publication stands as it was; the message says what failed and how to go on."""

    def __init__(self, home: Home, verdicts: Sequence[Verdict], record: Path, now: datetime | None = None) -> None:
        self.verdicts = worst_first([verdict for verdict in verdicts if verdict.blocks])
        self.record = record
        skipped = [verdict for verdict in self.verdicts if "skipped" in verdict.message and verdict.status == "error"]
        causes = [verdict for verdict in self.verdicts if verdict not in skipped] or skipped[:3]
        since = failing_since(home, causes)
        lines = [_told(verdict, since.get(verdict.name)) for verdict in causes[:SHOWN]]
        if len(causes) > SHOWN:
            lines.append(f"  and {len(causes) - SHOWN} more")
        if skipped and causes != skipped[:3]:
            lines.append(f"  {len(skipped)} models and checks after it were skipped because of that")
        super().__init__(
            f"nothing was published: {len(causes)} blocking checks did not pass; "
            f"{standing(home, now or datetime.now(UTC))}. All verdicts: {record}\n"
            + "\n".join([*lines, f"  {_how_to_go_on(causes)}"])
        )


def _told(verdict: Verdict, since: datetime | None) -> str:
    """The lines about one check: what failed, since when, whose it is, what to do, and how to look."""
    when = f", failing since {since:%Y-%m-%d %H:%M} UTC" if since else ""
    told = f"  {verdict.name} [{verdict.status}] {verdict.message} (owner {verdict.owner}{when}). {verdict.fix}"
    if verdict.samples:
        told += f"\n    For example: {json.dumps(verdict.samples[:2], default=str)}"
    return told + (f"\n    Look: {verdict.look}" if verdict.look else "")


def _how_to_go_on(causes: Sequence[Verdict]) -> str:
    acceptable = [verdict.name for verdict in causes if verdict.may_be_accepted]
    mend = "To go on: mend the cause and `make run`, or pull the days again with `make backfill FROM=… TO=…`"
    if len(acceptable) < len(causes):
        return f"{mend}. What was not evaluated cannot be accepted."
    return f'{mend}; or accept this run: `make publish ACCEPT="{" ".join(acceptable)}" REASON="…"`.'


def standing(home: Home, now: datetime) -> str:
    """What readers go on seeing, and how old it is."""
    manifest = home.current / "publication.json"
    if not manifest.is_file():
        return "there is no publication yet"
    said = json.loads(manifest.read_text(encoding="utf-8"))
    age = now - datetime.fromisoformat(said["published_at"])
    return f"the last good publication stands: {said['publication_id']}, {told_age(age)} old"


def told_age(age: timedelta) -> str:
    """An age as one number that a person can read: minutes below two hours, hours below two days, then days."""
    minutes = max(0, int(age.total_seconds() // 60))
    if minutes < 120:
        return f"{minutes} minutes"
    return f"{minutes // 60} hours" if minutes < 2880 else f"{minutes // 1440} days"


def refusal(settings: Settings, verdicts: Sequence[Verdict], run_id: str) -> PublicationRefused | None:
    """The refusal that these verdicts lead to, written down like every attempt; None when nothing blocks."""
    if not any(verdict.blocks for verdict in verdicts):
        return None
    record = record_verdicts(settings.home, new_attempt(datetime.now(UTC)), verdicts, run_id)
    return PublicationRefused(settings.home, verdicts, record)


def new_attempt(now: datetime) -> str:
    """The id of an attempt to publish, and of the publication that it becomes; ids sort by time."""
    return f"{now:%Y%m%dT%H%M%S}Z-{secrets.token_hex(3)}"


def record_verdicts(home: Home, attempt: str, verdicts: Sequence[Verdict], run_id: str) -> Path:
    """Keep the verdicts of every attempt, published or not, in a machine-readable file. A landing of a stream makes one too,
    with the stream's name behind the attempt."""
    folder = _folder(home)
    folder.mkdir(parents=True, exist_ok=True)
    record = folder / f"{attempt}.json"
    content = {
        "attempt": attempt,
        "run_id": run_id,
        "is_refused": not verdicts or any(verdict.blocks for verdict in verdicts),
        "verdicts": [verdict.as_dict() for verdict in worst_first(verdicts)],
    }
    record.write_text(json.dumps(content, indent=2, default=str) + "\n", encoding="utf-8")
    return record


def _folder(home: Home) -> Path:
    return home.path / "verdicts"


def _attempts(home: Home) -> Iterator[tuple[datetime, dict[str, Any]]]:
    """(time, record) of every attempt to publish, newest first."""
    for path in sorted(_folder(home).glob("[0-9]*Z-??????.json"), reverse=True):
        yield (
            datetime.strptime(path.name[:16], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC),
            json.loads(path.read_text(encoding="utf-8")),
        )


def last_refusal(home: Home) -> tuple[datetime, list[str]] | None:
    """When the newest attempt was refused, and by which checks; None when it was published, or there was none."""
    for at, record in _attempts(home):
        return (at, [v["name"] for v in record["verdicts"] if v["blocks"]]) if record["is_refused"] else None
    return None


def failing_since(home: Home, verdicts: Sequence[Verdict]) -> dict[str, datetime]:
    """Per check, the first of the attempts in a row, up to the newest, in which it did not pass (accepted or not)."""
    since: dict[str, datetime] = {}
    open_checks = {verdict.name for verdict in verdicts}
    for at, record in _attempts(home):
        if not open_checks:
            break
        open_checks &= {said["name"] for said in record["verdicts"] if said["status"] != "passed"}
        since |= dict.fromkeys(open_checks, at)
    return since
