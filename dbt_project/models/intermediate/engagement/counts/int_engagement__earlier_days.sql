-- The people who come back on a recounted day, and whose past stays as it was counted: of it the sweeps need the last
-- days.
with back as (
    select distinct recounted.person_key
    from {{ ref('int_engagement__recounted_days') }} as recounted
    left join {{ ref('int_engagement__moved_actors') }} as moved on recounted.person_key = moved.person_key
    where moved.person_key is null and recounted.qualifying_event_count > 0
),

people as (
    select
        actors.actor_key,
        actors.from_date,
        actors.to_date,
        actors.person_key,
        actors.customer_id
    from {{ ref('int_identity__actor_people') }} as actors
    inner join back on actors.person_key = back.person_key
),

days as (
    select
        people.person_key,
        actor_days.event_date,
        coalesce(nullif(actor_days.platform, ''), 'unknown') as platform,
        coalesce(nullif(actor_days.country, ''), nullif(spans.country, ''), 'unknown') as country,
        coalesce(nullif(actor_days.plan, ''), nullif(spans.plan, ''), 'unknown') as plan,
        actor_days.has_feature
    from {{ ref('int_usage__actor_days') }} as actor_days
    inner join people
        on actor_days.actor_key = people.actor_key
        and actor_days.event_date >= people.from_date
        and actor_days.event_date < people.to_date
    left join {{ ref('int_customers__attribute_spans') }} as spans
        on case
            when nullif(actor_days.country, '') is null or nullif(actor_days.plan, '') is null then people.customer_id
        end = spans.customer_id
        and actor_days.event_date >= spans.valid_from_date
        and actor_days.event_date < spans.valid_to_date
    where actor_days.event_date >= {{ recount_date('first_day') }}
        and actor_days.event_date < {{ recount_date('from_date') }}
        and actor_days.qualifying_event_count > 0
)

select
    person_key,
    platform,
    country,
    plan,
    max(event_date) as last_date,
    max(case when has_feature then event_date end) as last_feature_date
from days
group by person_key, platform, country, plan
