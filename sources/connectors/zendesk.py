"""Zendesk Support as a source: tickets, ticket events, satisfaction ratings and users by its API.

Options, the check before a run, and the way of pages into DuckDB. How pages are asked for is `zendesk_pages`, what a row
becomes is `zendesk_rows`. Pages are written to a scratch file as they come and then read like any JSON lines, so that
memory does not grow with the window, and columns and types are those of an export in files.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import sleep, time
from typing import Any, ClassVar, Literal

import duckdb
import requests
from pydantic import Field, SecretStr, field_validator

from sources.connectors import http
from sources.connectors.base import SourceError, Window, silence_dlt, source_error
from sources.connectors.file_access import Readable, UnreadableFile
from sources.connectors.file_formats import create_empty, create_from_jsonl
from sources.sql_text import identifier

EXPORT_LAG_SECONDS = 60  # the export leaves out what changed within the last minute
STAMPS = {
    "tickets": "generated_at",
    "ticket_events": "created_at",
    "satisfaction_ratings": "updated_at",
    "users": "updated_at",
}
"""The instant of each table's rows that decides whether they are in a window: the cursor of a stream that reads it."""


class Options(http.HttpOptions):
    """What `[sources.<name>]` may say beside `connector = "zendesk"`."""

    table: Literal["tickets", "ticket_events", "satisfaction_ratings", "users"]
    token: SecretStr
    email: str | None = None  # with it, `token` is an API token; without it, an OAuth access token
    bot_users: tuple[int, ...] = ()
    custom_fields: dict[str, int] = Field(default_factory=dict)
    page_size: int = Field(default=1000, ge=1, le=1000)
    rating_days: int = Field(default=30, ge=0, le=366)

    may_lack_columns: ClassVar[bool] = True  # a field that no row has is a missing value

    @field_validator("email")
    @classmethod
    def _plain_address(cls, value: str | None) -> str | None:
        if value is not None and value.endswith("/token"):
            raise ValueError("without /token, which is added by itself")
        return value

    @property
    def credentials(self) -> str:
        """User and password of basic authentication; empty with an OAuth token."""
        return f"{self.email}/token:{self.token.get_secret_value()}" if self.email else ""


def check(options: Options) -> str | None:
    """Say in one line what is wrong before anything runs, or None.

    A desk that is down, slow or overloaded is nothing to mend here: the pull tells of it, and other streams go on.
    """
    from sources.connectors import zendesk_pages

    quick = options.model_copy(update={"attempts": min(2, options.attempts)})
    try:
        role = zendesk_pages.role(quick)
    except Exception as error:
        return None if http.may_pass(error) else f"{options.url} {'; '.join(_explain(quick, error))}"
    if role is None:
        return f"{options.url} takes this user for nobody; {_mend(options)}"
    if role != "admin":
        return f"{options.url} knows this user as {role}, and exports are for admins; {_mend(options)}"
    return None


def listing(options: Options, window: Window | None) -> list[dict[str, Any]]:
    """An API has no files."""
    return []


def resource(options: Options, window: Window | None, source_zone: str) -> Any:
    """The dlt resource: the rows of the window, page by page. A row may come twice."""
    silence_dlt()
    import dlt

    from sources.connectors import zendesk_pages

    def pages() -> Iterator[list[dict[str, Any]]]:
        yield from zendesk_pages.pages(options, window)

    return dlt.resource(pages, name=options.table)


def load(
    con: duckdb.DuckDBPyConnection, table: str, options: Options, window: Window | None, source_zone: str
) -> list[dict[str, Any]]:
    """Create the temporary table `table` with the rows of the window. Returns no listing.

    Raises SourceError with one line when the desk cannot be read.
    """
    from sources.connectors import zendesk_pages

    try:
        _wait_until_complete(options, window)
        with tempfile.TemporaryDirectory(prefix="opsmart-zendesk-") as folder:
            path = Path(folder) / f"{options.table}.jsonl"
            with path.open("w", encoding="utf-8") as lines:
                for page in zendesk_pages.pages(options, window):
                    lines.writelines(json.dumps(row, separators=(",", ":")) + "\n" for row in page)
            if path.stat().st_size:
                create_from_jsonl(con, table, [Readable(_describe(options), path, "none", None)], False, Path(folder))
                _drop_repeats(con, table, STAMPS[options.table])
            else:
                create_empty(con, table, False)
    except SourceError:
        raise
    except Exception as error:
        raise source_error(_describe(options), window, *_explain(options, error)) from None
    return []


def _wait_until_complete(options: Options, window: Window | None) -> None:
    """A window that has just ended lacks its last minute; a minute later it is there."""
    if window is None:
        return
    if window.start.timestamp() > time() - EXPORT_LAG_SECONDS:
        raise source_error(
            _describe(options), window, "it has not begun, or less than a minute ago", "ask for days that are over"
        )
    missing = window.end.timestamp() + EXPORT_LAG_SECONDS - time()
    if 0 < missing <= EXPORT_LAG_SECONDS:
        sleep(missing)


def _drop_repeats(con: duckdb.DuckDBPyConnection, table: str, stamp: str) -> None:
    """Pages overlap: of the same version of a row the one that came last stays. Versions of one row all stay."""
    name = identifier(table)
    columns = {row[0] for row in con.execute(f"describe {name}").fetchall()}
    if not {"id", stamp} <= columns:
        return
    con.execute(
        f"delete from {name} where rowid in (select rowid from {name} where _malformed is null "
        f"qualify row_number() over (partition by id, {identifier(stamp)} order by rowid desc) > 1)"
    )


def _describe(options: Options) -> str:
    return f"{options.table} of {options.url}"


def _mend(options: Options) -> str:
    token = options.token.get_secret_value()
    names = http.variables_of(options.email, token) or ("`email` and `token`" if options.email else "`token`")
    kind = "API token" if options.email else "OAuth access token"
    return f"set {names} to those of an admin who has an {kind} (Admin Center, Apps and integrations, APIs)"


def _explain(options: Options, error: Exception) -> tuple[str, str]:
    """What happened and what to do, without anything secret."""
    if isinstance(error, UnreadableFile):
        happened, _, advice = str(error).rpartition("; ")
        return happened, advice
    if isinstance(error, OSError) and not isinstance(error, requests.exceptions.RequestException):
        return f"its pages cannot be kept: {error.strerror or error}", "make room on the disk, then run again"
    return http.explain(error, options, _mend(options), (options.credentials, options.token.get_secret_value()))
