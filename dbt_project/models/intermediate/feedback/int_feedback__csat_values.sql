-- csat, csat_mean: n is the number of answers.
with

answers as (
    select * from {{ ref('int_feedback__answers') }}
),

segments as (
    select *
    from {{ ref('int_feedback__segments') }}
    where fact = 'answer'
),

segmented as (
    {{ by_dimension('answers', {'channel': 'channel', 'country': 'country', 'plan': 'plan'}) }}
    union all
    {{ by_profile_dimension('answers', 'segments', 'answer_id', 'fact_id') }}
),

totals as (
    select
        period_days.grain,
        period_days.period_start,
        segmented.dimension,
        segmented.segment,
        count(*) filter (where segmented.is_good) as good_count,
        count(*) as answer_count,
        sum(segmented.score) as score_sum,
        count(segmented.score) as score_count
    from segmented
    inner join {{ ref('int_calendar__period_days') }} as period_days on segmented.answer_date = period_days.local_date
    group by period_days.grain, period_days.period_start, segmented.dimension, segmented.segment
),

measured as (
    select
        'csat' as kpi_id,
        grain,
        period_start,
        dimension,
        segment,
        cast(good_count as decimal(28, 6)) as numerator,
        cast(answer_count as decimal(28, 6)) as denominator,
        cast(answer_count as bigint) as n
    from totals
    union all
    select
        'csat_mean' as kpi_id,
        grain,
        period_start,
        dimension,
        segment,
        cast(score_sum as decimal(28, 6)) as numerator,
        cast(score_count as decimal(28, 6)) as denominator,
        cast(score_count as bigint) as n
    from totals
    where score_count > 0
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
from measured
