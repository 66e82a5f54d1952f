-- Who was active first on which day, and on which days and in which weeks after it again, for the dimensions of a
-- profile: those of the catalogue are summed from int_engagement__day_counts.
with

-- people come before what they did: where no dimension asks for them, no day is read
people as (
    select
        actors.actor_key,
        actors.from_date,
        actors.to_date,
        actors.person_key
    from {{ ref('int_identity__actor_people') }} as actors
    cross join (
        select distinct domain
        from {{ ref('profile_dimensions') }}
        where counted_stream = 'customers' and domain = 'retention'
    ) as asked
),

active as (
    select distinct
        people.person_key,
        actor_days.event_date,
        days.week_start
    from {{ ref('int_usage__actor_days') }} as actor_days
    inner join people
        on actor_days.actor_key = people.actor_key
        and actor_days.event_date >= people.from_date
        and actor_days.event_date < people.to_date
    inner join {{ ref('int_calendar__days') }} as days on actor_days.event_date = days.local_date
    where actor_days.qualifying_event_count > 0
),

ages as (
    select
        visits.person_key,
        visits.customer_id,
        visits.visit_date,
        visits.first_active_date,
        {{ days_between('visits.first_active_date', 'active.event_date') }} as age_days,
        {{ days_between('first_days.week_start', 'active.week_start') }} as age_week_days
    from active
    inner join {{ ref('int_engagement__first_visits') }} as visits on active.person_key = visits.person_key
    inner join {{ ref('int_calendar__days') }} as first_days on visits.first_active_date = first_days.local_date
)

select
    person_key,
    customer_id,
    visit_date,
    first_active_date as first_date,
    bool_or(age_days = 1) as is_back_d1,
    bool_or(age_days = 7) as is_back_d7,
    bool_or(age_days = 14) as is_back_d14,
    bool_or(age_days = 28) as is_back_d28,
    bool_or(age_week_days = 7 * 1) as is_back_w1,
    bool_or(age_week_days = 7 * 4) as is_back_w4,
    bool_or(age_week_days = 7 * 12) as is_back_w12,
    {{ array_set('age_week_days') }} as active_week_days
from ages
group by person_key, customer_id, visit_date, first_active_date
