-- Active people by the channel that they came in by, and by how long they had not been active: what the engagement
-- counts hold for platform, country and plan. A person keeps its channel, so that its gaps are those of the total.
with gaps as (
    select
        person_key,
        event_date,
        lag(event_date) over (partition by person_key order by event_date asc) as previous_date
    from {{ ref('int_retention__active_days') }}
)

select
    coalesce(visits.acquisition_channel, 'unknown') as acquisition_channel,
    gaps.event_date as local_date,
    {{ days_between('gaps.previous_date', 'gaps.event_date') }} as gap_days,
    cast(count(*) as bigint) as users
from gaps
left join {{ ref('int_conversion__first_visits') }} as visits on gaps.person_key = visits.person_key
group by coalesce(visits.acquisition_channel, 'unknown'), gaps.event_date, gaps.previous_date
