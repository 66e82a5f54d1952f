"""One wrong line per KPI, and how a warehouse looks that was built with it: the comparison has to see it.

The models after the frontier are rebuilt from what dbt compiled, so that a mutation costs seconds. Whether the right
line is right is for the oracle to say.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import duckdb


class Mutation(NamedTuple):
    """`old` stands once in the model's file and in what dbt made of it; `new` is the mistake."""

    kpi_id: str
    model: str
    old: str
    new: str


MUTATIONS = [
    # by day only
    Mutation("dau", "int_engagement__kpi_values", "grain = 'day' or", "grain = 'week' or"),
    # half-open intervals
    Mutation(
        "active_users", "int_engagement__active_users", "< period_days.period_start", "<= period_days.period_start"
    ),
    # a trailing window has as many days as it says
    Mutation(
        "users_7d", "int_engagement__trailing_users", "when gap_days < window_days then", "when gap_days < 6 then"
    ),
    Mutation(
        "users_28d", "int_engagement__kpi_values", "case window_days when 7 then", "case window_days when 28 then"
    ),
    Mutation("stickiness", "int_engagement__trailing_users", "rows between 27 preceding", "rows between 28 preceding"),
    # a session crosses midnight
    Mutation("sessions", "int_engagement__sessions", "> 1800000000 then 1", "> 0 then 1"),
    # whoever used it once in the window is a user
    Mutation(
        "feature_adoption",
        "int_engagement__feature_steps",
        "min(event_date) as first_date",
        "max(event_date) as first_date",
    ),
    # new is who was never here
    Mutation(
        "lifecycle_new",
        "int_engagement__lifecycle_values",
        "gap_counts.gap_days is null then 'lifecycle_new'",
        "gap_counts.gap_days is null or gap_counts.gap_days > 28 then 'lifecycle_new'",
    ),
    Mutation(
        "lifecycle_returning",
        "int_engagement__lifecycle_values",
        ">= periods.previous_start",
        "> periods.previous_start",
    ),
    Mutation(
        "lifecycle_resurrected",
        "int_engagement__lifecycle_values",
        "when gap_counts.gap_days is null then",
        "when false then",
    ),
    Mutation(
        "lifecycle_dormant",
        "int_engagement__lifecycle_values",
        "earlier.users - coalesce(returned.users, 0)",
        "earlier.users",
    ),
    # only uses whose source reports errors
    Mutation("error_rate", "int_engagement__kpi_values", "sum(counted_use_count)", "sum(event_count)"),
    # an order with several lines is one
    Mutation(
        "orders", "int_orders__daily", "count(distinct order_id) as order_count", "count(order_id) as order_count"
    ),
    # before discount
    Mutation(
        "gmv",
        "int_orders__movements",
        "lines.gross_amount as amount",
        "lines.gross_amount - lines.line_discount_amount as amount",
    ),
    Mutation(
        "net_sales",
        "int_orders__sales_values",
        " - daily.refund_amount - daily.cancelled_amount",
        " - daily.cancelled_amount",
    ),
    # all of it on the order date
    Mutation(
        "net_sales_cohort_90d",
        "int_orders__sales_values",
        "daily.lost_in_90_days_amount",
        "daily.refund_amount - daily.cancelled_amount",
    ),
    # maturity: the window has passed
    Mutation(
        "net_sales_cohort_90d",
        "int_kpi__periods",
        "when available.cohort_window_days = 0 then periods.last_date",
        "when true then periods.last_date",
    ),
    # orders, not movements
    Mutation(
        "aov",
        "int_orders__sales_values",
        "sum(daily.order_count) as order_count",
        "sum(daily.order_count + daily.refund_count) as order_count",
    ),
    # before shipment
    Mutation(
        "cancellation_rate",
        "int_orders__cancellation_values",
        "accepted.cancelled_at < shipped.first_shipped_at",
        "true",
    ),
    # units, not parcels
    Mutation("return_rate", "int_orders__return_values", "sum(segmented.delivered_count)", "count(*)"),
    # before discount
    Mutation(
        "refund_rate",
        "int_orders__sales_values",
        "when 'refund_rate' then totals.gross_amount",
        "when 'refund_rate' then totals.after_discount_amount",
    ),
    # at the rate of the last day
    Mutation(
        "mrr",
        "int_orders__subscription_values",
        "periods.last_date = rates.local_date",
        "periods.period_start = rates.local_date",
    ),
    # what has ended runs no more
    Mutation(
        "active_subscriptions",
        "int_orders__line_facts",
        "least(accepted.end_date, accepted.cancelled_date)",
        "accepted.cancelled_date",
    ),
    # only of those that ran at the start
    Mutation("logo_churn", "int_orders__churn_values", "and lines.start_date < period_days.period_start", ""),
    # as mrr had it
    Mutation(
        "revenue_churn",
        "int_orders__churn_values",
        "cells.running_amount * coalesce(before_rates.rate, start_rates.rate)",
        "cells.running_amount * start_rates.rate",
    ),
    # kept is not cancelled
    Mutation("repeat_purchase_90d", "int_retention__first_purchases", "and cancelled_at is null", ""),
    # overdue and undelivered is late
    Mutation(
        "on_time_delivery",
        "int_fulfilment__order_facts",
        "when promised_at < watermark_at then false",
        "when false then false",
    ),
    # what was cancelled before was not due
    Mutation(
        "on_time_shipment",
        "int_fulfilment__order_facts",
        "when first_scan_at is null and cancelled_at is not null then null",
        "when false then null",
    ),
    # in full
    Mutation("otif", "int_fulfilment__share_values", "or orders.is_complete_in_first_delivery", "or true"),
    # to the last delivery
    Mutation(
        "cycle_time_p50",
        "int_fulfilment__order_facts",
        "then case when lines.delivered_count = lines.line_count then lines.completed_at end",
        "then parcels.first_delivered_at",
    ),
    Mutation("cycle_time_p90", "int_fulfilment__time_values", "percentile_cont(0.9)", "percentile_disc(0.9)"),
    Mutation("stage_time_p50", "int_fulfilment__time_values", "percentile_cont(0.5)", "percentile_disc(0.5)"),
    # what is not shipped has no stages
    Mutation("stage_time_p90", "int_fulfilment__time_values", "where requires_shipping", "where true"),
    Mutation("open_orders", "int_fulfilment__open_values", "where requires_shipping", "where true"),
    Mutation("open_orders_age_p50", "int_fulfilment__open_values", "percentile_cont(0.5)", "percentile_disc(0.5)"),
    # the loser of a merge was created
    Mutation(
        "tickets_created",
        "int_support__count_values",
        "where not is_excluded",
        "where not is_excluded and not is_merged_away",
    ),
    # a ticket that is closed was solved before
    Mutation(
        "tickets_solved", "int_support__transitions", "where is_solved <> was_solved", "where is_solved or was_solved"
    ),
    # a bot's reply is none
    Mutation("first_reply_p50", "int_support__event_times", "and actor_type = 'agent'", ""),
    Mutation("first_reply_p90", "int_support__duration_values", "percentile_cont(0.9)", "percentile_disc(0.9)"),
    # the night is no business time
    Mutation("first_reply_business_p50", "int_support__business_times", "least(occurred_at, closes_at)", "occurred_at"),
    # after a bot's handoff the clock starts there
    Mutation(
        "first_reply_business_p90",
        "int_support__duration_values",
        "- times.reply_clock_open_micros",
        "- times.created_open_micros",
    ),
    # to the first solve, not to the last
    Mutation(
        "resolution_p50",
        "int_support__ticket_facts",
        "min(occurred_at) filter (where transition = 'solve')",
        "max(occurred_at) filter (where transition = 'solve')",
    ),
    Mutation("resolution_p90", "int_support__duration_values", "percentile_cont(0.9)", "percentile_disc(0.9)"),
    # to the last solve, not to the first
    Mutation(
        "full_resolution_p50",
        "int_support__duration_values",
        "cast(full_resolution_micros as double)",
        "cast(resolution_micros as double)",
    ),
    # dated by the last solve
    Mutation(
        "full_resolution_p90",
        "int_support__duration_values",
        "last_solved_date as duration_date",
        "first_solved_date as duration_date",
    ),
    Mutation("escalation_rate", "int_support__count_values", "where not is_merged_away", "where true"),
    # also those that were solved again
    Mutation(
        "reopen_rate",
        "int_support__first_solves",
        "coalesce(first_reopened_at < ",
        "coalesce(not is_solved and first_reopened_at < ",
    ),
    # a bot alone is no contact
    Mutation(
        "first_contact_resolution", "int_support__first_solves", "    reply_count = 1\n", "    reply_count <= 1\n"
    ),
    # a running clock past its target is breached
    Mutation(
        "sla_attainment",
        "int_support__sla_clocks",
        "coalesce(stopped_at, ended_at, closed_at) then",
        "coalesce(stopped_at, ended_at) then",
    ),
    Mutation("backlog", "int_support__backlog_spans", "when 'reopen' then 1 else -1", "when 'reopen' then 0 else -1"),
    Mutation("backlog_age_p50", "int_support__backlog_ages", "where transition = 'reopen'", "where false"),
    # the latest answer of a ticket
    Mutation(
        "csat",
        "int_feedback__answers",
        "given.answered_at desc, given.answer_id desc",
        "given.answered_at asc, given.answer_id asc",
    ),
    Mutation(
        "csat_mean",
        "int_feedback__csat_values",
        "sum(segmented.score)",
        "sum(segmented.score) filter (where segmented.is_good)",
    ),
    Mutation("csat_response_rate", "int_feedback__response_values", "where survey = 'csat'", "where true"),
    # detractors are 0 to 6
    Mutation("nps", "int_feedback__recommendations", "when score <= 6 then -1", "when score <= 5 then -1"),
    Mutation(
        "revenue_per_active_user",
        "int_across__user_revenue_values",
        "and sales.segment = active_users.segment",
        "and sales.segment >= active_users.segment",
    ),
    # the loser of a merge is no contact
    Mutation("contact_rate", "int_across__order_contacts", "and not tickets.is_merged_away", ""),
    Mutation("unlinked_ticket_share", "int_across__contact_values", "and not tickets.is_merged_away", ""),
    Mutation(
        "late_delivery_contact_lift",
        "int_across__late_contact_values",
        "when journeys.is_on_time then 0 else 1",
        "when journeys.is_on_time then 1 else 0",
    ),
    # a ticket about no feature asks for none
    Mutation("feature_demand", "int_across__feature_accounts", "and nullif(tickets.feature, '') is not null", ""),
]


