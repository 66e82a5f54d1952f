{{ config(materialized='view') }}

-- The days on which a person did something, each once. It stands for the whole history and is read, not kept.
select distinct
    people.person_key,
    actor_days.event_date
from {{ ref('int_usage__actor_days') }} as actor_days
{{ join_people('actor_days') }}
inner join {{ ref('int_calendar__days') }} as days on actor_days.event_date = days.local_date
where actor_days.qualifying_event_count > 0
