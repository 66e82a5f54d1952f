-- backlog_age_p50: how old, in days since their creation, the tickets are that are open at a period's end. A ticket is
-- open at the ends of the days from its creation, or a reopening, up to the day before it is solved or merged away.
with

watermark as (
    select max(local_date) as last_date
    from {{ ref('int_calendar__days') }}
),

tickets as (
    select * from {{ ref('int_support__accepted') }}
    where not is_excluded
),

openings as (
    select
        ticket_id,
        created_date as open_date,
        0 as transition_number
    from tickets
    union all
    select
        ticket_id,
        transition_date as open_date,
        transition_number
    from {{ ref('int_support__transitions') }}
    where transition = 'reopen'
),

spans as (
    select
        openings.ticket_id,
        openings.open_date,
        {{ days_between(
            'openings.open_date',
            'coalesce(closings.transition_date, ' ~ add_days('watermark.last_date', 1) ~ ')'
        ) }} as day_count
    from openings
    cross join watermark
    left join {{ ref('int_support__transitions') }} as closings
        on openings.ticket_id = closings.ticket_id
        and openings.transition_number + 1 = closings.transition_number
),

open_spans as (
    select * from spans
    where day_count > 0
),

open_days as (
    select
        open_spans.ticket_id,
        {{ add_days('open_spans.open_date', 'days.n') }} as local_date
    from open_spans
    {{ explode_join(zero_to('open_spans.day_count'), 'days', 'n') }}
),

ages as (
    select
        periods.grain,
        periods.period_start,
        tickets.ticket_id,
        cast({{ micros_between('tickets.created_at', 'periods.period_end_at') }} as double) / 86400000000 as age,
        tickets.channel,
        tickets.priority,
        tickets.group_name,
        tickets.reason
    from open_days
    inner join tickets on open_days.ticket_id = tickets.ticket_id
    inner join {{ ref('int_calendar__periods') }} as periods on open_days.local_date = periods.last_date
),

segmented as (
    {{ by_dimension('ages', {
        'channel': 'channel', 'priority': 'priority', 'group': 'group_name', 'reason': 'reason'
    }) }}
    union all
    {{ by_profile_dimension('ages', ref('int_support__segments'), 'ticket_id') }}
)

select
    'backlog_age_p50' as kpi_id,
    grain,
    period_start,
    dimension,
    segment,
    cast(null as decimal(28, 6)) as numerator,
    cast(null as decimal(28, 6)) as denominator,
    cast(cast(percentile_cont(0.5) within group (order by age) as decimal(18, 6)) as double) as value,
    cast(count(*) as bigint) as n
from segmented
group by grain, period_start, dimension, segment
