-- inactivity_rate: who was active in the period before and did not return, of all who were active in it.
with

counts as (
    select
        dimension,
        segment,
        local_date,
        gap_days,
        amount as users
    from {{ ref('int_engagement__all_counts') }}
    where measure = 'active_by_channel'
        or (measure = 'active' and dimension <> 'platform')
),

-- a person stands on the first of its days in a period, whose gap says when it was active before
arrivals as (
    select
        periods.grain,
        periods.period_start,
        counts.dimension,
        counts.segment,
        cast(sum(counts.users) as bigint) as active_count,
        cast(coalesce(sum(counts.users) filter (
            where {{ add_days('counts.local_date', '-counts.gap_days') }} >= periods.previous_start
        ), 0) as bigint) as returned_count
    from counts
    inner join {{ ref('int_calendar__period_days') }} as period_days on counts.local_date = period_days.local_date
    inner join {{ ref('int_calendar__periods') }} as periods
        on period_days.grain = periods.grain
        and period_days.period_start = periods.period_start
    where counts.gap_days is null
        or {{ add_days('counts.local_date', '-counts.gap_days') }} < periods.period_start
    group by periods.grain, periods.period_start, counts.dimension, counts.segment
),

shares as (
    select
        'inactivity_rate' as kpi_id,
        periods.grain,
        periods.period_start,
        earlier.dimension,
        earlier.segment,
        cast(earlier.active_count - coalesce(arrivals.returned_count, 0) as decimal(28, 6)) as numerator,
        cast(earlier.active_count as decimal(28, 6)) as denominator,
        earlier.active_count as n
    from arrivals as earlier
    inner join {{ ref('int_calendar__periods') }} as periods
        on earlier.grain = periods.grain
        and earlier.period_start = periods.previous_start
    left join arrivals
        on periods.grain = arrivals.grain
        and periods.period_start = arrivals.period_start
        and earlier.dimension = arrivals.dimension
        and earlier.segment = arrivals.segment
)

select
    kpi_id,
    grain,
    period_start,
    dimension,
    segment,
    numerator,
    denominator,
    {{ ratio('numerator', 'denominator') }} as value,
    n
from shares
