"""What went wrong with a database: whether it may pass, what to tell and what to do, without anything secret."""

from __future__ import annotations

import re
import sqlite3

import sqlalchemy as sa

from sources.connectors import sql_postgres
from sources.connectors.base import masked, one_line, root_cause
from sources.connectors.sql_options import Options

_LASTING = re.compile(
    r"password|authenti|access denied|permission|no such|not exist|unknown|unable to open|syntax|not a database|readonly"
    r"|statement timeout|pg_hba|SSL was required|certificate",
    re.IGNORECASE,
)
# what drivers put around the server's words: where they stood in their own code, and the statement
_NOISE = re.compile(
    r"^[A-Z_]+: |\[libpq\] [^:]*: |Execution error \[\w+\]: |\s+(LINE \d+:|Query was:|CONTEXT:).*", re.DOTALL
)
_ADVICE = (
    (r"password|authenti|access denied|unknown database|(role|database) \S+ does not exist",
     "set the right user, password and database in `url`"),
    (r"permission denied", "let this user read it"),
    (r"statement timeout", "index the column of `cursor`, or raise `statement_timeout`"),
    (r"SSL was required|certificate", "set `sslmode`, `sslrootcert`, `sslcert` and `sslkey` in `url` as the server needs them"),
    (r"pg_hba", "let the server accept this user from here, or set another user or `sslmode` in `url`"),
    (r"no such|syntax|not exist|ambiguous", "correct `table`, `query` or `cursor`"),
    (r"not a database", "name a SQLite file in `url`"),
)  # fmt: skip


class Complaint(Exception):
    """Something in the options does not fit the database."""

    def __init__(self, happened: str, advice: str) -> None:
        super().__init__(happened)
        self.advice = advice


def is_transient(error: Exception) -> bool:
    cause = root_cause(error)
    original = getattr(cause, "orig", cause)
    is_driver_error = isinstance(
        cause,
        (sa.exc.OperationalError, sa.exc.InterfaceError, sqlite3.OperationalError, sql_postgres.OperationalError),
    )
    return (is_driver_error or isinstance(original, OSError)) and not _LASTING.search(str(original))


def explain(options: Options, error: Exception) -> tuple[str, str]:
    """What happened and what to do, without anything secret."""
    chain: list[BaseException] = [error]
    while chain[-1].__cause__ is not None:
        chain.append(chain[-1].__cause__)
    for cause in chain:
        if isinstance(cause, Complaint):
            return shown(options, str(cause)), cause.advice
        if isinstance(cause, sa.exc.NoSuchModuleError):
            return (
                shown(options, f"url: SQLAlchemy knows no such database: {cause}"),
                "write for example postgresql+psycopg://, mysql+pymysql:// or sqlite:///",
            )
        if isinstance(cause, ModuleNotFoundError):
            return f"the driver {cause.name} is not installed", "install it, or name another driver in `url`"
        # the stream of a statement that runs already gives OSErrors
        if isinstance(cause, (sa.exc.DBAPIError, sql_postgres.DriverError, OSError)):
            text = _NOISE.sub("", str(getattr(cause, "orig", None) or cause))
            return shown(options, text), next(
                (advice for pattern, advice in _ADVICE if re.search(pattern, text, re.IGNORECASE)),
                "correct `table`, `query` or `cursor`"
                if isinstance(cause, (sa.exc.ProgrammingError, sql_postgres.ProgrammingError))
                else "see that the database is up and can be reached, then run again",
            )
    return shown(options, f"{type(chain[-1]).__name__}: {chain[-1]}"), "see that the database is whole, then run again"


def describe(options: Options) -> str:
    try:
        url = sa.make_url(options.url)
        return f"{origin_of(options)} of {shown(options, url.set(query={}).render_as_string(hide_password=True))}"
    except (sa.exc.ArgumentError, ValueError):
        return origin_of(options)


def origin_of(options: Options) -> str:
    if options.query is not None:
        return "the query"
    return f"table {options.schema_}.{options.table}" if options.schema_ else f"table {options.table}"


def shown(options: Options, text: str) -> str:
    """The text in one line, without the URL's password and without secrets among its parameters."""
    secrets: list[str] = []
    try:
        url = sa.make_url(options.url)
        secrets.append(str(url.password or ""))
        for name, value in url.query.items():
            if re.search(r"pass|pwd|secret|token|key", name, re.IGNORECASE):
                secrets.extend([value] if isinstance(value, str) else value)
    except (sa.exc.ArgumentError, ValueError):
        text = text.replace(options.url, "***")
    return one_line(masked(text, secrets))
