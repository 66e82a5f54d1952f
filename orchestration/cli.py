"""The commands behind the Makefile. They run the same Dagster jobs as the schedule and the UI, in this process."""

from __future__ import annotations

import argparse
import contextlib
import importlib
import io
import json
import logging
import os
import re
import sqlite3
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.status import Status

from orchestration import commands_of_publications, commands_of_sources
from orchestration.pipeline.build import BuildError
from orchestration.settings import ROOT, Home, Settings, SettingsError, load_settings
from sources.profile import ProfileError, check_that_sources_are_there

if TYPE_CHECKING:
    import dagster as dg

OUT = Console(
    file=sys.stdout, width=None if sys.stdout.isatty() or "COLUMNS" in os.environ else 120
)  # the terminal itself: what libraries print meanwhile goes into the progress line
LOG = logging.getLogger("opsmart")


class CommandError(RuntimeError):
    """A command cannot go on; the message is what the user reads."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Returns the exit code: 0 done, 1 something failed, 2 the command or its settings are wrong."""
    options = _parser().parse_args(arguments)
    if options.profile:
        os.environ["OPSMART_PROFILE"] = options.profile
    logging.basicConfig(format="%(message)s")
    logging.getLogger().handlers[0].setLevel(logging.ERROR)
    LOG.setLevel(logging.INFO)
    LOG.propagate = False
    LOG.addHandler(_ConsoleHandler())
    try:
        return int(options.command(options))
    except (ProfileError, SettingsError, CommandError, commands_of_sources.SourceCommandError) as error:
        OUT.print(f"[bold red]opsmart:[/] {escape(str(error))}", highlight=False, soft_wrap=True)
        return 2
    except (OSError, BuildError) as error:
        OUT.print(f"[bold red]opsmart:[/] {escape(str(error))}", highlight=False, soft_wrap=True)
        return 1


class _Progress(io.TextIOBase):
    """Takes what dbt and other libraries print, and shows how far dbt is (`12 of 178`) in the status line."""

    def __init__(self, status: Status, what: str) -> None:
        self._status, self._what = status, what

    def write(self, text: str) -> int:
        found = re.search(r"\b(\d+) of (\d+) (?:OK|PASS|WARN|FAIL|ERROR|SKIP)\b", text)
        if found:
            self._status.update(f"{self._what}: {found[1]} of {found[2]}")
        return len(text)


