{%- set ages = {'d1': 1, 'd7': 7, 'd14': 14, 'd28': 28, 'w1': 7, 'w4': 28, 'w12': 84} %}

-- retention_d*: of all grains, the people of a period's days together; retention_w*: of weeks alone. The built-in
-- dimensions are summed from the kept counts, those of the profile from people.
with

counts as (
    select
        counts.measure,
        counts.dimension,
        counts.segment,
        counts.gap_days,
        case counts.measure
            when 'back_on_day' then {{ add_days('counts.local_date', '-counts.gap_days') }}
            else {{ add_days('days.week_start', '-counts.gap_days') }}
        end as cohort_date,
        counts.amount
    from {{ ref('int_engagement__day_counts') }} as counts
    inner join {{ ref('int_calendar__days') }} as days on counts.local_date = days.local_date
    where counts.measure in ('back_on_day', 'back_in_week')
),

kept_returns as (
    select
        period_days.grain,
        period_days.period_start,
        counts.dimension,
        counts.segment,
        {%- for age, gap_days in ages.items() %}
        coalesce(sum(counts.amount) filter (
            where counts.measure = '{{ 'back_on_day' if age.startswith('d') else 'back_in_week' }}'
            and counts.gap_days = {{ gap_days }}
        ), 0) as back_{{ age }}_count,
        {%- endfor %}
        sum(counts.amount) filter (
            where counts.measure = 'back_on_day' and counts.gap_days = 0
        ) as person_count
    from counts
    inner join {{ ref('int_calendar__period_days') }} as period_days
        on counts.cohort_date = period_days.local_date
        and (counts.measure = 'back_on_day' or period_days.grain = 'week')
    group by period_days.grain, period_days.period_start, counts.dimension, counts.segment
),

segmented as (
    {{ by_customer_dimension(ref('int_retention__active_cohorts'), 'visit_date', "domain = 'retention'") }}
),

returns as (
    select * from kept_returns
    union all
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

shares as (
    {%- for age in ages %}
    select
        'retention_{{ age }}' as kpi_id,
        grain,
        period_start,
        dimension,
        segment,
        cast(back_{{ age }}_count as decimal(28, 6)) as numerator,
        cast(person_count as decimal(28, 6)) as denominator,
        cast(person_count as bigint) as n
    from returns
    {%- if age.startswith('w') %}
    where grain = 'week'
    {%- endif %}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
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
