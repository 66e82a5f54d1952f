select
    period_days.grain,
    period_days.period_start,
    segment_days.dimension,
    segment_days.segment,
    cast(count(distinct segment_days.person_key) as bigint) as users
from {{ ref('int_engagement__segment_days') }} as segment_days
inner join {{ ref('int_calendar__period_days') }} as period_days
    on segment_days.event_date = period_days.local_date
group by
    period_days.grain,
    period_days.period_start,
    segment_days.dimension,
    segment_days.segment
