-- Islands of all raw actors of a person are joined where they touch, across midnight too. A session of the source is
-- one session of its person, however long its gaps; else a gap of more than thirty minutes starts another.
with settings as (
    select reporting_zone
    from {{ ref('int_calendar__settings') }}
),

people as (
    select
        people.person_id,
        people.person_key,
        people.customer_id
    from {{ ref('int_identity__people') }} as people
    left join {{ ref('int_identity__internal_people') }} as internal_people
        on people.person_id = internal_people.person_id
    where internal_people.person_id is null
),

islands as (
    select
        people.person_key,
        people.customer_id,
        islands.session_id,
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
    {{ join_anonymous_spans('islands') }}
    inner join people
        on {{ person_id('islands') }}
        = people.person_id
),

reached as (
    select
        *,
        max(last_at) over (
            partition by person_key, session_id
            order by first_at asc, first_event_id asc, last_at asc, anonymous_id asc nulls last, user_id asc nulls last
            rows between unbounded preceding and 1 preceding
        ) as reached_at
    from islands
),

marked as (
    select
        *,
        case
            when reached_at is null then 1
            when session_id is not null then 0
            when {{ micros_between('reached_at', 'first_at') }} > 1800000000 then 1
            else 0
        end as is_start
    from reached
),

numbered as (
    select
        *,
        sum(is_start) over (
            partition by person_key, session_id
            order by first_at asc, first_event_id asc, last_at asc, anonymous_id asc nulls last, user_id asc nulls last
            rows between unbounded preceding and current row
        ) as session_number
    from marked
),

joined as (
    select
        person_key,
        customer_id,
        session_id,
        session_number,
        min(first_at) as started_at,
        max(last_at) as last_at,
        sum(event_count) as event_count,
        max(platform) filter (where is_start = 1) as platform,
        max(country) filter (where is_start = 1) as country,
        max(plan) filter (where is_start = 1) as plan
    from numbered
    group by person_key, customer_id, session_id, session_number
),

-- cut after 24 hours: the session counts again at its start + k x 24 h as long as it goes on after that instant
parted as (
    select
        *,
        greatest(cast(ceil({{ micros_between('started_at', 'last_at') }} / 86400000000.0) as int), 1) as part_count
    from joined
),

parts as (
    select
        *,
        0 as part
    from parted
    union all
    select
        parted.*,
        numbers.n as part
    from parted
    inner join {{ integers(5) }} as numbers
        on numbers.n between 1 and parted.part_count - 1
    where parted.part_count > 1
),

dated as (
    select
        parts.person_key,
        parts.customer_id,
        parts.session_id,
        parts.session_number,
        parts.part,
        parts.started_at as session_started_at,
        parts.last_at as session_last_at,
        parts.event_count as session_event_count,
        parts.platform,
        parts.country,
        parts.plan,
        {{ add_micros('parts.started_at', 'parts.part * 86400000000') }} as started_at,
        cast({{ to_local('parts.started_at', 'settings.reporting_zone') }} as date) as session_date,
        cast({{ to_local(
            add_micros('parts.started_at', 'parts.part * 86400000000'), 'settings.reporting_zone'
        ) }} as date) as started_date
    from parts
    cross join settings
)

select
    dated.person_key,
    dated.session_id,
    cast(dated.session_number as bigint) as session_number,
    dated.part,
    dated.started_at,
    dated.started_date,
    dated.session_started_at,
    dated.session_last_at,
    cast(dated.session_event_count as bigint) as session_event_count,
    coalesce(nullif(dated.platform, ''), 'unknown') as platform,
    coalesce(nullif(dated.country, ''), nullif(spans.country, ''), 'unknown') as country,
    coalesce(nullif(dated.plan, ''), nullif(spans.plan, ''), 'unknown') as plan
from dated
left join {{ ref('int_customers__attribute_spans') }} as spans
    on dated.customer_id = spans.customer_id
    and dated.session_date >= spans.valid_from_date
    and dated.session_date < spans.valid_to_date
