-- Within a segment a person is what its use in that segment says: new on a platform is who was never on it before.
-- A person stands on the first of its days in a period, whose gap says when it was active before.
with

periods as (
    select * from {{ ref('int_calendar__periods') }}
),

arrivals as (
    select
        periods.grain,
        periods.period_start,
        counts.dimension,
        counts.segment,
        case
            when counts.gap_days is null then 'lifecycle_new'
            when {{ add_days('counts.local_date', '-counts.gap_days') }} >= periods.previous_start
                then 'lifecycle_returning'
            else 'lifecycle_resurrected'
        end as kpi_id,
        counts.amount as users
    from {{ ref('int_engagement__all_counts') }} as counts
    inner join {{ ref('int_calendar__period_days') }} as period_days
        on counts.local_date = period_days.local_date
    inner join periods
        on period_days.grain = periods.grain
        and period_days.period_start = periods.period_start
    where counts.measure = 'active'
        and (
            counts.gap_days is null
            or {{ add_days('counts.local_date', '-counts.gap_days') }} < periods.period_start
        )
),

counted as (
    select
        kpi_id,
        grain,
        period_start,
        dimension,
        segment,
        sum(users) as users
    from arrivals
    group by kpi_id, grain, period_start, dimension, segment
),

-- who was there in the period before and did not return
departures as (
    select
        'lifecycle_dormant' as kpi_id,
        periods.grain,
        periods.period_start,
        earlier.dimension,
        earlier.segment,
        earlier.users - coalesce(returned.users, 0) as users
    from {{ ref('int_engagement__active_users') }} as earlier
    inner join periods
        on earlier.grain = periods.grain
        and earlier.period_start = periods.previous_start
    left join counted as returned
        on returned.kpi_id = 'lifecycle_returning'
        and periods.grain = returned.grain
        and periods.period_start = returned.period_start
        and earlier.dimension = returned.dimension
        and earlier.segment = returned.segment
),

states as (
    select * from counted
    union all
    select * from departures
)

select
    kpi_id,
    grain,
    period_start,
    dimension,
    segment,
    cast(users as decimal(28, 6)) as numerator,
    cast(null as decimal(28, 6)) as denominator,
    cast(users as double) as value,
    cast(users as bigint) as n
from states
