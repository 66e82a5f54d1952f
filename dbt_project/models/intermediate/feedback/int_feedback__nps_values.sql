-- nps: people come with an answer and go with their next one, or after 90 days; a running sum says who is there at
-- the end of a period. n is the number of people.
with

movements as (
    select
        response_id,
        answered_date as movement_date,
        1 as people,
        balance,
        channel,
        country,
        plan
    from {{ ref('int_feedback__recommendations') }}
    union all
    select
        response_id,
        until_date as movement_date,
        -1 as people,
        -balance as balance,
        channel,
        country,
        plan
    from {{ ref('int_feedback__recommendations') }}
),

segments as (
    select *
    from {{ ref('int_feedback__segments') }}
    where fact = 'survey'
),

segmented as (
    {{ by_dimension('movements', {'channel': 'channel', 'country': 'country', 'plan': 'plan'}) }}
    union all
    {{ by_profile_dimension('movements', 'segments', 'response_id', 'fact_id') }}
),

daily as (
    select
        dimension,
        segment,
        movement_date,
        sum(people) as people,
        sum(balance) as balance
    from segmented
    group by dimension, segment, movement_date
),

spans as (
    select
        dimension,
        segment,
        movement_date as from_date,
        lead(movement_date) over (partition by dimension, segment order by movement_date) as to_date,
        sum(people) over (
            partition by dimension, segment
            order by movement_date
            rows between unbounded preceding and current row
        ) as people,
        sum(balance) over (
            partition by dimension, segment
            order by movement_date
            rows between unbounded preceding and current row
        ) as balance
    from daily
),

totals as (
    select
        periods.grain,
        periods.period_start,
        spans.dimension,
        spans.segment,
        cast(100 * spans.balance as decimal(28, 6)) as numerator,
        cast(spans.people as decimal(28, 6)) as denominator
    from {{ ref('int_calendar__periods') }} as periods
    inner join spans
        on periods.last_date >= spans.from_date
        and (spans.to_date is null or periods.last_date < spans.to_date)
)

select
    'nps' as kpi_id,
    grain,
    period_start,
    dimension,
    segment,
    numerator,
    denominator,
    {{ ratio('numerator', 'denominator') }} as value,
    cast(denominator as bigint) as n
from totals
