-- Open at the end of a day is what the last opening or reopening up to it says. A day on which nothing is open has a
-- row without a ticket: the last day of a period is found by its rows.
with transitions as (
    select
        ticket_id,
        transition,
        occurred_at,
        lead(occurred_at) over (
            partition by ticket_id
            order by transition_number
        ) as next_at
    from {{ source('marts', 'fct_support__transitions') }}
),

firsts as (
    select
        ticket_id,
        min(occurred_at) as first_at
    from transitions
    group by ticket_id
),

spans as (
    select
        tickets.ticket_id,
        tickets.created_at as open_at,
        firsts.first_at as closed_at
    from {{ source('marts', 'fct_support__tickets') }} as tickets
    left join firsts on tickets.ticket_id = firsts.ticket_id
    union all
    select
        ticket_id,
        occurred_at as open_at,
        next_at as closed_at
    from transitions
    where transition = 'reopen'
),

open_spans as (
    select
        tickets.ticket_id,
        tickets.created_at,
        tickets.channel,
        tickets.priority,
        tickets.group_name,
        tickets.reason,
        spans.open_at,
        coalesce(spans.closed_at, cast('9999-12-31 00:00:00' as timestamp)) as closed_at
    from spans
    inner join {{ source('marts', 'fct_support__tickets') }} as tickets on spans.ticket_id = tickets.ticket_id
)

select
    days.calendar_date,
    open_spans.ticket_id,
    open_spans.channel,
    open_spans.priority,
    open_spans.group_name,
    open_spans.reason,
    cast({{ micros_between('open_spans.created_at', 'days.ended_at') }} as double) / 86400000000 as age_days
from {{ ref('days') }} as days
left join open_spans
    on days.ended_at > open_spans.open_at
    and days.ended_at <= open_spans.closed_at
