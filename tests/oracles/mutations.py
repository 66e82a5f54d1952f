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
    # passive events make nobody active
    Mutation(
        "dau", "int_engagement__gap_counts", "person_days.qualifying_event_count > 0", "person_days.event_count > 0"
    ),
    # half-open intervals
    Mutation(
        "active_users", "int_engagement__active_users", "< period_days.period_start", "<= period_days.period_start"
    ),
    # a trailing window has as many days as it says
    Mutation(
        "users_7d", "int_engagement__trailing_users", "when gap_days < window_days then", "when gap_days < 6 then"
    ),
    # not those of another window
    Mutation(
        "users_28d", "int_engagement__kpi_values", "case window_days when 7 then", "case window_days when 28 then"
    ),
    Mutation("stickiness", "int_engagement__trailing_users", "rows between 27 preceding", "rows between 28 preceding"),
    # a session crosses midnight
    Mutation("sessions", "int_engagement__sessions", "> 1800000000 then 1", "> 0 then 1"),
    Mutation(
        "feature_adoption",
        "int_engagement__feature_steps",
        "min(event_date) as first_date",
        "max(event_date) as first_date",
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
    Mutation("net_sales", "int_orders__sales_values", " - daily.refund_amount", ""),
    Mutation(
        "aov", "int_orders__sales_values", "'aov' then cast(totals.order_count", "'aov' then cast(totals.movement_count"
    ),
    # a month is not four weeks
    Mutation(
        "mrr",
        "int_orders__subscription_spans",
        "when 'month' then recurring_amount * 12",
        "when 'month' then recurring_amount * 13",
    ),
    Mutation(
        "active_subscriptions",
        "int_orders__line_facts",
        "least(accepted.end_date, accepted.cancelled_date)",
        "accepted.cancelled_date",
    ),
    # only of those that ran at the start
    Mutation("logo_churn", "int_orders__subscription_values", "and orders.start_date < period_days.period_start", ""),
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
    # creation to first solve, not to last
    Mutation(
        "resolution_p50",
        "int_support__ticket_facts",
        "min(occurred_at) filter (where transition = 'solve')",
        "max(occurred_at) filter (where transition = 'solve')",
    ),
    Mutation("escalation_rate", "int_support__count_values", "where not is_merged_away", "where true"),
    # maturity: the window has passed
    Mutation(
        "escalation_rate",
        "int_kpi__periods",
        "available.cohort_window_days + available.settle_days",
        "available.settle_days",
    ),
    Mutation("backlog", "int_support__backlog_spans", "when 'reopen' then 1 else -1", "when 'reopen' then 0 else -1"),
    # the latest answer of a ticket
    Mutation(
        "csat",
        "int_feedback__answers",
        "given.answered_at desc, given.answer_id desc",
        "given.answered_at asc, given.answer_id asc",
    ),
    Mutation(
        "csat_mean",
        "int_feedback__kpi_values",
        "sum(segmented.score)",
        "sum(segmented.score) filter (where segmented.is_good)",
    ),
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
