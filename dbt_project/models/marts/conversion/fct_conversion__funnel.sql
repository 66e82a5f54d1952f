-- The funnel of the profile, step by step: funnel_conversion by step, beside the step before.
with

steps as (
    select
        cast(key as int) as step_number,
        value as event_name,
        key || ' ' || value as segment
    from {{ ref('profile_settings') }}
    where section = 'funnel_step'
),

facts as (
    select
        facts.grain,
        facts.period_start,
        steps.step_number,
        steps.event_name,
        facts.numerator,
        facts.denominator,
        lag(facts.numerator) over (
            partition by facts.grain, facts.period_start
            order by steps.step_number
        ) as previous_numerator,
        facts.is_complete,
        facts.is_mature
    from {{ ref('fct_kpi') }} as facts
    inner join steps on facts.segment = steps.segment
    where facts.kpi_id = 'funnel_conversion'
        and facts.dimension = 'step'
)

select
    grain,
    period_start,
    step_number,
    event_name,
    cast(denominator as bigint) as entered_count,
    cast(numerator as bigint) as reached_count,
    {{ ratio('numerator', 'denominator') }} as reached_share,
    {{ ratio('numerator', 'previous_numerator') }} as share_of_previous_step,
    is_complete,
    is_mature
from facts
