-- csat_response_rate: of the satisfaction surveys that were offered, those answered within 30 days; n is all of them.
with

offers as (
    select
        response_id,
        offered_date,
        channel,
        country,
        plan,
        case when answered_at < {{ add_micros('offered_at', '2592000000000') }} then 1 else 0 end as answered_count
    from {{ ref('int_feedback__surveys') }}
    where survey = 'csat'
),

segments as (
    select *
    from {{ ref('int_feedback__segments') }}
    where fact = 'survey'
),

segmented as (
    {{ by_dimension('offers', {'channel': 'channel', 'country': 'country', 'plan': 'plan'}) }}
    union all
    {{ by_profile_dimension('offers', 'segments', 'response_id', 'fact_id') }}
),

totals as (
    select
        period_days.grain,
        period_days.period_start,
        segmented.dimension,
        segmented.segment,
        cast(sum(segmented.answered_count) as decimal(28, 6)) as numerator,
        cast(count(*) as decimal(28, 6)) as denominator
    from segmented
    inner join {{ ref('int_calendar__period_days') }} as period_days on segmented.offered_date = period_days.local_date
    group by period_days.grain, period_days.period_start, segmented.dimension, segmented.segment
)

select
    'csat_response_rate' as kpi_id,
    grain,
    period_start,
    dimension,
    segment,
    numerator,
    denominator,
    {{ ratio('numerator', 'denominator') }} as value,
    cast(denominator as bigint) as n
from totals
