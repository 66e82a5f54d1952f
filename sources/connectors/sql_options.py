"""What a profile may say about a database."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from sources.connectors.sql_columns import CursorType


class Options(BaseModel):
    """What `[sources.<name>]` may say beside `connector = "sql"`."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    url: str = Field(min_length=1, repr=False)
    table: str | None = None
    schema_: str | None = Field(default=None, alias="schema")
    query: str | None = Field(default=None, validate_default=True)
    cursor: str | None = None
    cursor_type: CursorType | None = None
    chunk_size: int = Field(default=50_000, ge=1, le=1_000_000)
    statement_timeout: int | None = Field(default=None, ge=1)  # seconds; of PostgreSQL

    # said by field, not for the model as a whole: pydantic's errors show their input, and that has the password
    @field_validator("query")
    @classmethod
    def _table_or_query(cls, value: str | None, info: ValidationInfo) -> str | None:
        if "table" not in info.data or "schema_" not in info.data:
            return value
        if (value is None) == (info.data["table"] is None):
            raise ValueError("either `table` or `query` has to be given, and not both")
        if value is not None and info.data["schema_"] is not None:
            raise ValueError("`schema` goes with `table` only; write it into the query")
        return value.strip().rstrip(";") if value else value

    @field_validator("cursor_type")
    @classmethod
    def _type_of_a_cursor(cls, value: CursorType | None, info: ValidationInfo) -> CursorType | None:
        if value is not None and info.data.get("cursor") is None:
            raise ValueError("says the type of `cursor`, which is missing")
        return value
