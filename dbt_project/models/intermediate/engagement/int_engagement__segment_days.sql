-- Features are folded away before the dimensions are spread out: the spread is over days of people, not over features.
with active as (
    select
        person_key,
        event_date,
        platform,
        country,
        plan,
        bool_or(feature is not null) as has_feature
    from {{ ref('int_engagement__person_days') }}
    where qualifying_event_count > 0
    group by person_key, event_date, platform, country, plan
),

spread as (
    {{ by_dimension('active', {'platform': 'platform', 'country': 'country', 'plan': 'plan'}) }}
)

select
    dimension,
    segment,
    person_key,
    event_date,
    bool_or(has_feature) as has_feature
from spread
group by dimension, segment, person_key, event_date
