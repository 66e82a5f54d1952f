"""Lint: SQL of the dbt projects stays portable between DuckDB and Spark.

Each rule bans a construct that one of the engines lacks, or that both run with different results. Macros may hold such
constructs, behind dispatch; models, tests and unit tests may not. Run as `python -m tests.lint.portable_sql`.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent

RULES: list[tuple[str, str]] = [
    (r"\bqualify\b", "QUALIFY: use a row_number() subquery"),
    (r"::", "`::`: write cast(x as type)"),
    (r"\b(string_agg|listagg|group_concat)\b", "string_agg/listagg: use the macro array_text"),
    (r"\bwith\s+recursive\b", "recursive CTE"),
    (r"\bignore\s+nulls\b", "IGNORE NULLS"),
    (r"\bunion\s+all\s+by\s+name\b", "UNION ALL BY NAME"),
    (r"\*\s*exclude\b", "`* exclude`: name the columns, or `* except`"),
    (r"\b(struct_pack|row)\s*\(", "struct constructors"),
    (r"\{\s*'", "struct literals"),
    (r"\bas\s+(varchar|text)\b", "bare varchar/text: write string"),
    (r"\bdatediff\s*\(", "datediff: use days_between or micros_between"),
    (r"\b(date_diff|epoch|epoch_us|epoch_ms)\s*\(", "engine's own date arithmetic: use the macros"),
    (r"\bconcat\s*\(", "concat(): NULLs differ; use ||"),
    (r"\bregexp_replace\s*\(", "regexp_replace: first or all differ"),
    (r"\b(dayofweek|weekday|isodow)\s*\(", "day of week: use the macro iso_dow"),
    (r"\b(json_extract|json_extract_string|get_json_object)\s*\(|->", "JSON access: use the macro json_text"),
    (r"\b(approx_count_distinct|approx_quantile|hash)\s*\(", "approximate sketches and hash() differ"),
    (r"\bstrftime\s*\(|\bdate_format\s*\(", "date formats: use the macro yyyy_mm"),
    (r"\bread_parquet\s*\(|\bunnest\s*\(|\bexplode\s*\(", "use the macros lake_relation and explode_join"),
    (r",\s*\bfrom\b", "trailing comma"),
    (r"\bat\s+time\s+zone\b", "AT TIME ZONE: use to_local and utc_naive"),
    (r"\bpivot\b", "pivot: an empty cell differs"),
]


def strip(sql: str) -> str:
    """The SQL without comments, Jinja and text literals, line breaks kept so that line numbers stay true."""

    def blank(match: re.Match[str]) -> str:
        return re.sub(r"[^\n]", " ", match[0])

    for pattern in (r"\{#.*?#\}", r"\{%.*?%\}", r"\{\{.*?\}\}", r"--[^\n]*", r"/\*.*?\*/"):
        sql = re.sub(pattern, blank, sql, flags=re.S)
    return re.sub(r"'(?:[^']|'')*'", lambda m: "'" + " " * (len(m[0]) - 2) + "'", sql)


def findings(name: str, sql: str) -> Iterator[str]:
    """One line per banned construct in `sql`."""
    bare = strip(sql).lower()
    for pattern, said in RULES:
        for match in re.finditer(pattern, bare):
            yield f"{name}:{bare.count(chr(10), 0, match.start()) + 1}: {said}"
    if re.search(r"\{\{\s*config\([^}]*transaction\s*[:=]\s*false", sql, flags=re.I | re.S):
        yield f"{name}:1: a hook outside the model's transaction breaks the control table"
    if re.search(r"\b(after_commit|disable_transactions)\b", sql):
        yield f"{name}:1: after_commit and disable_transactions break the control table"


def main() -> int:
    """Print what was found; 1 if there was anything."""
    folders = ("dbt_project/models", "dbt_project/tests", "semantic_project/models")
    files = sorted(path for folder in folders for path in (ROOT / folder).glob("**/*.sql"))
    found = [line for path in files for line in findings(str(path.relative_to(ROOT)), path.read_text(encoding="utf-8"))]
    print("\n".join(found) or f"portable SQL: {len(files)} files, nothing found")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
