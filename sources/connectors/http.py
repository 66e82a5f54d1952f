"""What connectors over HTTP share: options, a client that retries, what an answer must look like, one line per fault.

dlt's client waits and asks again: on 429 and 5xx (as long as `Retry-After` says), when nobody answers, and when an answer
breaks off. It gives up after `attempts`. What a particular API's pages look like does not belong here.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

import requests
from pydantic import BaseModel, ConfigDict, Field, field_validator

from sources.connectors.base import masked, one_line, silence_dlt

CONNECT_SECONDS = 10.0
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_SYSTEM_MESSAGE = re.compile(r"\[Errno -?\d+\] ([^'\")]+)|(Remote end closed connection without response)")


class HttpOptions(BaseModel):
    """What every HTTP source may say. Credentials are fields of type SecretStr, which a profile fills by `${NAME}` alone."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str
    timeout_seconds: float = Field(default=60, gt=0, le=600)
    attempts: int = Field(default=6, ge=1, le=20)
    longest_wait_seconds: float = Field(default=120, ge=0, le=3600)

    @field_validator("url")
    @classmethod
    def _web_address(cls, value: str) -> str:
        try:
            parts = urlsplit(value)
            host = parts.hostname
            _ = parts.port
        except ValueError:
            host = None
        if not host or parts.scheme not in ("http", "https"):
            raise ValueError("no web address; write https://host")
        if parts.username or parts.password or parts.query or parts.fragment:
            raise ValueError("only the scheme, the host and perhaps a path belong here; write https://host")
        if parts.scheme == "http" and host not in _LOOPBACK:
            raise ValueError("http:// would show the credentials to everybody on the way; write https://")
        return value.rstrip("/")


class HttpFault(Exception):
    """The source answered, but not with what can be used: what happened, and what to do."""

    def __init__(self, happened: str, advice: str) -> None:
        super().__init__(happened)
        self.advice = advice


class UnreadableAnswer(requests.exceptions.RequestException):
    """An answer that is no whole JSON object. It may have broken off on the way, so that it is asked for again."""


def client(options: HttpOptions, auth: Any) -> Any:
    """dlt's REST client for `options.url`, with its retries bounded by the options. `auth` is one of dlt's authenticators."""
    silence_dlt()
    from dlt.sources.helpers.requests import Client
    from dlt.sources.helpers.rest_client import RESTClient

    session = Client(
        request_timeout=(min(CONNECT_SECONDS, options.timeout_seconds), options.timeout_seconds),
        raise_for_status=False,
        exceptions=(
            requests.exceptions.ConnectionError,
            requests.exceptions.Timeout,
            requests.exceptions.ChunkedEncodingError,
            requests.exceptions.ContentDecodingError,
            UnreadableAnswer,
        ),
        request_max_attempts=options.attempts,
        request_max_retry_delay=options.longest_wait_seconds,
    ).session
    return RESTClient(options.url, headers={"Accept": "application/json"}, auth=auth, session=session)


def ask() -> dict[str, Any]:
    """The arguments of every request: answers are looked at inside dlt's retries, before a redirect would be followed."""
    return {"hooks": {"response": [look_at]}}


def look_at(response: requests.Response, *args: Any, **kwargs: Any) -> None:
    """Accept an answer that is a whole JSON object. Raises HTTPError, UnreadableAnswer or HttpFault."""
    status = response.status_code
    if 300 <= status < 400:
        # following it would hand the credentials on to wherever it points
        target = urlsplit(response.headers.get("Location", ""))
        raise HttpFault(
            f"answers {status} and points to {target.scheme}://{target.netloc}{target.path}",
            "set `url` to the address that answers by itself",
        )
    if status >= 400:
        raise requests.exceptions.HTTPError(str(status), response=response)
    kind = response.headers.get("Content-Type", "nothing").partition(";")[0].strip()
    if kind != "application/json":
        raise UnreadableAnswer(f"answers with {kind} instead of JSON", response=response)
    try:
        body = response.json()
    except ValueError:
        raise UnreadableAnswer("answers with JSON that breaks off or is damaged", response=response) from None
    except RecursionError:
        raise UnreadableAnswer("answers with JSON that is nested too deep", response=response) from None
    if not isinstance(body, dict):
        raise UnreadableAnswer("answers with JSON that is no object", response=response)


