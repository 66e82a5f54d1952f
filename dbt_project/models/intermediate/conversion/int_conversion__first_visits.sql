-- The first session ever of each person: where it happened, and what was known of the person then.
with islands as (
    select
        people.person_key,
        people.customer_id,
        islands.event_date,
        islands.first_at,
        islands.first_event_id,
        islands.platform,
        islands.country,
        islands.plan,
        islands.acquisition_channel
    from {{ ref('int_usage__session_islands') }} as islands
    {{ join_people('islands') }}
),

first_instants as (
    select
        person_key,
        min(first_at) as visited_at
    from islands
    group by person_key
),

-- two islands may begin at one instant: the lower event id is the first
firsts as (
    select
        islands.person_key,
        min(islands.customer_id) as customer_id,
        first_instants.visited_at,
        min(islands.event_date) as visit_date,
        min_by(coalesce(islands.platform, ''), islands.first_event_id) as platform,
        min_by(coalesce(islands.country, ''), islands.first_event_id) as country,
        min_by(coalesce(islands.plan, ''), islands.first_event_id) as plan,
        min_by(coalesce(islands.acquisition_channel, ''), islands.first_event_id) as acquisition_channel
    from islands
    inner join first_instants
        on islands.person_key = first_instants.person_key
        and islands.first_at = first_instants.visited_at
    group by islands.person_key, first_instants.visited_at
)

select
    firsts.person_key,
    firsts.customer_id,
    firsts.visited_at,
    firsts.visit_date,
    coalesce(nullif(firsts.platform, ''), 'unknown') as platform,
    coalesce(nullif(firsts.country, ''), nullif(spans.country, ''), 'unknown') as country,
    coalesce(nullif(firsts.plan, ''), nullif(spans.plan, ''), 'unknown') as plan,
    coalesce(
        nullif(firsts.acquisition_channel, ''), nullif(spans.acquisition_channel, ''), 'unknown'
    ) as acquisition_channel,
    spans.customer_id is not null
    and (firsts.country = '' or firsts.plan = '' or firsts.acquisition_channel = '') as is_attribute_of_customer,
    spans.customer_id is not null
    and (firsts.country = '' or firsts.plan = '') as is_plan_or_country_of_customer
from firsts
{{ join_customer_spans('firsts', 'visit_date') }}
