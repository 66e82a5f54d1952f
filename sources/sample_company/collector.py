"""The way of an event to the log: late, twice, with a wrong clock, under somebody else's id, or never.

Writes gzipped JSON lines in Segment's shape, a folder per local day on which they were received. What people do
belongs to `usage.py`.
"""

import gzip
import json
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sources.sample_company.incidents import BROKEN_FEED
from sources.sample_company.world import DAY, HOUR, SECOND, World, iso_millis, scaled

PARTS = 2
MOST_DAYS_LATE = 5
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode

DEVICES = {
    "web": {"type": "desktop"},
    "ios": {"type": "ios", "model": "iPhone15,2"},
    "android": {"type": "android", "model": "Pixel 8"},
}
USER_AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@dataclass(slots=True)
class Event:
    at: int
    name: str
    platform: str | None
    anonymous_id: str | None
    user_id: str | None
    email: str | None
    campaign: str | None
    ip: str | None
    properties: dict[str, Any]
    user_agent: str | None = None


class Collector:
    """Takes events, and writes those of a day when no more can come for it."""

    def __init__(self, world: World, folder: Path) -> None:
        self.world = world
        self.folder = folder
        self.rng = world.generator("collector")
        self.counts: Counter[str] = Counter()
        self.lost_by_incident = 0
        self._pending: dict[int, list[tuple[int, int, bytes]]] = defaultdict(list)
        self._remembered_id: str | None = None
        self._skewed_days = self._planned_days(20)
        self._anonymous_days = self._planned_days(3)

    def _planned_days(self, number: int) -> Counter[int]:
        """Days for so many rows that the gate has to refuse: spread evenly, to stay far below any tolerance."""
        wanted = scaled(number, self.world.scale)
        days = self.world.day_count
        return Counter(int((i + 0.5) * days / wanted) for i in range(wanted))

    def offline_delay(self, platform: str) -> int:
        """How long a session waits on the phone until there is a network: mostly not at all."""
        rng = self.rng
        if platform == "web" or rng.random() > 0.05:
            return 0
        return rng.randint(1, 20) * HOUR if rng.random() < 0.6 else int(rng.uniform(0.5, MOST_DAYS_LATE - 0.2) * DAY)

    def collect(self, event: Event, delay: int = 0, received_at: int | None = None) -> None:
        """Take one event; `delay` is that of its session, `received_at` fixes the instant of arrival."""
        rng, world = self.rng, self.world
        message_id = f"ajs-{rng.getrandbits(96):024x}"
        travel, chance = rng.randint(120, 2500), rng.random()
        if event.at >= world.end:
            return
        received = received_at if received_at is not None else event.at + delay + travel
        at = event.at
        day = world.index_of(event.at)
        is_plain = event.platform == "web" and event.name == "visited" and event.user_id is not None
        if is_plain and self._skewed_days[day] > 0:
            self._skewed_days[day] -= 1
            at += rng.randint(3 * HOUR, 9 * HOUR)
            self.counts["clock_skew"] += 1
        elif is_plain and self._anonymous_days[day] > 0:
            self._anonymous_days[day] -= 1
            event.user_id = event.anonymous_id = None
            self.counts["without_actor"] += 1
        elif chance < 0.004:
            # Sent again because nobody confirmed it: after moments, or on the next day.
            again = DAY if rng.random() < 0.35 else rng.randint(1, 50) * SECOND
            self._keep(message_id, event, at, received + again)
            self.counts["duplicates"] += 1
        elif 0.004 <= chance < 0.0044 and self._remembered_id is not None:
            # An old library hands out the same id twice: same id, other content.
            message_id, self._remembered_id = self._remembered_id, None
            self.counts["conflicting_ids"] += 1
        elif chance > 0.998:
            self._remembered_id = message_id
        self._keep(message_id, event, at, received)

    def _keep(self, message_id: str, event: Event, at: int, received: int) -> None:
        if event.platform == BROKEN_FEED.segment["platform"] and (
            BROKEN_FEED.is_on(self.world, at) or BROKEN_FEED.is_on(self.world, received)
        ):
            self.lost_by_incident += 1
            return
        if received >= self.world.end:
            self.counts["received_after_the_end"] += 1
            return
        self.counts["late"] += received - at > HOUR
        self.counts["lines"] += 1
        self.counts[f"lines_{event.platform or 'server'}"] += 1
        context: dict[str, Any] = {"ip": event.ip}
        if event.platform is not None:
            context["device"] = DEVICES[event.platform]
        if event.platform == "web":
            context["userAgent"] = event.user_agent or USER_AGENT
        if event.campaign is not None:
            context["campaign"] = {"source": event.campaign}
        if event.email is not None:
            context["traits"] = {"email": event.email}
        is_identify = event.name == "identify"
        line = {
            "messageId": message_id,
            "type": "identify" if is_identify else "track",
            "event": None if is_identify else event.name,
            "timestamp": iso_millis(at),
            "sentAt": iso_millis(received - 80),
            "receivedAt": iso_millis(received),
            "anonymousId": event.anonymous_id,
            "userId": event.user_id,
            "context": context,
            "properties": event.properties,
        }
        day = self.world.index_of(received)
        self._pending[day].append((received, len(self._pending[day]), _encode(line).encode()))

    def close_day(self, index: int) -> None:
        """Write what was received on the day."""
        folder = self.folder / self.world.day(index).isoformat()
        folder.mkdir(parents=True)
        lines = [line for _, _, line in sorted(self._pending.pop(index, []))]
        for part in range(PARTS):
            share = lines[len(lines) * part // PARTS : len(lines) * (part + 1) // PARTS]
            with (
                (folder / f"part-{part}.jsonl.gz").open("wb") as raw,
                # No name and no time in the header: the same lines are the same bytes.
                gzip.GzipFile(filename="", mode="wb", fileobj=raw, compresslevel=5, mtime=0) as packed,
            ):
                packed.write(b"".join(line + b"\n" for line in share))
