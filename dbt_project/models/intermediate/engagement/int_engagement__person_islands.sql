{{ config(materialized='view') }}

select
    people.person_key,
    islands.event_date,
    islands.session_key,
    islands.first_at,
    islands.last_at,
    islands.event_count,
    islands.first_event_id,
    islands.anonymous_id,
    islands.user_id,
    islands.platform,
    islands.country,
    islands.plan
from {{ ref('int_usage__session_islands') }} as islands
{{ join_people('islands') }}
