"""The day in a file's path: `{day}` and its other spellings, as a pattern to look for and to read the day out of.

`{day}` is YYYY-MM-DD, `{day:%Y%m%d}` any writing of year, month and day, `{day:epoch_ms}` the day's start in UTC as
milliseconds since 1970. Several may stand in one path, `{day:%Y}/{day:%m}/{day:%d}`. Listing does not belong here.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime

TOKEN = re.compile(r"\{day(?::(?P<format>[^{}]*))?\}")
EPOCH_MS = "epoch_ms"
_ISO = "%Y-%m-%d"
_DIGITS = {"%Y": 4, "%m": 2, "%d": 2}


class WrongDay(ValueError):
    """What stands where a path has its day is none."""


def has_day(path: str) -> bool:
    return TOKEN.search(path) is not None


def complaint(path: str) -> str | None:
    """What is wrong with the braces of a path, or None."""
    rest = TOKEN.sub("", path)
    if unknown := re.search(r"\{[^}]*\}", rest):
        return (
            f"{unknown[0]} is unknown in a path; "
            "allowed: {day}, which stands for YYYY-MM-DD, {day:%Y%m%d}, {day:epoch_ms}"
        )
    formats = _formats(path)
    if EPOCH_MS in formats:
        return None if len(formats) == 1 else "a day is written as epoch_ms or by %Y, %m and %d, not as both"
    for day_format in formats:
        if "/" in day_format or re.search(r"%[^Ymd]|%$", day_format):
            return f"{{day:{day_format}}} is unknown in a path; allowed in it: %Y, %m, %d and epoch_ms, no slash"
    parts = re.findall(r"%[Ymd]", "".join(formats))
    if formats and sorted(parts) != ["%Y", "%d", "%m"]:
        return "a path has to say year, month and day, each in one way, such as {day} or {day:%Y}/{day:%m}/{day:%d}"
    return None


def _formats(path: str) -> list[str]:
    """The different writings in a path, in their order."""
    return list(dict.fromkeys(match["format"] or _ISO for match in TOKEN.finditer(path)))


def for_day(path: str, day: date) -> str:
    """The path of one day."""

    def written(match: re.Match[str]) -> str:
        if match["format"] == EPOCH_MS:
            return str(int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() * 1000))
        return f"{day:{match['format'] or _ISO}}"

    return TOKEN.sub(written, path)


def for_any_day(path: str) -> str:
    """The path as a search pattern for all days."""

    def pattern(match: re.Match[str]) -> str:
        if match["format"] == EPOCH_MS:
            return "[0-9]*"
        return re.sub(r"%[Ymd]", lambda part: "[0-9]" * _DIGITS[part[0]], match["format"] or _ISO)

    return TOKEN.sub(pattern, path)


class DayPattern:
    """Reads the day out of listed paths; where a path names the day twice, both have to agree."""

    def __init__(self, address: str) -> None:
        self._formats = _formats(address)
        translations = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
        pattern = ""
        for piece in re.split(r"(\{day[^}]*\}|\*\*/|\*\*|\*|\?|\[[^\]/]+\])", address.rpartition("://")[2].lstrip("/")):
            if token := TOKEN.fullmatch(piece):
                group = f"day{self._formats.index(token['format'] or _ISO)}"
                pattern += f"(?P={group})" if f"(?P<{group}>" in pattern else f"(?P<{group}>{self._digits(token)})"
            elif piece in translations:
                pattern += translations[piece]
            elif piece.startswith("[") and piece.endswith("]"):
                pattern += f"(?:{re.escape(piece)}|{piece.replace('[!', '[^')})"
            else:
                pattern += re.escape(piece)
        self._pattern = re.compile(f"(?:^|/){pattern}$")

    @staticmethod
    def _digits(token: re.Match[str]) -> str:
        if token["format"] == EPOCH_MS:
            return r"\d{9,}"
        pieces = re.split(r"(%[Ymd])", token["format"] or _ISO)
        return "".join(rf"\d{{{_DIGITS[piece]}}}" if piece in _DIGITS else re.escape(piece) for piece in pieces)

    def day_of(self, path: str) -> date | None:
        """The day that a path names, None if it does not fit the pattern. Raises WrongDay where it is no day."""
        match = self._pattern.search(path)
        if match is None:
            return None
        texts = list(match.groups())
        try:
            if self._formats == [EPOCH_MS]:
                instant = datetime.fromtimestamp(int(texts[0]) / 1000, UTC)
                if instant.time() != datetime.min.time():
                    raise ValueError
                return instant.date()
            return datetime.strptime("\n".join(texts), "\n".join(self._formats)).date()
        except (ValueError, OverflowError):
            raise WrongDay("-".join(texts)) from None
