-- The week, month and quarter that are under way, as far as their days are published. Nothing here is final: periods
-- that have ended are in fct_kpi. Of a KPI that adds up over time the sum of its days, of a stock the newest day's.
with

newest as (
    select max(local_date) as last_date
    from {{ ref('int_calendar__days') }}
),

starts as (
    select
        grains.grain,
        cast(case grains.grain
            when 'week' then date_trunc('week', newest.last_date)
            when 'month' then date_trunc('month', newest.last_date)
            else date_trunc('quarter', newest.last_date)
        end as date) as period_start,
        newest.last_date
    from newest
    cross join (values ('week'), ('month'), ('quarter')) as grains (grain)
),

open_periods as (
    select
        starts.grain,
        starts.period_start,
        starts.last_date
    from starts
    left join {{ ref('int_calendar__periods') }} as ended
        on starts.grain = ended.grain
        and starts.period_start = ended.period_start
    where ended.period_start is null
),

days as (
    select
        days.kpi_id,
        catalogue.additivity,
        open_periods.grain,
        open_periods.period_start,
        open_periods.last_date,
        days.period_start as local_date,
        days.dimension,
        days.segment,
        days.numerator,
        days.is_complete
    from {{ ref('fct_kpi') }} as days
    inner join {{ ref('kpi_catalogue') }} as catalogue on days.kpi_id = catalogue.kpi_id
    inner join open_periods
        on days.period_start >= open_periods.period_start
        and ' ' || catalogue.grains || ' ' like '% ' || open_periods.grain || ' %'
    where days.grain = 'day'
        and catalogue.kind in ('count', 'amount')
        and catalogue.additivity in ('A', 'S')
),

-- a sum needs every day since the period began, a stock the newest one
known as (
    select
        kpi_id,
        grain,
        period_start,
        case additivity
            when 'A' then count(*) filter (where is_complete) = {{ days_between('period_start', 'last_date') }} + 1
            else coalesce(bool_or(is_complete and local_date = last_date), false)
        end as is_complete
    from days
    where dimension = 'all'
    group by kpi_id, additivity, grain, period_start, last_date
),

amounts as (
    select
        kpi_id,
        grain,
        period_start,
        last_date,
        dimension,
        segment,
        sum(numerator) filter (where additivity = 'A' or local_date = last_date) as amount
    from days
    group by kpi_id, grain, period_start, last_date, dimension, segment
)

select
    amounts.kpi_id,
    amounts.grain,
    amounts.period_start,
    amounts.last_date as through_date,
    amounts.dimension,
    amounts.segment,
    cast(case when known.is_complete then amounts.amount end as decimal(28, 6)) as value_so_far,
    known.is_complete
from amounts
inner join known
    on amounts.kpi_id = known.kpi_id
    and amounts.grain = known.grain
    and amounts.period_start = known.period_start
