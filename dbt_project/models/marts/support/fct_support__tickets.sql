-- The rows behind the support KPIs: a KPI of a day counts the tickets whose date in its name is that day. What a ticket
-- does not say of the requester, the customer's history says for the day on which it was opened.
with

clocks as (
    select
        ticket_id,
        max(case when sla_target = 'first_reply' then priority end) as first_reply_sla_priority,
        max(case when sla_target = 'first_reply' then target_minutes end) as first_reply_sla_minutes,
        max(case when sla_target = 'first_reply' then due_at end) as first_reply_due_at,
        max(case when sla_target = 'first_reply' then state end) as first_reply_sla_state,
        max(case when sla_target = 'first_reply' then decided_date end) as first_reply_sla_date,
        max(case when sla_target = 'resolution' then priority end) as resolution_sla_priority,
        max(case when sla_target = 'resolution' then target_minutes end) as resolution_sla_minutes,
        max(case when sla_target = 'resolution' then due_at end) as resolution_due_at,
        max(case when sla_target = 'resolution' then state end) as resolution_sla_state,
        max(case when sla_target = 'resolution' then decided_date end) as resolution_sla_date
    from {{ ref('int_support__sla_clocks') }}
    group by ticket_id
)

select
    facts.ticket_id,
    facts.customer_id,
    facts.account_id,
    facts.order_id,
    facts.status,
    facts.channel,
    facts.priority,
    facts.group_name,
    facts.reason,
    facts.feature,
    coalesce(nullif(facts.country, ''), spans.country) as country,
    coalesce(nullif(facts.plan, ''), spans.plan) as plan,
    facts.is_merged_away,
    facts.merged_at,
    facts.merged_into_ticket_id,
    facts.created_at,
    facts.created_date,
    facts.reply_clock_at,
    facts.first_replied_at,
    facts.first_replied_date,
    cast(facts.first_reply_micros as double) / 60000000 as first_reply_minutes,
    cast(times.first_reply_open_micros - times.reply_clock_open_micros as double)
    / 60000000 as first_reply_business_minutes,
    facts.first_solved_at,
    facts.first_solved_date,
    cast(facts.resolution_micros as double) / 3600000000 as resolution_hours,
    facts.is_solved,
    facts.last_solved_at,
    facts.last_solved_date,
    cast(facts.full_resolution_micros as double) / 3600000000 as full_resolution_hours,
    facts.first_reopened_at,
    facts.reopen_count,
    solves.is_reopened_in_30_days,
    solves.reply_count as first_solve_reply_count,
    solves.next_contact_at,
    solves.is_first_contact,
    facts.escalated_at,
    facts.is_escalated_in_30_days,
    clocks.first_reply_sla_priority,
    cast(clocks.first_reply_sla_minutes as bigint) as first_reply_sla_minutes,
    clocks.first_reply_due_at,
    clocks.first_reply_sla_state,
    clocks.first_reply_sla_date,
    clocks.resolution_sla_priority,
    cast(clocks.resolution_sla_minutes as bigint) as resolution_sla_minutes,
    clocks.resolution_due_at,
    clocks.resolution_sla_state,
    clocks.resolution_sla_date
from {{ ref('int_support__ticket_facts') }} as facts
left join {{ ref('int_support__business_times') }} as times on facts.ticket_id = times.ticket_id
left join {{ ref('int_support__first_solves') }} as solves on facts.ticket_id = solves.ticket_id
left join clocks on facts.ticket_id = clocks.ticket_id
{{ join_customer_spans('facts', 'created_date') }}
where not facts.is_excluded
