-- funnel_conversion, time_to_convert_p50 and _p90 (hours). A person counts once per period and segment, by its best
-- entry in it: it reached a step if one of its entries did, and converted as of the first entry that led to the last
-- step.
with

funnel_steps as (
    select
        cast(key as int) as step,
        value as event_name,
        max(cast(key as int)) over () as last_step
    from {{ ref('profile_settings') }}
    where section = 'funnel_step'
),

segmented as (
    {{ by_dimension(ref('int_conversion__funnel_entries'), {
        'platform': 'platform', 'acquisition_channel': 'acquisition_channel', 'country': 'country'
    }) }}
    union all
    {{ by_customer_dimension(ref('int_conversion__funnel_entries'), 'entry_date', "domain = 'conversion'") }}
),

reached as (
    select
        period_days.grain,
        period_days.period_start,
        segmented.dimension,
        segmented.segment,
        segmented.person_key,
        segmented.step,
        min_by({{ micros_between('segmented.entered_at', 'segmented.reached_at') }}, segmented.entered_at) as micros
    from segmented
    inner join {{ ref('int_calendar__period_days') }} as period_days on segmented.entry_date = period_days.local_date
    group by
        period_days.grain,
        period_days.period_start,
        segmented.dimension,
        segmented.segment,
        segmented.person_key,
        segmented.step
),

counts as (
    select
        grain,
        period_start,
        dimension,
        segment,
        step,
        count(*) as person_count,
        cast(percentile_cont(0.5) within group (order by cast(micros as double) / 3600000000) as decimal(18, 6)) as p50,
        cast(percentile_cont(0.9) within group (order by cast(micros as double) / 3600000000) as decimal(18, 6)) as p90
    from reached
    group by grain, period_start, dimension, segment, step
),

-- the segments of the dimension `step` are the steps, of which the last is the total's
conversions as (
    select
        entered.grain,
        entered.period_start,
        entered.dimension,
        entered.segment,
        coalesce(arrived.person_count, 0) as converted_count,
        entered.person_count as entered_count
    from counts as entered
    inner join funnel_steps on funnel_steps.step = funnel_steps.last_step
    left join counts as arrived
        on entered.grain = arrived.grain
        and entered.period_start = arrived.period_start
        and entered.dimension = arrived.dimension
        and entered.segment = arrived.segment
        and funnel_steps.step = arrived.step
    where entered.step = 1
    union all
    select
        entered.grain,
        entered.period_start,
        'step' as dimension,
        cast(funnel_steps.step as string) || ' ' || funnel_steps.event_name as segment,
        coalesce(arrived.person_count, 0) as converted_count,
        entered.person_count as entered_count
    from counts as entered
    cross join funnel_steps
    left join counts as arrived
        on entered.grain = arrived.grain
        and entered.period_start = arrived.period_start
        and arrived.dimension = 'all'
        and funnel_steps.step = arrived.step
    where entered.step = 1
        and entered.dimension = 'all'
),

shares as (
    select
        'funnel_conversion' as kpi_id,
        grain,
        period_start,
        dimension,
        segment,
        cast(converted_count as decimal(28, 6)) as numerator,
        cast(entered_count as decimal(28, 6)) as denominator,
        cast(entered_count as bigint) as n
    from conversions
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
union all
select
    'time_to_convert_' || percentiles.name as kpi_id,
    counts.grain,
    counts.period_start,
    counts.dimension,
    counts.segment,
    cast(null as decimal(28, 6)) as numerator,
    cast(null as decimal(28, 6)) as denominator,
    cast(case percentiles.name when 'p50' then counts.p50 else counts.p90 end as double) as value,
    cast(counts.person_count as bigint) as n
from counts
inner join funnel_steps on counts.step = funnel_steps.last_step and counts.step = funnel_steps.step
cross join (values ('p50'), ('p90')) as percentiles (name)
