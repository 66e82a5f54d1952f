-- Nearly every island touches no other and is a session by itself.
with parts as (
    select
        event_date,
        started_date,
        platform,
        country,
        plan,
        session_count,
        event_count
    from {{ ref('int_engagement__session_parts') }}
    union all
    select
        islands.event_date,
        islands.event_date as started_date,
        islands.platform,
        islands.country,
        islands.plan,
        islands.weight as session_count,
        islands.weight * islands.event_count as event_count
    from {{ ref('int_engagement__recounted_islands') }} as islands
    left join {{ ref('int_engagement__touching_islands') }} as touching
        on islands.person_key = touching.person_key
        and islands.first_at = touching.first_at
        and islands.is_former = touching.is_former
        and islands.session_key is not distinct from touching.session_key
    where touching.person_key is null
)

select
    event_date,
    started_date,
    platform,
    country,
    plan,
    cast(sum(session_count) as bigint) as session_count,
    cast(sum(event_count) as bigint) as event_count
from parts
group by event_date, started_date, platform, country, plan
