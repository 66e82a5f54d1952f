"""Event files as collectors leave them: many a day, unfinished, replaced, odd; on disk and in an S3 bucket on loopback."""

from __future__ import annotations

import gzip
import json
import socket
import zipfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import boto3
import duckdb
import pytest
from moto.server import ThreadedMotoServer
from pydantic import ValidationError

from orchestration.pipeline import catch_up
from sources.connectors import SourceError, Window, files
from sources.connectors.file_days import DayPattern, for_any_day, for_day

DAY, NEXT = date(2026, 3, 2), date(2026, 3, 3)
ONE_DAY = Window(DAY, DAY, "UTC")
MB = 1 << 20


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config={"threads": 1}) as connection:  # several would put rows down in any order
        yield connection


def put(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def lines(*rows: dict[str, Any]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def load(
    con: duckdb.DuckDBPyConnection,
    path: Path | str,
    window: Window | None = None,
    file_format: str = "jsonl",
    **more: Any,
) -> list[dict[str, Any]]:
    options = files.Options(path=str(path), format=file_format, **more)  # type: ignore[arg-type]
    files.load(con, "t", options, window, "UTC")
    return con.sql("select * from t order by _source_file, rowid").to_arrow_table().to_pylist()


def complaint(con: duckdb.DuckDBPyConnection, path: Path | str, window: Window | None = None, **more: Any) -> str:
    with pytest.raises(SourceError) as caught:
        load(con, path, window, **more)
    assert "\n" not in str(caught.value)
    return str(caught.value)


class TestDaysInPaths:
    @pytest.mark.parametrize(
        ("path", "written", "searched"),
        [
            ("in/{day}/*.gz", "in/2026-03-02/*.gz", "in/[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]/*.gz"),
            ("events_{day:%Y%m%d}/*", "events_20260302/*", "events_" + "[0-9]" * 8 + "/*"),
            ("{day:%Y}/{day:%m}/{day:%d}/*", "2026/03/02/*", "[0-9][0-9][0-9][0-9]/[0-9][0-9]/[0-9][0-9]/*"),
            ("logs/{day:epoch_ms}/*.gz", "logs/1772409600000/*.gz", "logs/[0-9]*/*.gz"),
        ],
    )
    def test_every_spelling_is_written_searched_and_read(self, path: str, written: str, searched: str) -> None:
        assert for_day(path, DAY) == written
        assert for_any_day(path) == searched
        assert DayPattern(path).day_of("/root/" + written.replace("*", "a")) == DAY

    @pytest.mark.parametrize(
        ("path", "said"),
        [
            ("in/{day:%H}/*", "{day:%H} is unknown in a path; allowed in it: %Y, %m, %d and epoch_ms"),
            ("in/{day:%Y}/{day:%m}/*", "a path has to say year, month and day, each in one way"),
            ("in/{day}/{day:%Y}", "each in one way"),
            ("in/{day}/{day:epoch_ms}", "not as both"),
            ("in/{Day}", "{Day} is unknown in a path; allowed: {day}, which stands for YYYY-MM-DD"),
        ],
    )
    def test_a_wrong_spelling_says_what_is_allowed(self, path: str, said: str) -> None:
        with pytest.raises(ValidationError) as caught:
            files.Options(path=path, format="jsonl")
        assert said in str(caught.value)

    def test_segments_days_on_disk(self, con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
        for number, folder in enumerate(("1772323200000", "1772409600000", "1772496000000")):
            put(tmp_path / folder / "a.gz", gzip.compress(lines({"n": number}), mtime=0))
        rows = load(con, tmp_path / "{day:epoch_ms}" / "*.gz", ONE_DAY)
        assert [(row["n"], row["_file_day"]) for row in rows] == [("1", DAY)]
        put(tmp_path / "1772409600001" / "a.gz", gzip.compress(lines({"n": 9}), mtime=0))
        assert "1772409600001 is no day of the calendar; rename it" in complaint(
            con, tmp_path / "{day:epoch_ms}" / "*.gz"
        )


class TestShapes:
    @pytest.mark.parametrize("packed", [bytes, lambda content: gzip.compress(content, mtime=0)])
    def test_an_array_reads_like_lines(self, con: duckdb.DuckDBPyConnection, tmp_path: Path, packed: Any) -> None:
        rows = [{"id": n, "deep": {"list": [n, {"a": "é"}]}} for n in range(3)]
        put(tmp_path / "a.json", packed(b"\xef\xbb\xbf " + json.dumps(rows, indent=1).encode()))
        put(tmp_path / "b.json", packed(lines(*rows)))
        put(tmp_path / "c.json", packed(b"[]\n"))
        found = load(con, tmp_path / "*.json")
        assert [row["id"] for row in found] == ["0", "1", "2"] * 2
        assert found[0]["deep"] == found[3]["deep"] == '{"list":[0,{"a":"é"}]}'

    def test_a_truncated_array_is_no_short_day(self, con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
        path = put(tmp_path / "a.json", b'[{"id": 1}, {"id": 2}, {"id"')
        message = complaint(con, path)
        assert message.startswith(f"{path}, all days: cannot be read as jsonl: ")
        assert message.endswith("have it written again, or set format")

    def test_an_archive_holds_its_files(self, con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
        """As Amplitude's Export API answers: a zip archive of gzipped JSON lines, one file or more per hour."""
        path = tmp_path / f"{DAY}.zip"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(
                "187520/187520_2026-03-02_1#0.json.gz", gzip.compress(lines({"id": 1}, {"id": 2}), mtime=0)
            )
            archive.writestr("187520/187520_2026-03-02_2#0.json.gz", gzip.compress(lines({"id": 3}), mtime=0))
            archive.writestr("__MACOSX/._x", b"no data")
        rows = load(con, tmp_path / "{day}.zip", ONE_DAY)
        assert [(row["id"], row["_source_file"].removeprefix(str(path))) for row in rows] == [
            ("1", "/187520/187520_2026-03-02_1#0.json.gz"),
            ("2", "/187520/187520_2026-03-02_1#0.json.gz"),
            ("3", "/187520/187520_2026-03-02_2#0.json.gz"),
        ]
        put(path, path.read_bytes()[:-30])
        assert "is truncated or damaged" in complaint(con, tmp_path / "{day}.zip", ONE_DAY)

    @pytest.mark.parametrize("packed", [bytes, lambda content: gzip.compress(content, 1, mtime=0)])
    def test_a_line_beyond_duckdbs_limit_is_one_bad_row(
        self, con: duckdb.DuckDBPyConnection, tmp_path: Path, packed: Any
    ) -> None:
        content = lines({"id": 1}, {"id": 2, "text": "x" * (33 * MB)}, {"id": 3, "text": "y" * MB}) + b'{"id": 4}'
        rows = load(con, put(tmp_path / "a.jsonl", packed(content)))
        assert sorted(((row["id"], row["_malformed"]) for row in rows), key=str) == [
            ("1", None),
            ("3", None),
            ("4", None),
            (None, "a JSON line of more than 30 MB"),
        ]

    def test_line_ends_marks_and_alphabets(self, con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
        content = '\ufeff{"id": "ß"}\r\n\r\n{"id": "日本"}\n  \n{"id": "\\ud83d\\udeb2"}\r\n{"id": "🚲"}'
        rows = load(con, put(tmp_path / "a.jsonl", content.encode()))
        assert [(row["id"], row["_malformed"]) for row in rows] == [(text, None) for text in ("ß", "日本", "🚲", "🚲")]

    def test_a_key_that_stands_twice_counts_once(self, con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
        (row,) = load(con, put(tmp_path / "a.jsonl", b'{"id": 1, "at": "x", "id": 2}\n'))
        assert (row["id"], row["at"], row["_malformed"]) == ("1", "x", None)

    def test_a_truncated_last_line_is_one_bad_row(self, con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
        rows = load(con, put(tmp_path / "a.jsonl", lines({"id": 1}, {"id": 2})[:-5]))
        assert {(row["id"], row["_malformed"]) for row in rows} == {("1", None), (None, "malformed JSON line")}
        assert len(rows) == 2


class TestUnfinishedFiles:
    def test_what_is_no_data_is_passed_over(self, con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
        folder = tmp_path / DAY.isoformat()
        put(folder / "a.jsonl", lines({"id": "good"}))
        for name in (
            "_SUCCESS", ".a.jsonl.crc", ".hidden.jsonl", "b.jsonl.tmp", "c.jsonl.part", "d.inprogress", "e.jsonl~",
            "_temporary/0/f.jsonl",
        ):  # fmt: skip
            put(folder / name, lines({"id": "bad"}))
        for pattern in ("*", "**/*"):
            path = f"{tmp_path}/{{day}}/{pattern}"
            assert [row["id"] for row in load(con, path, ONE_DAY)] == ["good"]
            assert len(files.listing(files.Options(path=path, format="jsonl"), ONE_DAY)) == 1
        assert len(load(con, folder / "_S*")) == 1, "unless the pattern asks for it"
        assert "no file is there" in complaint(con, folder / "*.nothing")

    @pytest.mark.parametrize("rests", [True, False])
    def test_a_file_that_grows_while_it_is_read(
        self, con: duckdb.DuckDBPyConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rests: bool
    ) -> None:
        path = put(tmp_path / f"{DAY}.jsonl", lines({"id": 0}))
        monkeypatch.setattr(files, "RETRY_PAUSES", (0.0, 0.0))
        create, reads = files._create, []

        def growing(*arguments: Any) -> None:
            create(*arguments)
            reads.append(1)
            if len(reads) == 1 or not rests:
                with path.open("ab") as file:
                    file.write(lines({"id": len(reads)}))

        monkeypatch.setattr(files, "_create", growing)
        if rests:
            assert [row["id"] for row in load(con, tmp_path / "{day}.jsonl", ONE_DAY)] == ["0", "1"]
            assert len(reads) == 2
        else:
            assert complaint(con, tmp_path / "{day}.jsonl", ONE_DAY) == (
                f"{path}, landing day 2026-03-02: changed while it was read; run again once it is written to its end"
            )

    def test_a_file_of_all_days_may_grow(
        self, con: duckdb.DuckDBPyConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Its listing is that of before it was read, so that the next run sees that there is more."""
        path = put(tmp_path / "all.jsonl", lines({"id": 0}))
        create = files._create

        def growing(*arguments: Any) -> None:
            create(*arguments)
            put(path, lines({"id": 0}, {"id": 1}))

        monkeypatch.setattr(files, "_create", growing)
        options = files.Options(path=str(path), format="jsonl")
        (read,) = files.load(con, "t", options, ONE_DAY, "UTC")
        (now,) = files.listing(options, ONE_DAY)
        assert read["size"] < now["size"]

    def test_many_small_files_of_a_day(self, con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
        for number in range(300):
            put(tmp_path / DAY.isoformat() / f"{number:03}.jsonl", lines({"id": number}) if number % 3 else b"")
        rows = load(con, tmp_path / "{day}" / "*.jsonl", ONE_DAY)
        assert sorted(int(row["id"]) for row in rows) == [n for n in range(300) if n % 3]


def test_what_is_fetched_lies_beside_the_pulls_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Path] = []
    create = files._create

    def looking(con: Any, table: str, options: Any, readables: Any, staging: Path) -> None:
        seen.append(staging)
        create(con, table, options, readables, staging)

    monkeypatch.setattr(files, "_create", looking)
    path = put(tmp_path / "in" / "a.jsonl", lines({"id": 1}))
    (tmp_path / "scratch").mkdir()
    with duckdb.connect(str(tmp_path / "scratch" / "pull.duckdb")) as con:
        files.load(con, "t", files.Options(path=str(path), format="jsonl"), None, "UTC")
    assert [staging.parent for staging in seen] == [tmp_path / "scratch"]
    assert not seen[0].exists()


class _Bucket:
    """A bucket of moto's server."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self.storage_options = {"key": "AKIAEXAMPLE", "secret": "very/secret+text", "endpoint_url": endpoint}
        self.client = boto3.client(
            "s3", endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x"
        )
        self.client.create_bucket(Bucket="events")

    def put(self, key: str, content: bytes) -> None:
        self.client.put_object(Bucket="events", Key=key, Body=content)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    running = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    yield f"http://{host}:{port}"
    running.stop()


@pytest.fixture
def bucket(server: str) -> Iterator[_Bucket]:
    made = _Bucket(server)
    yield made
    for entry in made.client.list_objects_v2(Bucket="events").get("Contents", []):
        made.client.delete_object(Bucket="events", Key=entry["Key"])


class TestS3:
    def test_days_formats_and_what_is_no_data(self, con: duckdb.DuckDBPyConnection, bucket: _Bucket) -> None:
        for day in (DAY, NEXT):
            for part in range(3):
                key = for_day(f"segment-logs/src/{{day:epoch_ms}}/{part}.gz", day)
                bucket.put(key, gzip.compress(lines({"id": f"{day}-{part}"}), mtime=0))
            bucket.put(for_day("segment-logs/src/{day:epoch_ms}/_SUCCESS", day), b"")
        path = "s3://events/segment-logs/src/{day:epoch_ms}/*"
        for window, days in ((ONE_DAY, 1), (Window(date(2026, 2, 1), NEXT, "UTC"), 2)):
            rows = load(con, path, window, storage_options=bucket.storage_options)
            assert [row["id"] for row in rows] == [f"{day}-{part}" for day in (DAY, NEXT)[:days] for part in range(3)]
            assert rows[0]["_source_file"] == "s3://events/segment-logs/src/1772409600000/0.gz"

    def test_a_replaced_object_has_another_etag(self, bucket: _Bucket) -> None:
        options = files.Options(path="s3://events/{day}/*", format="jsonl", storage_options=bucket.storage_options)
        bucket.put(f"{DAY}/a", lines({"id": 1}))
        (before,) = files.listing(options, ONE_DAY)
        bucket.put(f"{DAY}/a", lines({"id": 2}))
        (after,) = files.listing(options, ONE_DAY)
        assert before["size"] == after["size"]
        assert before["etag"] != after["etag"]
        assert files.check(options) is None

    def test_an_object_that_is_replaced_while_it_is_read(
        self, con: duckdb.DuckDBPyConnection, bucket: _Bucket, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        bucket.put(f"{DAY}/a", lines({"id": 0}))
        create, reads = files._create, []

        def replaced(*arguments: Any) -> None:
            create(*arguments)
            reads.append(1)
            if len(reads) == 1:
                bucket.put(f"{DAY}/a", lines({"id": 1}))

        monkeypatch.setattr(files, "RETRY_PAUSES", (0.0,))
        monkeypatch.setattr(files, "_create", replaced)
        rows = load(con, "s3://events/{day}/*", ONE_DAY, storage_options=bucket.storage_options)
        assert [row["id"] for row in rows] == ["1"]

    def test_a_truncated_object_is_named(self, con: duckdb.DuckDBPyConnection, bucket: _Bucket) -> None:
        bucket.put(f"{DAY}/a.gz", gzip.compress(lines({"id": 1}), mtime=0)[:-9])
        message = complaint(con, "s3://events/{day}/*", ONE_DAY, storage_options=bucket.storage_options)
        assert message.startswith(f"s3://events/{DAY}/a.gz, landing day 2026-03-02: is truncated or damaged")

    def test_no_such_bucket(self, con: duckdb.DuckDBPyConnection, bucket: _Bucket) -> None:
        message = complaint(con, "s3://nowhere/{day}/*", ONE_DAY, storage_options=bucket.storage_options)
        assert message.startswith("s3://nowhere/{day}/*, landing day 2026-03-02: no such bucket")
        assert "secret" not in message

    def test_nobody_answers(self, con: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("sources.connectors.base.RETRY_PAUSES", ())
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        given = {
            "key": "AKIAEXAMPLE", "secret": "very/secret+text", "endpoint_url": f"http://127.0.0.1:{port}",
            "config_kwargs": {"retries": {"max_attempts": 0}},
        }  # fmt: skip
        message = complaint(con, "s3://events/{day}/*", ONE_DAY, storage_options=given)
        assert f'cannot be listed: Could not connect to the endpoint URL: "http://127.0.0.1:{port}' in message
        assert message.endswith("see that it can be reached and read by this user")
        assert "AKIAEXAMPLE" not in message and "very" not in message

    @pytest.mark.parametrize(
        ("error", "said"),
        [
            ("An error occurred (InvalidAccessKeyId) when calling ListObjectsV2: no key very/secret+text",
             "the credentials are refused: An error occurred (InvalidAccessKeyId) when calling ListObjectsV2: no key ***; "
             "set the right ones in `storage_options`, from the environment"),
            ("An error occurred (AccessDenied) when calling ListObjectsV2: Access Denied",
             "access is denied: An error occurred (AccessDenied) when calling ListObjectsV2: Access Denied; "
             "let this user list and read it"),
        ],
    )  # fmt: skip
    def test_wrong_credentials(
        self, con: duckdb.DuckDBPyConnection, bucket: _Bucket, monkeypatch: pytest.MonkeyPatch, error: str, said: str
    ) -> None:
        """moto lets everybody in: what S3 answers is put into its place."""

        def refuse(*_: Any, **__: Any) -> None:
            raise PermissionError(error)

        monkeypatch.setattr("s3fs.S3FileSystem.glob", refuse)
        assert said in complaint(con, "s3://events/{day}/*", ONE_DAY, storage_options=bucket.storage_options)

    def test_a_day_late_and_a_day_replaced_land_again(self, company, bucket: _Bucket, lake_rows, monkeypatch) -> None:  # type: ignore[no-untyped-def]
        monkeypatch.setenv("S3_KEY_OF_TEST", "AKIAEXAMPLE")
        monkeypatch.setenv("S3_SECRET_OF_TEST", "very/secret+text")
        company.business |= {"first_day": DAY, "last_day": NEXT}
        company.streams["usage_events"] = f"""
[sources.log]
connector = "files"
path = "s3://events/log/{{day}}/*.jsonl.gz"
format = "jsonl"
storage_options = {{key = "${{S3_KEY_OF_TEST}}", secret = "${{S3_SECRET_OF_TEST}}", endpoint_url = "{bucket.endpoint}"}}
[streams.usage_events]
from = "log"
[streams.usage_events.fields]
event_id = "id"
event_name = "'x'"
occurred_at = "moment"
user_id = "id"
"""

        def write(day: date, part: str, *ids: str) -> None:
            rows = [{"id": number, "moment": f"{day}T10:00:00Z"} for number in ids]
            bucket.put(f"log/{day}/{part}.jsonl.gz", gzip.compress(lines(*rows), mtime=0))

        def landed() -> list[str]:
            return sorted(str(row["event_id"]) for row in lake_rows(company.settings(), "usage_events"))

        write(DAY, "a", "1", "2")
        write(NEXT, "a", "3")
        company.land("usage_events", [DAY, NEXT])
        settings = company.settings()
        assert catch_up.days_to_land(settings, "usage_events") == []
        write(DAY, "late", "4")
        assert catch_up.days_to_land(settings, "usage_events") == [DAY]
        company.land("usage_events", [DAY])
        assert landed() == ["1", "2", "3", "4"]
        write(NEXT, "a", "5")
        assert catch_up.days_to_land(settings, "usage_events") == [NEXT]
        company.land("usage_events", [NEXT])
        assert landed() == ["1", "2", "4", "5"]
        assert catch_up.days_to_land(settings, "usage_events") == []
        kept = [p for p in settings.home.path.rglob("*") if p.is_file() and b"very/secret" in p.read_bytes()]
        assert kept == []

    def test_options_that_are_wrong_do_not_show_their_values(self, company, monkeypatch) -> None:  # type: ignore[no-untyped-def]
        from sources.profile import ProfileError

        monkeypatch.setenv("S3_SECRET_OF_TEST", "very/secret+text")
        company.streams["usage_events"] = """
[sources.log]
connector = "files"
path = "s3://events/log/{day}/*.jsonl.gz"
format = "jsonl"
storage_options = "${S3_SECRET_OF_TEST}"
[streams.usage_events]
from = "log"
preset = "segment"
"""
        with pytest.raises(ProfileError) as caught:
            company.settings()
        assert "sources.log.storage_options = '***': Input should be a valid dictionary" in str(caught.value)


@pytest.mark.parametrize(("scheme", "package"), [("gs", "gcsfs"), ("az", "adlfs")])
def test_a_missing_package_is_named(
    con: duckdb.DuckDBPyConnection, scheme: str, package: str, monkeypatch: Any
) -> None:
    import sys

    monkeypatch.setitem(sys.modules, package, None)  # as if it were not installed, wherever this runs
    options = files.Options(path=f"{scheme}://events/{{day}}/*.jsonl", format="jsonl")
    said = f"a package is missing for {scheme}://; install {package}"
    assert files.check(options) == f"path = '{options.path}': {said}"
    assert complaint(con, options.path, ONE_DAY) == f"{options.path}, landing day 2026-03-02: {said}"