def pause_if_spent(headers: Mapping[str, str], longest_seconds: float) -> None:
    """Wait where the answer says that no request is left before the limits begin anew, rather than run into a 429.

    Reads `ratelimit-remaining` with `ratelimit-reset`, and headers like `zendesk-ratelimit-…: remaining=0; resets=41`.
    """
    names = {name.lower(): value for name, value in headers.items()}
    waits = [0.0]
    if names.get("ratelimit-remaining") == "0":
        waits.append(_seconds(names.get("ratelimit-reset")))
    for name, value in names.items():
        if "ratelimit" in name and re.search(r"remaining=0\b", value):
            found = re.search(r"resets?=(\d+)", value)
            waits.append(_seconds(found[1]) if found else 0.0)
    time.sleep(min(longest_seconds, max(waits)))


def _seconds(text: str | None) -> float:
    return float(text) if text is not None and re.fullmatch(r"\d+(\.\d+)?", text) else 0.0


def may_pass(error: BaseException) -> bool:
    """Whether the source may work again by itself: it is down, slow, overloaded or asks to wait."""
    status = _status(error)
    if status is not None:
        return status == 429 or status >= 500
    return isinstance(error, requests.exceptions.RequestException) and not isinstance(
        error, (requests.exceptions.SSLError, UnreadableAnswer)
    )


def explain(error: BaseException, options: HttpOptions, credentials: str, secrets: Iterable[str]) -> tuple[str, str]:
    """What happened and what to do, each a part of one line without any of `secrets`.

    `credentials` says what to do about credentials that are refused.
    """
    secrets = tuple(secrets)
    happened, advice = _explain(error, options, credentials, secrets)
    return one_line(masked(happened, secrets)), one_line(masked(advice, secrets))


def _explain(error: BaseException, options: HttpOptions, credentials: str, secrets: tuple[str, ...]) -> tuple[str, str]:
    tries = f" ({options.attempts} attempts)" if options.attempts > 1 else ""
    if isinstance(error, HttpFault):
        return str(error), error.advice
    if isinstance(error, requests.exceptions.HTTPError) and error.response is not None:
        return _explain_status(error.response, tries, credentials, secrets)
    if isinstance(error, UnreadableAnswer):
        return f"{error}{tries}", "see that `url` is the API's own address and that it is well, then run again"
    if isinstance(error, requests.exceptions.SSLError):
        return "its certificate is not accepted", "set `url` to the name that the certificate is for"
    if isinstance(error, requests.exceptions.Timeout):
        return (
            f"did not answer within {options.timeout_seconds:g} seconds{tries}",
            "run again later, or raise timeout_seconds",
        )
    if isinstance(error, requests.exceptions.ConnectionError):
        found = _SYSTEM_MESSAGE.search(str(error))
        reason = (found[1] or found[2]) if found else "the connection broke"
        return f"cannot be reached: {reason}{tries}", "see that it is up and that `url` is right, then run again"
    if isinstance(error, requests.exceptions.RequestException):
        return f"the answer broke off{tries}", "run again later"
    return f"{type(error).__name__}: {error}", "see that the source is well, then run again"


def _explain_status(
    response: requests.Response, tries: str, credentials: str, secrets: tuple[str, ...]
) -> tuple[str, str]:
    status = response.status_code
    said = f"answers {status}{_reason(response, secrets)}"
    if status in (401, 403):
        return said, credentials
    if status == 429:
        wait = response.headers.get("Retry-After", "")
        asks = f", asks to wait {wait} s" if wait else ""
        return f"{said}{asks}{tries}", "run again later, or let fewer programs ask at that time"
    if status >= 500:
        return f"{said}{tries}", "wait until it works again, then run again"
    if status == 404:
        return f"{said} to {urlsplit(response.url).path}", "set the right `url`"
    return f"{said} to {urlsplit(response.url).path}", "see what it refuses, and mend the source in the profile"


def _reason(response: requests.Response, secrets: tuple[str, ...]) -> str:
    """The API's own words for an error, a few of them; masked first, since half a secret would not be found any more."""
    words = ""
    try:
        body = response.json()
        if isinstance(body, dict):
            words = next(
                (body[key] for key in ("description", "error", "errors") if isinstance(body.get(key), str)), ""
            )
    except ValueError:
        pass
    return f" ({one_line(masked(words, secrets))[:120]})" if words else ""


def _status(error: BaseException) -> int | None:
    response = getattr(error, "response", None)
    return response.status_code if isinstance(error, requests.exceptions.HTTPError) and response is not None else None


def variables_of(*values: str | None) -> str:
    """The names of the environment variables that hold these values, for a message that says where to mend them."""
    names = [next((n for n in sorted(os.environ) if os.environ[n] == value), None) for value in values if value]
    return " and ".join(name for name in names if name)
