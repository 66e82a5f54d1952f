-- Ordered by nothing but numbers: the few islands that this finds are put in their exact order afterwards. One that is
-- longer than a day (of 25 hours) is cut like a session of several.
with islands as (
    select
        is_former,
        person_key,
        session_key,
        first_at,
        last_at
    from {{ ref('int_engagement__recounted_islands') }}
    union all
    select
        false as is_former,
        person_key,
        session_key,
        first_at,
        last_at
    from {{ ref('int_engagement__earlier_islands') }}
),

neighbours as (
    select
        is_former,
        person_key,
        session_key,
        first_at,
        last_at,
        max(last_at) over (
            partition by person_key, session_key, is_former
            order by first_at asc
            rows between unbounded preceding and 1 preceding
        ) as reached_at,
        lead(first_at) over (
            partition by person_key, session_key, is_former
            order by first_at asc
        ) as next_at
    from islands
)

select distinct
    is_former,
    person_key,
    session_key,
    first_at
from neighbours
where (session_key is not null and (reached_at is not null or next_at is not null))
    or {{ micros_between('reached_at', 'first_at') }} <= 1800000000
    or {{ micros_between('greatest(coalesce(reached_at, last_at), last_at)', 'next_at') }} <= 1800000000
    or {{ micros_between('first_at', 'last_at') }} > 86400000000
