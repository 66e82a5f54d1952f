"""The commands behind the Makefile. They run the same Dagster jobs as the schedule and the UI, in this process."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from rich.markup import escape

from orchestration import commands_of_publications, commands_of_sources, console
from orchestration.console import CommandError
from orchestration.in_process import dagster_home, dagster_instance, load_definitions, parse_early, run_job
from orchestration.pipeline.dbt_results import BuildError
from orchestration.settings import ROOT, Settings, SettingsError, load_settings
from sources.connectors.base import one_line
from sources.profile import Profile, ProfileError, check_that_sources_are_there

if TYPE_CHECKING:
    import dagster as dg

LOG = logging.getLogger("opsmart")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Returns the exit code: 0 done, 1 something failed, 2 the command or its settings are wrong."""
    options = _parser().parse_args(arguments)
    if options.profile:
        os.environ["OPSMART_PROFILE"] = options.profile
    logging.basicConfig(format="%(message)s")
    logging.getLogger().handlers[0].setLevel(logging.ERROR)
    LOG.setLevel(logging.INFO)
    LOG.propagate = False
    LOG.addHandler(console.LogHandler())
    try:
        return int(options.command(options))
    except (ProfileError, SettingsError, CommandError) as error:
        console.say(f"[bold red]opsmart:[/] {escape(one_line(error))}")
        return 2
    except (OSError, BuildError) as error:
        console.say(f"[bold red]opsmart:[/] {escape(str(error))}")
        return 1


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
    parse_early(settings.home)
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


def _run(options: argparse.Namespace) -> int:
    settings = prepare()
    instance = dagster_instance(settings.home)
    definitions = load_definitions()
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


def _range(options: argparse.Namespace) -> tuple[date, date]:
    first, last = _day("FROM", options.first), _day("TO", options.last)
    if first > last:
        raise CommandError(f"FROM={first} TO={last}: FROM must not be after TO")
    return first, last


def _check_stream(stream: str, profile: Profile) -> None:
    if stream not in profile.streams:
        raise CommandError(f"STREAM={stream}: not configured; allowed: {', '.join(profile.streams)}")


def _backfill(options: argparse.Namespace) -> int:
    from orchestration.pipeline import catch_up

    profile = load_settings(check_sources=False, claim=False).profile
    days = catch_up.all_days(profile)
    first, last = _range(options)
    if first < days[0] or last > days[-1]:
        raise CommandError(
            f"FROM={first} TO={last}: outside the profile's closed days; allowed: {days[0]} to {days[-1]}"
        )
    if options.stream:
        _check_stream(options.stream, profile)
    if options.dry_run:
        return _preview([options.stream] if options.stream else list(profile.streams), first, last)
    settings = prepare()
    import dagster as dg

    instance = dagster_instance(settings.home)
    from orchestration.schedules import range_tags

    definitions = load_definitions()
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
        console.OUT.print(table)
    console.OUT.print(
        "Nothing was pulled. Without DRY_RUN=1 these days are pulled again, and what follows is published."
    )
    return 0


def _replay(options: argparse.Namespace) -> int:
    settings = load_settings(check_sources=False)
    first, last = _range(options)
    _check_stream(options.stream, settings.profile)
    if options.dry_run:
        from orchestration.pipeline.gate import GateError
        from orchestration.pipeline.replay import replay, told_of

        try:
            LOG.info(told_of(replay(settings, options.stream, first, last, "dry run", dry_run=True)))
        except GateError as error:
            raise CommandError(str(error)) from None
        return 0
    parse_early(settings.home)
    instance = dagster_instance(settings.home)
    definitions = load_definitions()
    config = {"stream": options.stream, "first": first.isoformat(), "last": last.isoformat()}
    if not run_job(instance, definitions, "replay", {}, ops={"replay_quarantine": {"config": config}}):
        return 1
    return _publish(settings, instance, definitions, True)


def _rebuild(options: argparse.Namespace) -> int:
    settings = load_settings(check_sources=False)
    instance = dagster_instance(settings.home)
    return _publish(settings, instance, load_definitions(), True, {"opsmart/full_refresh": "true"})


def _publish_only(options: argparse.Namespace) -> int:
    checks, reason = options.accept.split(), options.reason.strip()
    if checks and not reason:
        raise CommandError(f'ACCEPT={options.accept}: REASON="…" is needed; it is recorded in the publication')
    if reason and not checks:
        raise CommandError(f"REASON={reason}: ACCEPT=<check> is needed; the refusal names the checks")
    settings = load_settings(check_sources=False)
    instance = dagster_instance(settings.home)
    definitions = load_definitions()
    from orchestration.checks import acceptance_tags
    from orchestration.pipeline import build
    from orchestration.pipeline.checks import acceptable

    unknown = sorted(set(checks) - acceptable(settings.profile, build.read_manifest(settings.home)))
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
        show(publication, console.OUT)
    if not published:
        standing = f"; readers still see {publication.id}" if publication else "; there is no publication yet"
        console.OUT.print(f"[bold red]Nothing was published[/]{standing}.", highlight=False)
    if not landed:
        console.OUT.print(
            "[bold red]Some days did not land[/]: see above, and `coverage`; they are asked for again by the next run."
        )
    return 0 if published and landed else 1


def _summary(options: argparse.Namespace) -> int:
    from orchestration.pipeline.publication import current
    from orchestration.pipeline.summary import show

    publication = current(load_settings(check_sources=False))
    if publication is None:
        raise CommandError("there is no publication yet: `make run` makes the first")
    show(publication, console.OUT)
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
