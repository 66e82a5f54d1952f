"""Presets: what feeds a stream from a well-known system, as defaults that a profile takes over by name.

A preset is a TOML file in `presets/` that looks like the `streams` of a profile: field expressions, no code. Where such a
system's files lie is the profile's own matter.
"""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

PRESETS_DIR = Path(__file__).parent / "presets"


class PresetError(ValueError):
    """A profile asks for a preset that there is not; the message says which there are."""


@functools.cache
def load_presets() -> dict[str, dict[str, Any]]:
    """All presets by name: per stream what a profile could say of it."""
    return {
        path.stem: tomllib.loads(path.read_text(encoding="utf-8"))["streams"]
        for path in sorted(PRESETS_DIR.glob("*.toml"))
    }


def over_presets(profile: Mapping[str, Any]) -> dict[str, Any]:
    """A profile's text with each of its streams over the defaults of the preset that it names. Raises PresetError."""
    streams, sources = profile.get("streams"), profile.get("sources")
    if not isinstance(streams, dict) or not isinstance(sources, dict):
        return dict(profile)  # what is wrong there is said where profiles are checked
    return {**profile, "streams": {name: _over_its_preset(name, said, sources) for name, said in streams.items()}}


def _over_its_preset(stream: str, said: Any, sources: Mapping[str, Any]) -> Any:
    """Single fields replace the preset's, `extra` and `ignore` add to its own.

    A preset's cursor steps back where the source is laid out by day.
    """
    if not isinstance(said, dict) or "preset" not in said:
        return said
    known = {preset: streams[stream] for preset, streams in load_presets().items() if stream in streams}
    if said["preset"] not in known:
        raise PresetError(
            f"streams.{stream}.preset = {said['preset']!r}: no such preset of this stream; "
            f"allowed: {', '.join(known) or 'there is none'}"
        )
    source = sources.get(said.get("from", ""))
    is_by_day = isinstance(source, dict) and "{day" in str(source.get("path"))
    defaults = {key: value for key, value in known[said["preset"]].items() if not (key == "cursor" and is_by_day)}
    lists = {key: [*defaults.get(key, []), *said.get(key, [])] for key in ("extra", "ignore")}
    merged = {**defaults, **said, **lists, "fields": {**defaults["fields"], **said.get("fields", {})}}
    return {key: value for key, value in merged.items() if key != "preset"}
