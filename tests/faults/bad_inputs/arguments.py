"""Bad arguments of commands: `given` is the command line, `says` what is answered. Nothing is written."""

# ruff: noqa: E501 – a table: one case, one line

from __future__ import annotations

from tests.faults.bad_inputs.case import Case


def _asked(where: str, name: str, line: list[str], says: str) -> Case:
    return Case(name, where, line, says)


_RANGE = ["--from", "2026-03-02", "--to", "2026-03-02"]

COMMANDS = [
    _asked("commands", "a backfill from a day that is none", ["backfill", "--from", "2026-02-30", "--to", "2026-03-02"], "FROM=2026-02-30: not a day; write YYYY-MM-DD"),
    _asked("commands", "a backfill from a word", ["backfill", "--from", "soon", "--to", "2026-03-02"], "FROM=soon: not a day"),
    _asked("commands", "a backfill from nothing", ["backfill", "--from", "", "--to", "2026-03-02"], "FROM=: not a day"),
    _asked("commands", "a backfill that ends before it begins", ["backfill", "--from", "2026-03-05", "--to", "2026-03-02"], "FROM must not be after TO"),
    _asked("commands", "a backfill of the year 9999", ["backfill", "--from", "2026-03-02", "--to", "9999-12-31"], "outside the profile's closed days; allowed: 2026-03-01 to 2026-03-31"),
    _asked("commands", "a backfill of an unknown stream", ["backfill", *_RANGE, "--stream", "../orders"], r"STREAM=\.\./orders: not configured; allowed: orders"),
    _asked("commands", "a backfill of a statement", ["backfill", *_RANGE, "--stream", "x'; drop table o; --"], "not configured; allowed: orders"),
    _asked("commands", "a day with a line break", ["backfill", "--from", "2026-03-02\n", "--to", "2026-03-02"], "not a day"),
    _asked("commands", "a profile that is not there", ["--profile", "nope", "summary"], "no profile of that name; allowed: "),
    _asked("commands", "a profile that climbs out", ["--profile", "../../../etc/passwd", "summary"], "no profile of that name|not valid TOML"),
    _asked("commands", "a file of users as a profile", ["--profile", "/etc/passwd", "summary"], "not valid TOML"),
    _asked("commands", "a profile with a line break in its name", ["--profile", "a\nb", "summary"], "no profile of that name"),
    _asked("commands", "a name of 5,000 characters for a profile", ["--profile", "p" * 5_000, "summary"], "no profile of that name"),
    _asked("commands", "an acceptance without a reason", ["publish", "--accept", "some_check"], 'REASON="…" is needed'),
    _asked("commands", "a reason without an acceptance", ["publish", "--reason", "because"], "ACCEPT=<check> is needed"),
]  # fmt: skip

REPLAYS = [
    _asked("replay", "a day that is none", ["replay", "--stream", "orders", "--from", "2026-13-01", "--to", "2026-03-02"], "FROM=2026-13-01: not a day"),
    _asked("replay", "a word for a day", ["replay", "--stream", "orders", "--from", "2026-03-02", "--to", "now"], "TO=now: not a day"),
    _asked("replay", "nothing for a day", ["replay", "--stream", "orders", "--from", "2026-03-02", "--to", ""], "TO=: not a day"),
    _asked("replay", "an end before its beginning", ["replay", "--stream", "orders", "--from", "2026-03-03", "--to", "2026-03-02"], "FROM must not be after TO"),
    _asked("replay", "an unknown stream", ["replay", *_RANGE, "--stream", "nope"], "STREAM=nope: not configured; allowed: orders"),
    _asked("replay", "a stream that climbs out", ["replay", *_RANGE, "--stream", "../../lake/orders"], "not configured; allowed: orders"),
    _asked("replay", "a stream of an emoji", ["replay", *_RANGE, "--stream", "👩‍🚀"], "not configured; allowed: orders"),
    _asked("replay", "a stream of no name", ["replay", *_RANGE, "--stream", ""], "STREAM=: not configured"),
]  # fmt: skip
