-- first_reply_p50 in minutes, resolution_p50 in hours: taken from the rows of each period, never from other medians.
with

tickets as (
    select * from {{ ref('int_support__ticket_facts') }}
    where not is_excluded
        and not is_merged_away
),

durations as (
    select
        'first_reply_p50' as kpi_id,
        first_replied_date as duration_date,
        cast(first_reply_micros as double) / 60000000 as duration,
        channel,
        priority,
        group_name,
        reason
    from tickets
    where first_replied_at is not null
    union all
    select
        'resolution_p50' as kpi_id,
        first_solved_date as duration_date,
        cast(resolution_micros as double) / 3600000000 as duration,
        channel,
        priority,
        group_name,
        reason
    from tickets
    where first_solved_at is not null
),

segmented as (
    {{ by_dimension('durations', {
        'channel': 'channel', 'priority': 'priority', 'group': 'group_name', 'reason': 'reason'
    }) }}
)

select
    segmented.kpi_id,
    period_days.grain,
    period_days.period_start,
    segmented.dimension,
    segmented.segment,
    cast(null as decimal(28, 6)) as numerator,
    cast(null as decimal(28, 6)) as denominator,
    cast(
        cast(percentile_cont(0.5) within group (order by segmented.duration) as decimal(18, 6)) as double
    ) as value,
    cast(count(*) as bigint) as n
from segmented
inner join {{ ref('int_calendar__period_days') }} as period_days on segmented.duration_date = period_days.local_date
group by
    segmented.kpi_id, period_days.grain, period_days.period_start, segmented.dimension, segmented.segment
