"""Where files lie: storages by fsspec, with the options of a profile, and what is said when one refuses.

Credentials are in the options, from the environment, so that every message is masked. Reading files does not belong here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from sources.connectors.base import masked, root_cause, secrets_in

_PACKAGES = {
    **dict.fromkeys(("s3", "s3a"), "s3fs"),
    **dict.fromkeys(("gs", "gcs"), "gcsfs"),
    **dict.fromkeys(("az", "abfs", "abfss", "adl"), "adlfs"),
    **dict.fromkeys(("http", "https"), "aiohttp"),
    "sftp": "paramiko",
}
_WITH_BUCKETS = ("s3fs", "gcsfs", "adlfs")


def file_system_of(path: str, storage_options: Mapping[str, Any]) -> Any:
    """The fsspec file system of a path. Raises ImportError where its package is missing."""
    import fsspec

    own = {key: str(value) if isinstance(value, str) else value for key, value in storage_options.items()}
    # without caches: a listing must show what is there now, in a process that lives for weeks too
    return fsspec.filesystem(_scheme(path), skip_instance_cache=True, use_listings_cache=False, **own)


def missing_package(path: str) -> tuple[str, str]:
    """What happened and what to do where the package of a storage is not installed."""
    package = _PACKAGES.get(_scheme(path), "the fsspec package of this storage")
    return f"a package is missing for {_scheme(path)}://", f"install {package}"


def etags_of(items: Sequence[Any], path: str, storage_options: Mapping[str, Any]) -> dict[str, str]:
    """What the storage calls the content of each listed file, where it does (S3 and Azure: ETag, GCS: its hash).

    Raises FileNotFoundError where nothing is listed because the bucket is gone: that is no day without files.
    """
    scheme = _scheme(path)
    if _PACKAGES.get(scheme) not in _WITH_BUCKETS:
        return {}
    file_system = file_system_of(path, storage_options)
    if not items:
        file_system.ls(path.partition("://")[2].partition("/")[0])
    found = {}
    for folder in {item["file_url"].rpartition("/")[0] for item in items}:
        for entry in file_system.ls(folder, detail=True):
            etag = entry.get("ETag") or entry.get("etag") or entry.get("md5Hash")
            if etag:
                found[f"{scheme}://{entry['name']}"] = str(etag).strip('"')
    return found


def is_refused(error: BaseException) -> bool:
    """Whether trying again is of no use."""
    return any(isinstance(e, PermissionError | FileNotFoundError) for e in (error, root_cause(error)))


def unlisted(error: BaseException, storage_options: Mapping[str, Any]) -> tuple[str, str]:
    """What happened and what to do where a storage does not list its files."""
    cause = root_cause(error)
    said = masked(str(cause), secrets_in(dict(storage_options)))
    text = f"{error} {cause}"
    if re.search(
        r"InvalidAccessKeyId|SignatureDoesNotMatch|InvalidToken|AuthenticationFailed|Unable to locate credentials", text
    ):
        return f"the credentials are refused: {said}", "set the right ones in `storage_options`, from the environment"
    if isinstance(cause, FileNotFoundError) or re.search(r"NoSuchBucket|bucket does not exist", text):
        return f"no such bucket: {said}", "set the right path"
    if is_refused(error) or re.search(r"AccessDenied|Forbidden|403", text):
        return f"access is denied: {said}", "let this user list and read it, or set other `storage_options`"
    return f"cannot be listed: {said}", "see that it can be reached and read by this user"


def _scheme(path: str) -> str:
    return path.partition("://")[0] if "://" in path else "file"