class _ConsoleHandler(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        OUT.print(f"[dim]{time.strftime('%H:%M:%S')}[/] {escape(record.getMessage())}", highlight=False, soft_wrap=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="opsmart", description=__doc__)
    parser.add_argument("--profile", help="name of a profile in sources/profiles, or the path of a .toml file")
    commands = parser.add_subparsers(required=True, metavar="command")
    run = commands.add_parser("run", help="land every day that is needed, build, check and publish")
    run.set_defaults(command=_run)
    backfill = commands.add_parser("backfill", help="pull a range of landing days again, then publish")
    backfill.add_argument("--from", dest="first", required=True)
    backfill.add_argument("--to", dest="last", required=True)
    backfill.add_argument("--stream", help="only this stream")
    backfill.add_argument("--dry-run", action="store_true", help="only tell what would be pulled and looked at again")
    backfill.set_defaults(command=_backfill)
    replay = commands.add_parser("replay", help="take quarantined rows through gate 1 again after a fix, then publish")
    replay.add_argument("--stream", required=True)
    replay.add_argument("--from", dest="first", required=True)
    replay.add_argument("--to", dest="last", required=True)
    replay.add_argument("--dry-run", action="store_true", help="only tell what would pass")
    replay.set_defaults(command=_replay)
    commands_of_publications.add_to(commands)
    rebuild = commands.add_parser("rebuild", help="build every model from the lake anew, then publish")
    rebuild.set_defaults(command=_rebuild)
    publish = commands.add_parser("publish", help="build, check and publish what the lake holds")
    publish.add_argument("--accept", default="", help="checks that this run may fail, apart by spaces; needs --reason")
    publish.add_argument("--reason", default="", help="why; it stands in the publication")
    publish.set_defaults(command=_publish_only)
    summary = commands.add_parser("summary", help="show the current publication")
    summary.set_defaults(command=_summary)
    maintain = commands.add_parser("maintain", help="compact and vacuum the lake")
    maintain.set_defaults(command=_maintain)
    commands_of_sources.add_to(commands)
    ui = commands.add_parser("ui", help="Dagster's UI on 127.0.0.1, with the schedule and the sensors running")
    ui.add_argument("--port", default="3000")
    ui.set_defaults(command=_ui)
    dbt = commands.add_parser("dbt", help="dbt by hand on this home's warehouse, e.g. `dbt build`")
    dbt.add_argument("arguments", nargs=argparse.REMAINDER)
    dbt.set_defaults(command=_dbt)
    metricflow = commands.add_parser(
        "mf", help="ask MetricFlow, e.g. `mf query --metrics otif --group-by metric_time__week`"
    )
    metricflow.add_argument("arguments", nargs=argparse.REMAINDER)
    metricflow.set_defaults(command=_mf)
    return parser


def prepare() -> Settings:
    """Settings that are ready to run: the sample company is written on first use, then the sources are looked for."""
    settings = load_settings(check_sources=False)
    _parse_early(settings.home)
    sample = settings.profile.sample_company
    if sample is not None and not (sample.folder / "truth.json").is_file():
        from sources.sample_company import write

        LOG.info(f"writing the sample company (seed {sample.seed}, scale {sample.scale:g}) into {sample.folder}")
        business = settings.profile.business
        last_day = business.last_day
        if last_day is None:
            raise CommandError(
                "sample_company: needs business.last_day, because the sample company is a closed data set"
            )
        write(sample.folder, sample.seed, sample.scale, business.first_day, last_day)
    check_that_sources_are_there(settings.profile.sources)
    return settings


_PARSING: list[threading.Thread] = []


def _parse_early(home: Home) -> None:
    """Let dbt parse its project beside what comes before it is needed: it takes as long as all of that."""
    from orchestration.pipeline import build

    def parse() -> None:
        with contextlib.suppress(build.BuildError, OSError):  # told when the definitions are loaded, which parse again
            build.manifest_of(home)

    _PARSING.append(threading.Thread(target=parse, daemon=True))
    _PARSING[-1].start()


def dagster_instance(home: Home) -> dg.DagsterInstance:
    """Dagster's own storage lies in the home, so that the UI shows what ran from the command line."""
    import dagster as dg

    with _dagsters_storage(home):
        dagster_home(home)
        return dg.DagsterInstance.get()


@contextlib.contextmanager
def _dagsters_storage(home: Home) -> Iterator[None]:
    """Raises CommandError, in one line, when Dagster's own storage cannot be read or written."""
    from sqlalchemy.exc import DatabaseError

    try:
        yield
    except (DatabaseError, sqlite3.Error, OSError) as error:
        said = str(getattr(error, "orig", error)).splitlines()[0]
        raise CommandError(
            f"{home.path / 'dagster'}: Dagster's storage failed: {said}; what has landed and what is published stands; mend the "
            "disk, then run again (a damaged storage may be moved away: it holds the runs and events, nothing else)"
        ) from None


def dagster_home(home: Home) -> Path:
    """Make DAGSTER_HOME ready inside the home and point this process, and what it starts, at it."""
    folder = home.path / "dagster"
    folder.mkdir(parents=True, exist_ok=True)
    template = (ROOT / "orchestration" / "dagster.yaml").read_text(encoding="utf-8")
    (folder / "dagster.yaml").write_text(template.replace("@HOME@", str(folder)), encoding="utf-8")
    os.environ["DAGSTER_HOME"] = str(folder)
    os.environ["OPSMART_HOME"] = str(home.path)
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    os.environ.setdefault("DAGSTER_DISABLE_TELEMETRY", "yes")
    return folder


def run_job(
    instance: dg.DagsterInstance,
    definitions: dg.Definitions,
    job: str,
    tags: dict[str, str],
    selection: list[dg.AssetKey] | None = None,
    ops: dict[str, Any] | None = None,
) -> bool:
    """Run a job in this process, quietly; its failures are told in the words of the steps. Returns whether it is green."""
    import dagster as dg

    home = Home(Path(os.environ["OPSMART_HOME"]))
    with OUT.status(job) as status, contextlib.redirect_stdout(_Progress(status, job)), _dagsters_storage(home):
        result = definitions.resolve_job_def(job).execute_in_process(
            instance=instance,
            tags=tags,
            raise_on_error=False,
            asset_selection=selection,
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}, "ops": ops or {}},
        )
    for event in result.all_events:
        if event.event_type == dg.DagsterEventType.STEP_FAILURE:
            failure = event.step_failure_data
            said = failure.user_failure_data.description if failure.user_failure_data else None
            OUT.print(
                f"[bold red]{event.step_key} failed:[/] {escape(said or _cause(failure.error))}",
                highlight=False,
                soft_wrap=True,
            )
    return bool(result.success)


