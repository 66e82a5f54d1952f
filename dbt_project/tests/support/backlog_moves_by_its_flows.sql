{{ config(
    description='backlog(t) = backlog(t-1) + created + reopened - solved - merged away while open, day by day.',
    severity='error',
    meta={'dagster': {'ref': {'name': 'fct_kpi'}}, 'owner': 'customer-support', 'subject': 'backlog', 'fix': 'Compare int_support__transitions of the day with its tickets: a solve without a reopen before it, or a ticket that is in one of them only.'}
) }}

-- The stock is counted ticket by ticket at the end of each day, not summed from the flows.
with

days as (
    select
        facts.period_start as local_date,
        days.end_at,
        facts.numerator as backlog
    from {{ ref('fct_kpi') }} as facts
    inner join {{ ref('int_calendar__days') }} as days on facts.period_start = days.local_date
    where facts.kpi_id = 'backlog'
        and facts.grain = 'day'
        and facts.dimension = 'all'
        and facts.is_complete
),

flows as (
    select
        created_date as local_date,
        1 as change
    from {{ ref('int_support__accepted') }}
    where not is_excluded
    union all
    select
        transition_date as local_date,
        case transition when 'reopen' then 1 else -1 end as change
    from {{ ref('int_support__transitions') }}
),

daily as (
    select
        local_date,
        sum(change) as change
    from flows
    group by local_date
),

moved as (
    select
        days.local_date,
        days.backlog,
        lag(days.local_date) over (order by days.local_date) as local_date_before,
        lag(days.backlog) over (order by days.local_date) as backlog_before,
        coalesce(daily.change, 0) as change
    from days
    left join daily on days.local_date = daily.local_date
),

-- a ticket is open from its creation, or its reopening, to what comes next
open_spans as (
    select
        tickets.ticket_id,
        tickets.created_at as open_at,
        firsts.occurred_at as closed_at
    from {{ ref('int_support__accepted') }} as tickets
    left join {{ ref('int_support__transitions') }} as firsts
        on tickets.ticket_id = firsts.ticket_id
        and firsts.transition_number = 1
    where not tickets.is_excluded
    union all
    select
        reopens.ticket_id,
        reopens.occurred_at as open_at,
        nexts.occurred_at as closed_at
    from {{ ref('int_support__transitions') }} as reopens
    left join {{ ref('int_support__transitions') }} as nexts
        on reopens.ticket_id = nexts.ticket_id
        and reopens.transition_number + 1 = nexts.transition_number
    where reopens.transition = 'reopen'
),

counted as (
    select
        days.local_date,
        days.backlog,
        count(open_spans.ticket_id) as open_count
    from days
    left join open_spans
        on open_spans.open_at < days.end_at
        and (open_spans.closed_at is null or open_spans.closed_at >= days.end_at)
    group by days.local_date, days.backlog
)

select
    local_date,
    backlog,
    backlog_before + change as expected,
    'the day before and its flows' as against
from moved
where local_date_before = {{ add_days('local_date', -1) }}
    and backlog <> backlog_before + change
union all
select
    local_date,
    backlog,
    open_count as expected,
    'the tickets that are open' as against
from counted
where backlog <> open_count
