{%- set columns = [
    'event_date', 'session_key', 'first_at', 'last_at', 'event_count', 'first_event_id', 'anonymous_id', 'user_id',
] %}

-- Sessions that were under way when the first recounted day began: those of the source that go on in it, by their key, and
-- people who were there within thirty minutes of it. Their islands are put in order once more, and weigh nothing.
with keyed as (
    select distinct
        person_key,
        session_key
    from {{ ref('int_engagement__recounted_islands') }}
    where session_key is not null and event_date >= {{ recount_date('from_date') }}
),

first_islands as (
    select
        person_key,
        min(first_at) as first_at
    from {{ ref('int_engagement__recounted_islands') }}
    where session_key is null and event_date = {{ recount_date('from_date') }}
    group by person_key
),

people_there as (
    select distinct first_islands.person_key
    from {{ ref('int_usage__session_islands') }} as islands
    {{ join_people('islands') }}
    inner join first_islands on people.person_key = first_islands.person_key
    where islands.event_date >= {{ add_days(recount_date('from_date'), -2) }}
        and islands.event_date < {{ recount_date('from_date') }}
        and islands.session_key is null
        and {{ micros_between('islands.last_at', 'first_islands.first_at') }} <= 1800000000
),

actors as (
    select
        actor_key,
        from_date,
        to_date,
        person_key,
        customer_id
    from {{ ref('int_identity__actor_people') }}
    where person_key not in (select person_key from {{ ref('int_engagement__moved_actors') }})
),

earlier as (
    select
        actors.person_key,
        actors.customer_id,
        islands.platform,
        islands.country,
        islands.plan,
        islands.{{ columns | join(',\n        islands.') }}
    from {{ ref('int_usage__session_islands') }} as islands
    inner join (select distinct session_key from keyed) as keys on islands.session_key = keys.session_key
    inner join actors
        on islands.actor_key = actors.actor_key
        and islands.event_date >= actors.from_date
        and islands.event_date < actors.to_date
    inner join keyed on actors.person_key = keyed.person_key and islands.session_key = keyed.session_key
    where islands.event_date >= {{ recount_date('first_day') }}
        and islands.event_date < {{ recount_date('from_date') }}
    union all
    select
        actors.person_key,
        actors.customer_id,
        islands.platform,
        islands.country,
        islands.plan,
        islands.{{ columns | join(',\n        islands.') }}
    from {{ ref('int_usage__session_islands') }} as islands
    inner join (select * from actors where person_key in (select person_key from people_there)) as actors
        on islands.actor_key = actors.actor_key
        and islands.event_date >= actors.from_date
        and islands.event_date < actors.to_date
    where islands.session_key is null
        and islands.event_date >= {{ recount_date('first_day') }}
        and islands.event_date < {{ recount_date('from_date') }}
)

select
    earlier.person_key,
    {%- for column in columns %}
    earlier.{{ column }},
    {%- endfor %}
    coalesce(nullif(earlier.platform, ''), 'unknown') as platform,
    coalesce(nullif(earlier.country, ''), nullif(spans.country, ''), 'unknown') as country,
    coalesce(nullif(earlier.plan, ''), nullif(spans.plan, ''), 'unknown') as plan
from earlier
left join {{ ref('int_customers__attribute_spans') }} as spans
    on earlier.customer_id = spans.customer_id
    and earlier.event_date >= spans.valid_from_date
    and earlier.event_date < spans.valid_to_date
