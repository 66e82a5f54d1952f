{%- set dimensions = {'all': "'all'", 'platform': 'platform', 'country': 'country', 'plan': 'plan'} %}

-- One sweep per dimension over the days of each person. A day that stands on several rows has a gap of 0 on all but the
-- first of them, and counts once.
with active as (
    select
        person_days.person_key,
        person_days.event_date,
        person_days.platform,
        person_days.country,
        person_days.plan,
        person_days.has_feature
    from {{ ref('int_engagement__person_days') }} as person_days
    inner join {{ ref('int_calendar__days') }} as days on person_days.event_date = days.local_date
    where person_days.qualifying_event_count > 0
),

{%- for dimension, column in dimensions.items() %}

{{ dimension }}_days as (
    select
        {{ column }} as segment,
        event_date,
        has_feature,
        lag(event_date) over (
            partition by person_key{{ ', ' ~ column if dimension != 'all' }}
            order by event_date asc
        ) as previous_date,
        max(case when has_feature then event_date end) over (
            partition by person_key{{ ', ' ~ column if dimension != 'all' }}
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
        count(*) as row_count
    from {{ dimension }}_days
    group by
        grouping sets (
            (segment, event_date, previous_date),
            (segment, event_date, has_feature, previous_feature_date)
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
        row_count
    from folded
    where is_active_set = 1 or has_feature
)

select
    measure,
    dimension,
    segment,
    local_date,
    gap_days,
    cast(sum(row_count) as bigint) as users
from gaps
where gap_days is null or gap_days > 0
group by measure, dimension, segment, local_date, gap_days
