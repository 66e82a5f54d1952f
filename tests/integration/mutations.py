"""What spoils the marts for each dbt test of its own: one statement that only this test is made to find."""

from __future__ import annotations

FIRST_ORDER = "(select min(order_id) from intermediate.int_orders__orders)"
MUTATIONS = {
    "kpi/fct_kpi_segments_sum_to_total": """update marts.fct_kpi set numerator = numerator + 1 where kpi_id = 'gmv'
        and dimension = 'channel' and segment = 'web' and grain = 'day' and period_start = '2026-03-09'""",
    "kpi/fct_kpi_dimensions_known": "update marts.fct_kpi set dimension = 'x' where dimension = 'plan'",
    "kpi/fct_kpi_ids_known": "delete from marts.fct_kpi where kpi_id = 'csat'",
    "kpi/fct_kpi_lifecycle_is_whole": """update marts.fct_kpi set numerator = numerator + 1
        where kpi_id = 'lifecycle_returning' and grain = 'week' and dimension = 'all'""",
    "kpi/fct_kpi_incomplete_has_no_value": "update marts.fct_kpi set is_complete = false where kpi_id = 'csat'",
    "lake/conservation_holds": """update intermediate.int_lake__conservation set duplicate = duplicate + 1
        where stream = 'usage_events' and landed_date = '2026-03-04'""",
    "lake/fct_coverage_has_no_holes": """update marts.fct_coverage set is_landed = false
        where stream = 'orders' and landed_date = '2026-03-04'""",
    "lake/lake_plan_conserves_pulled_rows": """update plan.lake_plan set pulled_count = pulled_count + 1
        where stream = 'orders' and landed_date = '2026-03-04'""",
    "orders/net_sales_adds_up_from_rows": """update marts.fct_kpi set numerator = numerator + 1 where kpi_id = 'net_sales'
        and dimension = 'all' and grain = 'day' and period_start = '2026-03-09'""",
    "orders/orders_kpis_count_order_rows": """update marts.fct_orders__orders set is_cancelled_before_shipment = false
        where order_id = (select min(order_id) from marts.fct_orders__orders where is_cancelled_before_shipment)""",
    "orders/order_amounts_spread_whole": """update intermediate.int_orders__allocations set amount = amount + 0.01
        where kind = 'refund'""",
    "orders/orders_have_rates": """delete from intermediate.int_orders__rates
        where currency <> 'EUR' and local_date = '2026-03-04'""",
    "orders/orders_have_lines": f"update intermediate.int_orders__order_facts set line_count = 0 where order_id = {FIRST_ORDER}",
    "orders/orders_customer_known": f"""update intermediate.int_orders__newest_orders set customer_id = 'x'
        where order_id = {FIRST_ORDER}""",
    "orders/order_items_order_known": """delete from intermediate.int_orders__newest_orders
        where order_id = (select min(order_id) from intermediate.int_orders__items)""",
    "orders/refunds_order_known": """update intermediate.int_orders__newest_refunds set order_id = 'x'
        where refund_id = (select min(refund_id) from intermediate.int_orders__refunds)""",
    "fulfilment/open_orders_move_by_their_flows": """update marts.fct_kpi set numerator = numerator + 1
        where kpi_id = 'open_orders' and dimension = 'all' and grain = 'day' and period_start = '2026-03-09'""",
    "fulfilment/fulfilment_kpis_count_order_rows": """update marts.fct_orders__orders
        set cycle_time_hours = cycle_time_hours + 1000 where order_id =
        (select min_by(order_id, cycle_time_hours) from marts.fct_orders__orders where last_delivered_date = '2026-03-10')""",
    "fulfilment/shipments_order_known": """delete from intermediate.int_orders__newest_orders
        where order_id = (select min(order_id) from intermediate.int_fulfilment__shipments)""",
    "fulfilment/shipment_items_line_known": """update intermediate.int_fulfilment__newest_shipment_items set line_id = 'x'
        where shipment_id = (select min(shipment_id) from intermediate.int_fulfilment__shipments)""",
    "support/backlog_moves_by_its_flows": """update marts.fct_kpi set numerator = numerator + 1 where kpi_id = 'backlog'
        and dimension = 'all' and grain = 'day' and period_start = '2026-03-09'""",
    "support/support_kpis_count_ticket_rows": """update marts.fct_support__tickets set first_solved_date = null
        where ticket_id = (select min(ticket_id) from marts.fct_support__tickets where is_reopened_in_30_days)""",
    "support/tickets_order_known": """update intermediate.int_support__newest_tickets set order_id = 'x'
        where ticket_id = (select min(ticket_id) from intermediate.int_support__tickets)""",
    "support/ticket_events_ticket_known": """delete from intermediate.int_support__newest_tickets
        where ticket_id in (select min(ticket_id) from intermediate.int_support__ticket_events)""",
    "support/tickets_customer_known": """update intermediate.int_support__newest_tickets set customer_id = 'x'
        where customer_id is not null""",
    "support/tickets_before_sign_up": """update intermediate.int_customers__newest_customers
        set signed_up_at = signed_up_at + interval '1000' day""",
    "support/tickets_solved_with_time": """update intermediate.int_support__accepted set has_events = false,
        last_solved_at = null, first_solved_at = null, status = 'closed', is_excluded = false
        where ticket_id = (select min(ticket_id) from intermediate.int_support__accepted)""",
    "feedback/survey_responses_ticket_known": """update intermediate.int_feedback__newest_survey_responses set ticket_id = 'x'
        where response_id = (select min(response_id) from intermediate.int_feedback__survey_responses)""",
    "usage/usage_frontier_holds_current_events": """update intermediate.int_usage__actor_days set event_count = event_count + 1
        where event_date = '2026-03-04'""",
    "usage/counts_keep_all_events": "delete from intermediate.int_identity__internal_people",
    "usage/sessions_keep_all_events": """update intermediate.int_engagement__day_counts set amount = amount + 1
        where measure = 'session_events' and local_date = '2026-03-04'""",
}
