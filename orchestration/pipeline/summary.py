"""The summary of a run: KPIs, verdicts, coverage, findings, restatements and the path of the publication, for a terminal.

It reads a publication as any reader would, and nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import duckdb
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from orchestration.pipeline.preview import PeriodPreview, StreamPreview
from orchestration.pipeline.publication import Publication
from orchestration.pipeline.refusals import last_refusal, told_age
from orchestration.settings import Home

WEEKLY = """
    with totals as (
        select *, row_number() over (
                partition by kpi_id order by case grain when 'week' then 1 when 'day' then 2 else 3 end, period_start desc
            ) as choice
        from fct_kpi_compare where dimension = 'all'
    )
    select k.kpi_id, k.unit, k.precision, t.grain, t.period_start, t.value, t.is_complete, t.previous_value,
           t.previous_change_share, t.previous_movement, t.target_value, t.is_on_target
    from dim_kpi k
    left join totals t on t.kpi_id = k.kpi_id and t.choice = 1
    where k.is_available
    order by k.domain, k.kpi_id
"""


def _number(value: float | None, unit: str, precision: int) -> str:
    if value is None:
        return "–"
    return f"{value:.{max(precision - 2, 0)}%}" if unit == "share" else f"{value:,.{precision}f}"


def _change(share: float | None, movement: str | None) -> Text:
    if share is None:
        return Text("–", style="dim")
    return Text(f"{share:+.1%}", style={"better": "green", "worse": "red"}.get(movement or "", ""))


def _against(target: float | None, is_reached: bool | None, unit: str, precision: int) -> Text:
    if target is None or is_reached is None:
        return Text("–", style="dim")
    word, style = ("met", "green") if is_reached else ("missed", "yellow")
    return Text(f"{word} ({_number(target, unit, precision)})", style=style)


def kpi_table(publication: Publication) -> Table:
    """KPI, newest whole week (day where a KPI has no weeks), the period before, change, and the target."""
    table = Table(title="KPIs, newest whole week", title_justify="left", header_style="bold")
    for name in ("KPI", "unit", "period from", "value", "previous", "change", "against target"):
        table.add_column(name, justify="right" if name in ("value", "previous", "change") else "left", no_wrap=True)
    with duckdb.connect(str(publication.folder / "marts.duckdb"), read_only=True) as con:
        rows = con.execute(WEEKLY).fetchall()
    for kpi, unit, precision, grain, period, value, complete, before, change, movement, target, is_reached in rows:
        if period is None:
            table.add_row(kpi, unit, "no whole period yet", "–", "–", Text("–", style="dim"), Text("–", style="dim"))
            continue
        table.add_row(
            kpi,
            unit,
            f"{period}" + (" (day)" if grain == "day" else ""),
            _number(value, unit, precision) if complete else "incomplete",
            _number(before, unit, precision),
            _change(change, movement),
            _against(target, is_reached, unit, precision),
        )
    return table


def coverage_table(manifest: dict[str, Any]) -> Table:
    """Per stream: what has landed, what is missing, what failed, and how many rows there are."""
    table = Table(title="Coverage", title_justify="left", header_style="bold")
    for name in ("stream", "landed from", "to", "days", "missing", "failed", "rows", "rejected"):
        table.add_column(name, justify="left" if name in ("stream", "landed from", "to") else "right", no_wrap=True)
    for stream, window in manifest["windows"].items():
        found = manifest["findings"].get(stream, {})
        missing, failed = window["missing_days"], window["failed_days"]
        table.add_row(
            stream,
            str(window["first_landed_date"] or "–"),
            str(window["last_landed_date"] or "–"),
            str(window["landed_days"]),
            Text(str(missing), style="red" if missing else ""),
            Text(str(failed), style="red" if failed else ""),
            f"{found.get('landed', 0):,}",
            f"{found.get('rejected', 0):,}",
        )
    return table


def findings(manifest: dict[str, Any]) -> list[str]:
    """What was found and let pass, one line each: rules that rows broke, empty days,
    schema drift, and failed warning checks."""
    lines = []
    for stream, found in manifest["findings"].items():
        if found["empty_days"]:
            lines.append(f"{stream}: {found['empty_days']:,} days without rows")
        if found.get("repeated_ids"):
            removed = found.get("duplicates", 0)
            lines.append(
                f"{stream}: {found['repeated_ids']:,} repeated ids ({found['repeated_rows']:,} rows); {removed:,} rows removed "
                "because they say the same, the others count"
            )
        lines += [f"{stream}: {rows:,} rows: {rule}" for rule, rows in sorted(found["rules"].items())]
    lines += [f"{line} (schema drift)" for line in manifest.get("schema_drift", [])]
    seen = {v["name"] for v in manifest["verdicts"] if v["gate"] == "gate_1"}
    lines += [
        f"{v['subject']}: {v['message']}"
        for v in manifest["verdicts"]
        if v["severity"] == "warning" and v["status"] != "passed" and v["name"] not in seen
    ]
    return lines


def waiting(manifest: dict[str, Any]) -> list[str]:
    """Which KPIs end earlier than the others, and the streams that they wait for; one line for each set of streams."""
    found: dict[tuple[str, str], list[str]] = {}
    for kpi, said in manifest.get("waiting_kpis", {}).items():
        found.setdefault((said["waits_for"], str(said["published_to"])), []).append(kpi)
    return [f"Up to {to}, waiting for {streams}: {', '.join(kpis)}" for (streams, to), kpis in found.items()]


def restated(manifest: dict[str, Any]) -> list[str]:
    """How many values that were to stay have changed since the publication before, of which KPIs and why; one line each."""
    said = manifest.get("restatements", {"since": None})
    if said["since"] is None:
        return []
    if not said["values"]:
        return [f"Nothing restated since {said['since']}"]
    by_cause: dict[str, list[str]] = {}
    for kpi, found in said["kpis"].items():
        by_cause.setdefault(found["causes"], []).append(f"{kpi} ({found['values']:,})")
    return [
        f"{said['values']:,} values restated since {said['since']}; see fct_kpi_restatements:",
        *(f"  {', '.join(kpis)}: {causes}" for causes, kpis in by_cause.items()),
    ]


def render(publication: Publication) -> RenderableType:
    """The whole summary of a publication."""
    manifest = publication.manifest
    verdicts = manifest["verdicts"]
    passed = sum(v["status"] == "passed" for v in verdicts)
    warned = [v for v in verdicts if v["severity"] == "warning" and v["status"] != "passed"]
    parts: list[RenderableType] = [kpi_table(publication)]
    if manifest["unavailable_kpis"]:
        parts.append(
            Text("Not available: " + "; ".join(f"{k} ({why})" for k, why in manifest["unavailable_kpis"].items()))
        )
    parts += [Text(line, style="yellow") for line in waiting(manifest)]
    parts += [Text(""), coverage_table(manifest), Text("")]
    noted = findings(manifest)
    if noted:
        parts.append(Text("Found and let pass (warnings; the rows count unless rejected):", style="bold"))
        parts += [Text(f"  {line}") for line in noted]
        parts.append(Text(""))
    parts += [Text(line) for line in restated(manifest)]
    accepted = manifest.get("accepted", {})
    parts += [Text(f"Accepted: {check}, because {reason}", style="yellow") for check, reason in accepted.items()]
    told = f"{len(accepted)} failures accepted" if accepted else "0 blocking failures"
    parts.append(
        Text(
            f"Gates: {passed} checks passed, {len(warned)} warnings, {told}",
            style="bold yellow" if accepted else "bold green",
        )
    )
    age = told_age(datetime.now(UTC) - datetime.fromisoformat(manifest["published_at"]))
    parts.append(
        Text(
            f"Publication {publication.id}, {age} old: {publication.folder.parent / 'current' / 'marts.duckdb'}",
            style="bold",
        )
    )
    return Group(*parts)


def refused_since(home: Home) -> str | None:
    """One line when what readers see is older than the newest attempt, because that one was refused."""
    found = last_refusal(home)
    if found is None:
        return None
    at, checks = found
    shown = ", ".join(checks[:3]) + (f" and {len(checks) - 3} more" if len(checks) > 3 else "")
    return f"Not the newest: the attempt of {at:%Y-%m-%d %H:%M} UTC was refused by {shown or 'having no verdicts'}"


def show(publication: Publication, console: Console | None = None) -> None:
    """Print the summary, and whether a newer attempt was refused."""
    console = console or Console()
    console.print(render(publication))
    refused = refused_since(Home(publication.folder.parent.parent))
    if refused:
        console.print(Text(refused, style="bold red"))


def preview_tables(streams: Sequence[StreamPreview], periods: Sequence[PeriodPreview]) -> list[RenderableType]:
    """A backfill before it happens: what it asks for, and which published values it would make us look at again."""
    asked = Table(
        "stream", "days", "landed", "rows in the lake", "dates in them", title="Would be pulled", title_justify="left"
    )
    for found in streams:
        dates = f"{min(found.dates)} to {max(found.dates)}" if found.rows else "–"
        asked.add_row(found.stream, f"{found.days}", f"{found.landed_days}", f"{found.rows:,}", dates)
    if not periods:
        return [asked, "No published value depends on these days."]
    again = Table(
        "grain", "periods", "from", "to", "KPIs", title="Published values to look at again", title_justify="left"
    )
    for period in periods:
        again.add_row(period.grain, f"{period.periods}", f"{period.first}", f"{period.last}", f"{period.kpis}")
    return [asked, again]
