"""One wrong line per KPI, of those that people write: the comparison has to see it (mutated.py builds it)."""

from __future__ import annotations

from typing import NamedTuple


class Mutation(NamedTuple):
    """`old` stands once in the model's file and in what dbt made of it; `new` is the mistake."""

    kpi_id: str
    model: str
    old: str
    new: str


MUTATIONS = [
    # by day only
    Mutation("dau", "int_engagement__usage_values", "grain = 'day' or", "grain = 'week' or"),
    # half-open intervals
    Mutation(
        "active_users", "int_engagement__active_users", "< period_days.period_start", "<= period_days.period_start"
    ),
    # a trailing window has as many days as it says
    Mutation(
        "users_7d", "int_engagement__trailing_users", "when gap_days < window_days then", "when gap_days < 6 then"
    ),
    Mutation(
        "users_28d", "int_engagement__usage_values", "case window_days when 7 then", "case window_days when 28 then"
    ),
    Mutation("stickiness", "int_engagement__trailing_users", "rows between 27 preceding", "rows between 28 preceding"),
    # sessions, not the rows that count them
    Mutation("sessions", "int_engagement__usage_values", "sum(counts.amount) as numerator", "count(*) as numerator"),
    # users of the feature, not of the product
    Mutation(
        "feature_adoption",
        "int_engagement__usage_values",
        "and feature_users.measure = 'feature'",
        "and feature_users.measure = 'active'",
    ),
    # new is who was never here
    Mutation(
        "lifecycle_new",
        "int_engagement__lifecycle_values",
        "when counts.gap_days is null then",
        "when counts.gap_days is null or counts.gap_days > 28 then",
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
        "when counts.gap_days is null then",
        "when false then",
    ),
    Mutation(
        "lifecycle_dormant",
        "int_engagement__lifecycle_values",
        "earlier.users - coalesce(returned.users, 0)",
        "earlier.users",
    ),
    # uses alone
    Mutation(
        "error_rate",
        "int_engagement__usage_values",
        "sum(counts.amount) filter (where counts.measure = 'counted_use_count')",
        "sum(counts.amount)",
    ),
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
    # all person-days, first ones too
    Mutation(
        "events_per_active_day",
        "int_engagement__usage_values",
        "where counts.measure = 'active'), 0) as denominator",
        "where counts.measure = 'active' and counts.gap_days > 0), 0) as denominator",
    ),
    # within 7 days
    Mutation(
        "visitor_conversion",
        "int_conversion__cohorts",
        "when 'checkout_abandonment' then 1 else 7 end",
        "when 'checkout_abandonment' then 1 else 30 end",
    ),
    # the key action alone
    Mutation("activation", "int_conversion__cohorts", "on actions.event_name = settings.key_action", "on true"),
    # one order is enough
    Mutation(
        "checkout_abandonment",
        "int_conversion__cohort_values",
        "bool_or(segmented.is_followed)",
        "bool_and(segmented.is_followed)",
    ),
    # within the window
    Mutation(
        "funnel_conversion",
        "int_conversion__funnel_entries",
        "settings.window_days * cast(86400000000 as bigint)",
        "10 * settings.window_days * cast(86400000000 as bigint)",
    ),
    Mutation("time_to_convert_p50", "int_conversion__funnel_values", "percentile_cont(0.5)", "percentile_disc(0.5)"),
    Mutation("time_to_convert_p90", "int_conversion__funnel_values", "percentile_cont(0.9)", "percentile_disc(0.9)"),
    # on day n, not about it
    *(
        Mutation(
            f"retention_{age}",
            "int_retention__cohort_values",
            f"counts.gap_days = {days}\n        ), 0) as back_{age}_count",
            f"counts.gap_days = {other}\n        ), 0) as back_{age}_count",
        )
        for age, days, other in (
            ("d1", 1, 7),
            ("d7", 7, 14),
            ("d14", 14, 28),
            ("d28", 28, 14),
            ("w1", 7, 14),
            ("w4", 28, 35),
            ("w12", 84, 77),
        )
    ),
    Mutation(
        "inactivity_rate", "int_retention__inactivity_values", ">= periods.previous_start", "> periods.previous_start"
    ),
    # less use alone is no risk
    Mutation("revenue_at_risk", "int_across__risk_spans", "where troubles > 0", "where troubles >= 0"),
    # dimensions of the profile: of the customer whose row it is, in every row, in that dimension
    Mutation(
        "otif", "int_orders__segments", "orders.customer_id = spans.customer_id", "orders.order_id = spans.customer_id"
    ),
    Mutation("return_rate", "int_orders__segments", "replace(asked.field, 'extra.', '')", "asked.field"),
    Mutation("backlog", "int_support__segments", "then coalesce(spans.segment, 'unknown')", "then 'unknown'"),
    Mutation("nps", "int_feedback__segments", "'survey' as fact", "'answer' as fact"),
    Mutation(
        "active_users",
        "int_engagement__profile_counts",
        "lag(event_date) over (\n            partition by dimension, segment, person_key",
        "lag(event_date) over (\n            partition by dimension, segment",
    ),
    # what was true of the customer on that day, not what is true today
    Mutation(
        "repeat_purchase_90d",
        "int_orders__accepted",
        "counted.order_date >= spans.valid_from_date\n        and counted.order_date < spans.valid_to_date",
        "not spans.is_dated",
    ),
    Mutation(
        "csat",
        "int_feedback__answers",
        "latest.answer_date >= spans.valid_from_date\n    and latest.answer_date < spans.valid_to_date",
        "not spans.is_dated",
    ),
    # a refund is worth what its own currency is worth
    Mutation(
        "refund_rate",
        "int_orders__movements",
        "on summed.currency = rates.currency",
        "on accepted.currency = rates.currency",
    ),
]
