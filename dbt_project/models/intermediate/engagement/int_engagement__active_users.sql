-- A person counts on the first of its days within the period: on the one whose day before it lies before the period.
select
    period_days.grain,
    period_days.period_start,
    gap_counts.dimension,
    gap_counts.segment,
    cast(sum(gap_counts.users) as bigint) as users
from {{ ref('int_engagement__gap_counts') }} as gap_counts
inner join {{ ref('int_calendar__period_days') }} as period_days
    on gap_counts.local_date = period_days.local_date
where gap_counts.measure = 'active'
    and (
        gap_counts.gap_days is null
        or {{ add_days('gap_counts.local_date', '-gap_counts.gap_days') }} < period_days.period_start
    )
group by
    period_days.grain,
    period_days.period_start,
    gap_counts.dimension,
    gap_counts.segment