def _cause(error: object) -> str:
    while getattr(error, "cause", None) is not None:
        error = error.cause  # type: ignore[attr-defined]
    return str(getattr(error, "message", error)).strip()


def _definitions() -> dg.Definitions:
    """Dagster's definitions for this process's environment; the dbt project is parsed when it changed."""
    LOG.info("loading the definitions")
    importlib.import_module("dagster_dbt")  # seconds of import, while dbt parses
    while _PARSING:
        _PARSING.pop().join()
    from orchestration.definitions import defs

    return defs


def _run(options: argparse.Namespace) -> int:
    settings = prepare()
    instance = dagster_instance(settings.home)
    definitions = _definitions()
    from orchestration.schedules import RANGE_END, needed_range_tags

    green, tags = True, needed_range_tags(settings)
    if not tags:
        LOG.info("every day up to the last closed one has landed and is settled")
    while tags:
        green = run_job(instance, definitions, "land", tags) and green
        # A run is bounded in days: go on with those after it, and leave what has just failed to the next night.
        tags = needed_range_tags(settings, after=tags[RANGE_END])
    return _publish(settings, instance, definitions, green)


def _day(name: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise CommandError(f"{name}={text}: not a day; write YYYY-MM-DD") from None


def _backfill(options: argparse.Namespace) -> int:
    from orchestration.pipeline import catch_up

    profile = load_settings(check_sources=False, claim=False).profile
    days = catch_up.all_days(profile)
    first, last = _day("FROM", options.first), _day("TO", options.last)
    if first > last:
        raise CommandError(f"FROM={first} TO={last}: FROM must not be after TO")
    if first < days[0] or last > days[-1]:
        raise CommandError(
            f"FROM={first} TO={last}: outside the profile's closed days; allowed: {days[0]} to {days[-1]}"
        )
    if options.stream and options.stream not in profile.streams:
        raise CommandError(f"STREAM={options.stream}: not configured; allowed: {', '.join(profile.streams)}")
    if options.dry_run:
        return _preview([options.stream] if options.stream else list(profile.streams), first, last)
    settings = prepare()
    import dagster as dg

    instance = dagster_instance(settings.home)
    from orchestration.schedules import range_tags

    definitions = _definitions()
    selection = [dg.AssetKey(["raw", options.stream])] if options.stream else None
    tags = range_tags(first.isoformat(), last.isoformat())
    green = run_job(instance, definitions, "land", tags, selection)
    return _publish(settings, instance, definitions, green)


def _preview(streams: list[str], first: date, last: date) -> int:
    from orchestration.pipeline.preview import preview_periods, preview_streams
    from orchestration.pipeline.summary import preview_tables

    settings = load_settings(check_sources=False)
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    found = preview_streams(settings, streams, days)
    for table in preview_tables(found, preview_periods(settings, found)):
        OUT.print(table)
    OUT.print("Nothing was pulled. Without DRY_RUN=1 these days are pulled again, and what follows is published.")
    return 0


def _replay(options: argparse.Namespace) -> int:
    settings = load_settings(check_sources=False)
    first, last = _day("FROM", options.first), _day("TO", options.last)
    if first > last:
        raise CommandError(f"FROM={first} TO={last}: FROM must not be after TO")
    if options.stream not in settings.profile.streams:
        raise CommandError(f"STREAM={options.stream}: not configured; allowed: {', '.join(settings.profile.streams)}")
    if options.dry_run:
        from orchestration.pipeline.gate import GateError
        from orchestration.pipeline.replay import replay, told_of

        try:
            LOG.info(told_of(replay(settings, options.stream, first, last, "dry run", dry_run=True)))
        except GateError as error:
            raise CommandError(str(error)) from None
        return 0
    _parse_early(settings.home)
    instance = dagster_instance(settings.home)
    definitions = _definitions()
    config = {"stream": options.stream, "first": first.isoformat(), "last": last.isoformat()}
    if not run_job(instance, definitions, "replay", {}, ops={"replay_quarantine": {"config": config}}):
        return 1
    return _publish(settings, instance, definitions, True)


def _rebuild(options: argparse.Namespace) -> int:
    settings = load_settings(check_sources=False)
    instance = dagster_instance(settings.home)
    return _publish(settings, instance, _definitions(), True, {"opsmart/full_refresh": "true"})


def _publish_only(options: argparse.Namespace) -> int:
    checks, reason = options.accept.split(), options.reason.strip()
    if checks and not reason:
        raise CommandError(f'ACCEPT={options.accept}: REASON="…" is needed; it is recorded in the publication')
    if reason and not checks:
        raise CommandError(f"REASON={reason}: ACCEPT=<check> is needed; the refusal names the checks")
    settings = load_settings(check_sources=False)
    instance = dagster_instance(settings.home)
    definitions = _definitions()
    from orchestration.checks import acceptance_tags
    from orchestration.pipeline import build
    from orchestration.pipeline.checks import acceptable

    unknown = sorted(
        set(checks)
        - acceptable(settings.profile, json.loads(build.manifest_of(settings.home).read_text(encoding="utf-8")))
    )
    if unknown:
        raise CommandError(f"ACCEPT={unknown[0]}: no blocking check of gate 2 has that name; docs/checks.md lists them")
    return _publish(settings, instance, definitions, True, acceptance_tags(checks, reason) if checks else None)


def _publish(
    settings: Settings,
    instance: dg.DagsterInstance,
    definitions: dg.Definitions,
    landed: bool,
    tags: dict[str, str] | None = None,
) -> int:
    from orchestration.pipeline.publication import current
    from orchestration.pipeline.summary import show

    LOG.info("building the marts")
    published = run_job(instance, definitions, "publish", tags or {})
    publication = current(settings)
    if published and publication is not None:
        show(publication, OUT)
    if not published:
        standing = f"; readers still see {publication.id}" if publication else "; there is no publication yet"
        OUT.print(f"[bold red]Nothing was published[/]{standing}.", highlight=False)
    if not landed:
        OUT.print(
            "[bold red]Some days did not land[/]: see above, and `coverage`; they are asked for again by the next run."
        )
    return 0 if published and landed else 1


def _summary(options: argparse.Namespace) -> int:
    from orchestration.pipeline.publication import current
    from orchestration.pipeline.summary import show

    publication = current(load_settings(check_sources=False))
    if publication is None:
        raise CommandError("there is no publication yet: `make run` makes the first")
    show(publication, OUT)
    return 0


def _maintain(options: argparse.Namespace) -> int:
    from orchestration.pipeline.maintenance import maintain

    for done in maintain(load_settings(check_sources=False).home):
        LOG.info(f"{done.table}: {done.merged} files merged into {done.into}, {done.deleted} deleted")
    return 0


def _ui(options: argparse.Namespace) -> int:
    settings = prepare()
    dagster_home(settings.home)
    command = [
        str(Path(sys.executable).parent / "dagster"),
        "dev",
        "-m",
        "orchestration.definitions",
        "-h",
        "127.0.0.1",
        "-p",
        options.port,
    ]
    os.chdir(ROOT)
    os.execv(command[0], command)


def _dbt(options: argparse.Namespace) -> int:
    from orchestration.pipeline import build

    home = load_settings(check_sources=False).home
    with build.warehouse_lock(home):
        build.make_ready(home)
        return build.run_dbt(home, options.arguments or ["build"], lambda line: print(line, flush=True))


def _mf(options: argparse.Namespace) -> int:
    from orchestration.pipeline.metricflow import MetricFlowError, run_metricflow

    try:
        return run_metricflow(load_settings(check_sources=False, claim=False).home, options.arguments)
    except MetricFlowError as error:
        raise CommandError(str(error)) from None


if __name__ == "__main__":
    sys.exit(main())