@dataclass(frozen=True, eq=False)
class Warehouse:
    """A copy of a warehouse that dbt has built, with what dbt wrote beside it."""

    con: duckdb.DuckDBPyConnection
    dbt: Path

    @cached_property
    def models(self) -> dict[str, dict[str, Any]]:
        nodes = json.loads((self.dbt / "target" / "manifest.json").read_text(encoding="utf-8"))["nodes"]
        return {i: node for i, node in nodes.items() if node["resource_type"] == "model"}

    def compiled(self, node: dict[str, Any]) -> str:
        path = self.dbt / "target" / "compiled" / node["package_name"] / node["original_file_path"]
        return path.read_text(encoding="utf-8")

    def from_here_on(self, model: str) -> Iterator[dict[str, Any]]:
        """The model and what follows from it up to fct_kpi, in the order of building."""
        wanted = {i for i, node in self.models.items() if node["name"] == "fct_kpi"}
        while before := {p for i in wanted for p in self._parents(i)} - wanted:
            wanted |= before
        done: set[str] = set()
        touched: set[str] = set()
        while rest := wanted - done:
            for i in sorted(i for i in rest if not self._parents(i) & rest):
                done.add(i)
                if self.models[i]["name"] == model or self._parents(i) & touched:
                    touched.add(i)
                    yield self.models[i]

    def _parents(self, model_id: str) -> set[str]:
        return {p for p in self.models[model_id]["depends_on"]["nodes"] if p in self.models}

    def build_with(self, mutation: Mutation) -> None:
        """Build the mutated model and what follows from it, inside the open transaction."""
        for node in self.from_here_on(mutation.model):
            sql = self.compiled(node)
            if node["name"] == mutation.model:
                assert sql.count(mutation.old) == 1, f"{mutation.old!r} stands {sql.count(mutation.old)} times"
                sql = sql.replace(mutation.old, mutation.new)
            kind = node["config"]["materialized"]
            assert kind in ("table", "view"), f"{node['name']} is {kind}: mutate a model after the frontier"
            self.con.execute(f"create or replace {kind} {node['relation_name']} as {sql}")
