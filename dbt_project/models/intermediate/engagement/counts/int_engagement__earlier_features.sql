-- A feature is looked at over 28 days, so that a use before them is as good as none.
with back as (
    select distinct recounted.person_key
    from {{ ref('int_engagement__recounted_days') }} as recounted
    left join {{ ref('int_engagement__moved_actors') }} as moved on recounted.person_key = moved.person_key
    where moved.person_key is null and recounted.has_feature
),

people as (
    select
        actors.actor_key,
        actors.from_date,
        actors.to_date,
        actors.person_key
    from {{ ref('int_identity__actor_people') }} as actors
    inner join back on actors.person_key = back.person_key
),

uses as (
    select
        people.person_key,
        actor_days.event_date,
        {{ explode_column('actor_days.features') }} as feature
    from {{ ref('int_usage__actor_days') }} as actor_days
    inner join people
        on actor_days.actor_key = people.actor_key
        and actor_days.event_date >= people.from_date
        and actor_days.event_date < people.to_date
    where actor_days.event_date >= {{ recount_date('first_day') }}
        and actor_days.event_date >= {{ add_days(recount_date('from_date'), -28) }}
        and actor_days.event_date < {{ recount_date('from_date') }}
        and actor_days.has_feature
)

select
    person_key,
    feature,
    max(event_date) as last_date
from uses
group by person_key, feature
