{%- set columns = [
    'event_date', 'session_key', 'first_at', 'last_at', 'event_count', 'first_event_id', 'anonymous_id', 'user_id',
] %}

-- The islands of the recounted days and of people whose past moved, with the attributes that a session takes from its
-- first island, and a person from its first visit, as in recounted_days.
select
    false as is_former,
    1 as weight,
    people.person_key,
    people.customer_id,
    {%- for column in columns %}
    islands.{{ column }},
    {%- endfor %}
    coalesce(nullif(islands.platform, ''), 'unknown') as platform,
    coalesce(nullif(islands.country, ''), nullif(spans.country, ''), 'unknown') as country,
    coalesce(nullif(islands.plan, ''), nullif(spans.plan, ''), 'unknown') as plan,
    coalesce(
        nullif(islands.acquisition_channel, ''), nullif(spans.acquisition_channel, ''), 'unknown'
    ) as acquisition_channel,
    spans.customer_id is not null as is_attribute_of_customer,
    spans.customer_id is not null
    and (
        nullif(islands.country, '') is null or nullif(islands.plan, '') is null
    ) as is_plan_or_country_of_customer
from {{ ref('int_usage__session_islands') }} as islands
{{ join_people('islands') }}
left join {{ ref('int_customers__attribute_spans') }} as spans
    on case
        when
            nullif(islands.country, '') is null
            or nullif(islands.plan, '') is null
            or nullif(islands.acquisition_channel, '') is null
            then people.customer_id
    end = spans.customer_id
    and islands.event_date >= spans.valid_from_date
    and islands.event_date < spans.valid_to_date
where islands.event_date >= {{ recount_date('from_date') }}
union all
select
    moved.is_former,
    case when moved.is_former then -1 else 1 end as weight,
    moved.person_key,
    moved.customer_id,
    {%- for column in columns %}
    islands.{{ column }},
    {%- endfor %}
    coalesce(nullif(islands.platform, ''), 'unknown') as platform,
    coalesce(nullif(islands.country, ''), nullif(moved.country, ''), 'unknown') as country,
    coalesce(nullif(islands.plan, ''), nullif(moved.plan, ''), 'unknown') as plan,
    coalesce(
        nullif(islands.acquisition_channel, ''), nullif(moved.acquisition_channel, ''), 'unknown'
    ) as acquisition_channel,
    moved.is_customer
    and (
        nullif(islands.country, '') is null
        or nullif(islands.plan, '') is null
        or nullif(islands.acquisition_channel, '') is null
    ) as is_attribute_of_customer,
    moved.is_customer
    and (
        nullif(islands.country, '') is null or nullif(islands.plan, '') is null
    ) as is_plan_or_country_of_customer
from {{ ref('int_usage__session_islands') }} as islands
inner join {{ ref('int_engagement__moved_actors') }} as moved
    on islands.actor_key = moved.actor_key
    and islands.event_date >= moved.from_date
    and islands.event_date < moved.to_date
where islands.event_date >= {{ recount_date('first_day') }}
    and islands.event_date < {{ recount_date('from_date') }}
