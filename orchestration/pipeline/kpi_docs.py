"""Writes docs/kpis.md, the page of definitions, from the registry `dbt_project/seeds/kpi_catalogue.csv`.

A definition is written once, in the registry; `dim_kpi` carries it into the marts and this module onto the page.
`python -m orchestration.pipeline.kpi_docs` writes the page, `--check` fails when it is not what the registry says.
How a KPI is computed does not belong here (see dbt_project/models).
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from orchestration.settings import ROOT, kpi_catalogue
from sources.dimensions import CUSTOMERS

PAGE = ROOT / "docs" / "kpis.md"

HEADER = """\
<!-- Written by `python -m orchestration.pipeline.kpi_docs` from dbt_project/seeds/kpi_catalogue.csv: change the registry. -->
# KPIs: what each number means

Each KPI has one id, the same in `dim_kpi`, in `fct_kpi` and on every page. What holds for all of them:

- A period is `[start, end)` in the reporting zone; weeks are ISO weeks. Only whole periods are published, up to the
  lowest watermark of the streams that a KPI needs. A period that lacks a day has no value and `is_complete = false`.
- Numerator and denominator are stored, the ratio is computed last; nothing divided by nothing is NULL, not 0.
- *Additivity*: **A** adds up over segments and periods, **S** over segments only, **N** over neither.
- A *cohort* KPI is dated by the entry into the cohort; it is mature (`is_mature`) once its window has passed and the
  streams have settled.
- A dimension's segments stand beside the total; a missing attribute is the segment `unknown`.
- *Needs* names the streams without which the KPI is not available; those in brackets count where they are configured.
- *Own dimensions* says what a profile can cut the KPI by besides, in its tables `[dimensions.<name>]` (see the README).
"""

DIRECTIONS = {"up": "up is good", "down": "down is good", "none": "neither way is good"}


def page(rows: Sequence[dict[str, str]]) -> str:
    """The whole page as text: one section per domain, one table row and one paragraph per KPI."""
    parts = [HEADER]
    for domain in dict.fromkeys(row["domain"] for row in rows):
        own = [row for row in rows if row["domain"] == domain]
        parts.append(_section(domain, own))
    return "\n".join(parts)


def _section(domain: str, rows: Sequence[dict[str, str]]) -> str:
    lines = [
        f"## {domain.capitalize()}",
        "",
        "| id | name | unit | additivity | good | dimensions |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        lines.append(
            f"| [{row['kpi_id']}](#{row['kpi_id']}) | {row['name']} | {row['unit']} | {_additivity(row)} | {row['direction']} "
            f"| {row['dimensions'].replace(' ', ', ')} |"
        )
    for row in rows:
        lines += ["", *_entry(row)]
    return "\n".join([*lines, ""])


def _additivity(row: dict[str, str]) -> str:
    cohort = ", cohort" if row["is_cohort"] == "true" else ""
    apart = f" (N over {row['non_additive_dimensions'].replace(' ', ', ')})" if row["non_additive_dimensions"] else ""
    return row["additivity"] + apart + cohort


def _entry(row: dict[str, str]) -> list[str]:
    marts = ", ".join(f"`{mart}`" for mart in row["source_marts"].split())
    needs = [name.partition(":")[0].replace("|", " or ") for name in row["required_streams"].split()]
    options = [f"[{name.partition(':')[0]}]" for name in row["optional_streams"].split()]
    facts = [
        f"- *Formula*: {row['formula']}.",
        f"- *Grains*: {row['grains'].replace(' ', ', ')} · *days needed*: {_days(row['lookback'])}",
        f"- *Needs*: {', '.join(needs + options)} · *marts*: {marts} · *owner*: {row['owner']} · {DIRECTIONS[row['direction']]}",
    ]
    facts.append(f"- *Own dimensions*: {_own_dimensions(row['counted_streams'])}")
    if row["is_cohort"] == "true":
        facts.append(f"- *Window*: {row['cohort_window_days']} days")
    return [f"### {row['kpi_id']}", "", f"**{row['name']}.** {row['sentence']}", "", *facts]


def _own_dimensions(counted_streams: str) -> str:
    if not counted_streams:
        return "none"
    rows = [f"a field of `extra` of {stream}" for stream in counted_streams.split("|") if stream != CUSTOMERS]
    return ", or ".join(
        [" or ".join(rows), "an attribute of the customer"] if rows else ["an attribute of the customer"]
    )


def _days(lookback: str) -> str:
    named = {
        "period": "those of the period",
        "previous": "those of the period and of the one before",
        "all": "all since the first day",
        "first_ever": "all since the first day; no value in the first 28",
    }
    return named.get(lookback, f"the {lookback} that end with the period")


def main(arguments: list[str]) -> int:
    """Write the page, or with `--check` compare it. Returns the exit code."""
    unknown = [a for a in arguments if a != "--check"]
    if unknown:
        print(f"kpi_docs: unknown argument {unknown[0]!r}; allowed: --check", file=sys.stderr)
        return 2
    text = page(kpi_catalogue())
    if "--check" not in arguments:
        PAGE.parent.mkdir(parents=True, exist_ok=True)
        PAGE.write_text(text, encoding="utf-8")
        return 0
    if PAGE.exists() and PAGE.read_text(encoding="utf-8") == text:
        return 0
    print(
        f"docs/{PAGE.name} is not what the registry says: run `python -m orchestration.pipeline.kpi_docs`",
        file=sys.stderr,
    )
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
