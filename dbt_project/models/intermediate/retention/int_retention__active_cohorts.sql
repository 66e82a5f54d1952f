-- Who was active first on which day, and on which days and in which weeks after it again. The attributes are those of
-- the person's first visit, so that a person stays in the segment that it came in by.
with

firsts as (
    select
        person_key,
        min(event_date) as first_date
    from {{ ref('int_retention__active_days') }}
    group by person_key
),

ages as (
    select
        firsts.person_key,
        firsts.first_date,
        {{ days_between('firsts.first_date', 'active.event_date') }} as age_days,
        {{ days_between('first_days.week_start', 'days.week_start') }} as age_week_days
    from {{ ref('int_retention__active_days') }} as active
    inner join firsts on active.person_key = firsts.person_key
    inner join {{ ref('int_calendar__days') }} as days on active.event_date = days.local_date
    inner join {{ ref('int_calendar__days') }} as first_days on firsts.first_date = first_days.local_date
)

select
    ages.person_key,
    ages.first_date,
    visits.customer_id,
    visits.visit_date,
    coalesce(visits.acquisition_channel, 'unknown') as acquisition_channel,
    coalesce(visits.plan, 'unknown') as plan,
    coalesce(visits.country, 'unknown') as country,
    bool_or(ages.age_days = 1) as is_back_d1,
    bool_or(ages.age_days = 7) as is_back_d7,
    bool_or(ages.age_days = 14) as is_back_d14,
    bool_or(ages.age_days = 28) as is_back_d28,
    bool_or(ages.age_week_days = 7 * 1) as is_back_w1,
    bool_or(ages.age_week_days = 7 * 4) as is_back_w4,
    bool_or(ages.age_week_days = 7 * 12) as is_back_w12,
    {{ array_set('ages.age_week_days') }} as active_week_days
from ages
left join {{ ref('int_conversion__first_visits') }} as visits on ages.person_key = visits.person_key
group by
    ages.person_key,
    ages.first_date,
    visits.customer_id,
    visits.visit_date,
    coalesce(visits.acquisition_channel, 'unknown'),
    coalesce(visits.plan, 'unknown'),
    coalesce(visits.country, 'unknown')
