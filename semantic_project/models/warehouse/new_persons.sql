-- Persons, and on which days and in which weeks after their first active day they were active again.
with active as (
    select
        visits.person_key,
        visits.first_active_date as first_date,
        visits.acquisition_channel,
        visits.plan,
        visits.country,
        days.event_date,
        cast(date_trunc('week', visits.first_active_date) as date) as first_week_start,
        cast(date_trunc('week', days.event_date) as date) as week_start
    from {{ source('warehouse', 'int_engagement__first_visits') }} as visits
    inner join {{ source('warehouse', 'int_identity__actor_people') }} as people
        on visits.person_key = people.person_key
    inner join {{ source('warehouse', 'int_usage__actor_days') }} as days
        on people.actor_key = days.actor_key
        and days.event_date >= people.from_date
        and days.event_date < people.to_date
    where days.qualifying_event_count > 0
        and visits.first_active_date is not null
)

select
    person_key,
    first_date,
    acquisition_channel,
    plan,
    country,
    bool_or(event_date = first_date + 1) as is_back_d1,
    bool_or(event_date = first_date + 7) as is_back_d7,
    bool_or(event_date = first_date + 14) as is_back_d14,
    bool_or(event_date = first_date + 28) as is_back_d28,
    bool_or(week_start = first_week_start + 7 * 1) as is_back_w1,
    bool_or(week_start = first_week_start + 7 * 4) as is_back_w4,
    bool_or(week_start = first_week_start + 7 * 12) as is_back_w12
from active
group by person_key, first_date, acquisition_channel, plan, country
