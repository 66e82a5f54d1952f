"""The files of profiles: TOML, one of which may extend another. What they say is checked in `profile.py`."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from sources.connectors.base import one_line


class ProfileError(ValueError):
    """A profile cannot be used; the message is one line: which key, which value, what is allowed."""


def read_toml(path: Path) -> dict[str, Any]:
    """What a profile's file says. Raises ProfileError when it cannot be read or is no TOML."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ProfileError(one_line(f"{path.name}: not valid TOML: {error}")) from None
    except OSError as error:
        raise ProfileError(f"{path}: cannot be read: {error.strerror}") from None


def extended(folder: Path, raw: dict[str, Any]) -> dict[str, Any]:
    """The profile on top of the one that it extends, if it names one: what it says itself counts.

    `folder` is its own. Raises ProfileError with one line.
    """
    own = dict(raw)
    named = own.pop("extends", None)
    if named is None:
        return own
    path = folder / str(named)
    if not path.is_file():
        raise ProfileError(f"extends = {named!r}: there is no such file in {folder}")
    base = read_toml(path)
    if "extends" in base:
        raise ProfileError(f"extends = {named!r}: that profile extends another one itself; extend that one instead")
    base.pop("sample_company", None)  # goes with the files of that profile
    base["seeds"] = {name: str(path.parent / file) for name, file in base.get("seeds", {}).items()}
    return _merged(base, own)


def _merged(base: dict[str, Any], own: dict[str, Any], is_sources: bool = False) -> dict[str, Any]:
    """Tables key by key; a source as a whole, since another connector has other keys."""
    both = [key for key in own if isinstance(own[key], dict) and isinstance(base.get(key), dict) and not is_sources]
    return base | own | {key: _merged(base[key], own[key], key == "sources") for key in both}
