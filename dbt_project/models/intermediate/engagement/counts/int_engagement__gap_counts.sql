{%- set dimensions = {'all': "'all'", 'platform': 'platform', 'country': 'country', 'plan': 'plan'} %}

-- One sweep per dimension over the days of each person; those before the recounted ones weigh nothing. A day that
-- stands on several rows has a gap of 0 on all but the first of them, and counts once.
with active as (
    select
        is_former,
        person_key,
        event_date,
        platform,
        country,
        plan,
        has_feature,
        weight
    from {{ ref('int_engagement__recounted_days') }}
    where qualifying_event_count > 0
    union all
    select
        false as is_former,
        person_key,
        last_date as event_date,
        platform,
        country,
        plan,
        false as has_feature,
        0 as weight
    from {{ ref('int_engagement__earlier_days') }}
    union all
    select
        false as is_former,
        person_key,
        last_feature_date as event_date,
        platform,
        country,
        plan,
        true as has_feature,
        0 as weight
    from {{ ref('int_engagement__earlier_days') }}
    where last_feature_date is not null
),

{%- for dimension, column in dimensions.items() %}

{{ dimension }}_days as (
    select
        {{ column }} as segment,
        event_date,
        has_feature,
        weight,
        lag(event_date) over (
            partition by person_key, is_former{{ ', ' ~ column if dimension != 'all' }}
            order by event_date asc
        ) as previous_date,
        max(case when has_feature then event_date end) over (
            partition by person_key, is_former{{ ', ' ~ column if dimension != 'all' }}
            order by event_date asc
            rows between unbounded preceding and 1 preceding
        ) as previous_feature_date
    from active
),
{%- endfor %}

-- folded to a few rows per day and gap before the dimensions meet: once over all days, once over those with a feature
folded as (
    {%- for dimension in dimensions %}
    select
        '{{ dimension }}' as dimension,
        segment,
        event_date,
        has_feature,
        previous_date,
        previous_feature_date,
        grouping(has_feature) as is_active_set,
        weight * count(*) as users
    from {{ dimension }}_days
    where weight <> 0
    group by
        grouping sets (
            (weight, segment, event_date, previous_date),
            (weight, segment, event_date, has_feature, previous_feature_date)
        )
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

gaps as (
    select
        case when is_active_set = 1 then 'active' else 'feature' end as measure,
        dimension,
        segment,
        event_date as local_date,
        case
            when is_active_set = 1 then {{ days_between('previous_date', 'event_date') }}
            else {{ days_between('previous_feature_date', 'event_date') }}
        end as gap_days,
        users
    from folded
    where is_active_set = 1 or has_feature
)

select
    measure,
    dimension,
    segment,
    local_date,
    gap_days,
    cast(sum(users) as bigint) as users
from gaps
where gap_days is null or gap_days > 0
group by measure, dimension, segment, local_date, gap_days
having sum(users) <> 0
