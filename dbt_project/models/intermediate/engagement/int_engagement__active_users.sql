-- A person counts on the first of its days within the period: on the one whose day before it lies before the period.
select
    period_days.grain,
    period_days.period_start,
    counts.dimension,
    counts.segment,
    cast(sum(counts.amount) as bigint) as users
from {{ ref('int_engagement__all_counts') }} as counts
inner join {{ ref('int_calendar__period_days') }} as period_days
    on counts.local_date = period_days.local_date
where counts.measure = 'active'
    and (
        counts.gap_days is null
        or {{ add_days('counts.local_date', '-counts.gap_days') }} < period_days.period_start
    )
group by
    period_days.grain,
    period_days.period_start,
    counts.dimension,
    counts.segment
