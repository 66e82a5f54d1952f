{{ config(materialized='view') }}

-- Islands of all raw actors of a person are joined where they touch, across midnight too. A session of the source is
-- one session of its person, however long its gaps; else a gap of more than thirty minutes starts another. Nearly every
-- island touches no other and is a session by itself: only the others are put in order.
with settings as (
    select reporting_zone
    from {{ ref('int_calendar__settings') }}
),

touching as (
    select islands.*
    from {{ ref('int_engagement__person_islands') }} as islands
    inner join {{ ref('int_engagement__touching_islands') }} as touching
        on islands.person_key = touching.person_key
        and islands.first_at = touching.first_at
        and islands.session_key is not distinct from touching.session_key
),

reached as (
    select
        *,
        max(last_at) over (
            partition by person_key, session_key
            order by first_at asc, first_event_id asc, last_at asc, anonymous_id asc nulls last, user_id asc nulls last
            rows between unbounded preceding and 1 preceding
        ) as reached_at
    from touching
),

marked as (
    select
        *,
        case
            when reached_at is null then 1
            when session_key is not null then 0
            when {{ micros_between('reached_at', 'first_at') }} > 1800000000 then 1
            else 0
        end as is_start
    from reached
),

numbered as (
    select
        *,
        sum(is_start) over (
            partition by person_key, session_key
            order by first_at asc, first_event_id asc, last_at asc, anonymous_id asc nulls last, user_id asc nulls last
            rows between unbounded preceding and current row
        ) as session_number
    from marked
),

joined as (
    select
        person_key,
        session_key,
        min(event_date) as session_date,
        min(first_at) as started_at,
        max(last_at) as last_at,
        cast(sum(event_count) as bigint) as event_count,
        max(platform) filter (where is_start = 1) as platform,
        max(country) filter (where is_start = 1) as country,
        max(plan) filter (where is_start = 1) as plan
    from numbered
    group by person_key, session_key, session_number
    union all
    select
        islands.person_key,
        islands.session_key,
        islands.event_date as session_date,
        islands.first_at as started_at,
        islands.last_at,
        islands.event_count,
        islands.platform,
        islands.country,
        islands.plan
    from {{ ref('int_engagement__person_islands') }} as islands
    left join {{ ref('int_engagement__touching_islands') }} as touching
        on islands.person_key = touching.person_key
        and islands.first_at = touching.first_at
        and islands.session_key is not distinct from touching.session_key
    where touching.person_key is null
        and {{ micros_between('islands.first_at', 'islands.last_at') }} > 86400000000
),

-- cut after 24 hours: the session counts again at its start + k x 24 h as long as it goes on after that instant.
-- Islands that touch no other are so long on a day of 25 hours alone: the rest of them needs no array of parts.
parts as (
    select
        joined.*,
        cut.part
    from joined
    {{ explode_join(
        zero_to(
            'greatest(cast(ceil(' ~ micros_between('joined.started_at', 'joined.last_at') ~ ' / 86400000000.0) as int), 1)'
        ),
        'cut', 'part'
    ) }}
    union all
    select
        islands.person_key,
        islands.session_key,
        islands.event_date as session_date,
        islands.first_at as started_at,
        islands.last_at,
        islands.event_count,
        islands.platform,
        islands.country,
        islands.plan,
        0 as part
    from {{ ref('int_engagement__person_islands') }} as islands
    left join {{ ref('int_engagement__touching_islands') }} as touching
        on islands.person_key = touching.person_key
        and islands.first_at = touching.first_at
        and islands.session_key is not distinct from touching.session_key
    where touching.person_key is null
        and {{ micros_between('islands.first_at', 'islands.last_at') }} <= 86400000000
)

-- the day of the first island is known; only further parts need the calendar, and only empty attributes the customer
select
    parts.person_key,
    parts.session_key,
    cast(parts.part as int) as part,
    {{ add_micros('parts.started_at', 'parts.part * 86400000000') }} as started_at,
    case
        when parts.part = 0 then parts.session_date
        else cast({{ to_local(
            add_micros('parts.started_at', 'parts.part * 86400000000'), 'settings.reporting_zone'
        ) }} as date)
    end as started_date,
    parts.started_at as session_started_at,
    parts.last_at as session_last_at,
    parts.event_count as session_event_count,
    coalesce(nullif(parts.platform, ''), 'unknown') as platform,
    coalesce(nullif(parts.country, ''), nullif(spans.country, ''), 'unknown') as country,
    coalesce(nullif(parts.plan, ''), nullif(spans.plan, ''), 'unknown') as plan
from parts
cross join settings
left join {{ ref('int_identity__people') }} as people
    on case
        when nullif(parts.country, '') is null or nullif(parts.plan, '') is null then parts.person_key
    end = people.person_key
left join {{ ref('int_customers__attribute_spans') }} as spans
    on people.customer_id = spans.customer_id
    and parts.session_date >= spans.valid_from_date
    and parts.session_date < spans.valid_to_date
