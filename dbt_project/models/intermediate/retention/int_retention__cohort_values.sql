{%- set ages = ['d1', 'd7', 'd14', 'd28', 'w1', 'w4', 'w12'] %}

-- retention_d*: of all grains, the people of a period's days together; retention_w*: of weeks alone.
with

segmented as (
    {{ by_dimension(ref('int_retention__active_cohorts'), {
        'acquisition_channel': 'acquisition_channel', 'plan': 'plan', 'country': 'country'
    }) }}
    union all
    {{ by_customer_dimension(ref('int_retention__active_cohorts'), 'visit_date', "domain = 'retention'") }}
),

returns as (
    select
        period_days.grain,
        period_days.period_start,
        segmented.dimension,
        segmented.segment,
        {%- for age in ages %}
        count(*) filter (where segmented.is_back_{{ age }}) as back_{{ age }}_count,
        {%- endfor %}
        count(*) as person_count
    from segmented
    inner join {{ ref('int_calendar__period_days') }} as period_days on segmented.first_date = period_days.local_date
    group by period_days.grain, period_days.period_start, segmented.dimension, segmented.segment
),

counts as (
    {%- for age in ages %}
    select
        '{{ age }}' as age,
        grain,
        period_start,
        dimension,
        segment,
        back_{{ age }}_count as back_count,
        person_count
    from returns
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

shares as (
    select
        'retention_' || counts.age as kpi_id,
        counts.grain,
        counts.period_start,
        counts.dimension,
        counts.segment,
        cast(counts.back_count as decimal(28, 6)) as numerator,
        cast(counts.person_count as decimal(28, 6)) as denominator,
        cast(counts.person_count as bigint) as n
    from counts
    where counts.age like 'd%'
        or counts.grain = 'week'
)

select
    kpi_id,
    grain,
    period_start,
    dimension,
    segment,
    numerator,
    denominator,
    {{ ratio('numerator', 'denominator') }} as value,
    n
from shares
