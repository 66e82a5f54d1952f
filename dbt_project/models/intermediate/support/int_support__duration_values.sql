-- Medians and 90th percentiles of the first reply (minutes, and business minutes) and of the first and the full
-- resolution (hours): taken from the rows of each period, never from other percentiles.
with

tickets as (
    select
        facts.*,
        times.first_reply_open_micros - times.reply_clock_open_micros as first_reply_business_micros
    from {{ ref('int_support__ticket_facts') }} as facts
    inner join {{ ref('int_support__business_times') }} as times on facts.ticket_id = times.ticket_id
    where not facts.is_excluded
        and not facts.is_merged_away
),

durations as (
    select
        'first_reply' as measure,
        ticket_id,
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
        'first_reply_business' as measure,
        ticket_id,
        first_replied_date as duration_date,
        cast(first_reply_business_micros as double) / 60000000 as duration,
        channel,
        priority,
        group_name,
        reason
    from tickets
    where first_replied_at is not null
    union all
    select
        'resolution' as measure,
        ticket_id,
        first_solved_date as duration_date,
        cast(resolution_micros as double) / 3600000000 as duration,
        channel,
        priority,
        group_name,
        reason
    from tickets
    where first_solved_at is not null
    union all
    select
        'full_resolution' as measure,
        ticket_id,
        last_solved_date as duration_date,
        cast(full_resolution_micros as double) / 3600000000 as duration,
        channel,
        priority,
        group_name,
        reason
    from tickets
    where full_resolution_micros is not null
),

segmented as (
    {{ by_dimension('durations', {
        'channel': 'channel', 'priority': 'priority', 'group': 'group_name', 'reason': 'reason'
    }) }}
    union all
    {{ by_profile_dimension('durations', ref('int_support__segments'), 'ticket_id') }}
),

percentiles as (
    select
        segmented.measure,
        period_days.grain,
        period_days.period_start,
        segmented.dimension,
        segmented.segment,
        percentile_cont(0.5) within group (order by segmented.duration) as p50,
        percentile_cont(0.9) within group (order by segmented.duration) as p90,
        count(*) as n
    from segmented
    inner join {{ ref('int_calendar__period_days') }} as period_days
        on segmented.duration_date = period_days.local_date
    group by
        segmented.measure, period_days.grain, period_days.period_start, segmented.dimension, segmented.segment
)

select
    percentiles.measure || '_' || names.name as kpi_id,
    percentiles.grain,
    percentiles.period_start,
    percentiles.dimension,
    percentiles.segment,
    cast(null as decimal(28, 6)) as numerator,
    cast(null as decimal(28, 6)) as denominator,
    cast(
        cast(case names.name when 'p50' then percentiles.p50 else percentiles.p90 end as decimal(18, 6)) as double
    ) as value,
    cast(percentiles.n as bigint) as n
from percentiles
cross join (values ('p50'), ('p90')) as names (name)
