with

periods as (
    select
        periods.kpi_id,
        periods.grain,
        periods.period_start,
        periods.is_complete,
        periods.is_mature,
        catalogue.kind,
        ' ' || coalesce(catalogue.total_denominator_dimensions, '') || ' ' as total_denominator_dimensions
    from {{ ref('int_kpi__periods') }} as periods
    inner join {{ ref('kpi_catalogue') }} as catalogue on periods.kpi_id = catalogue.kpi_id
),

computed as (
    select * from {{ ref('int_kpi__values') }}
),

-- A segment is there from its first appearance on, so that a line on a chart has no gaps.
segments as (
    select
        kpi_id,
        grain,
        dimension,
        segment,
        min(period_start) as first_period_start
    from computed
    where dimension <> 'all'
    group by kpi_id, grain, dimension, segment
),

scaffold as (
    select
        periods.*,
        'all' as dimension,
        'all' as segment
    from periods
    union all
    select
        periods.*,
        segments.dimension,
        segments.segment
    from periods
    inner join segments
        on periods.kpi_id = segments.kpi_id
        and periods.grain = segments.grain
        and periods.period_start >= segments.first_period_start
),

totals as (
    select
        kpi_id,
        grain,
        period_start,
        denominator,
        n
    from computed
    where dimension = 'all'
),

-- What is not there is nothing: 0 of a count or an amount, and of a ratio both sides, except where a segment is divided
-- by the total.
filled as (
    select
        scaffold.*,
        case
            when computed.kpi_id is not null then computed.numerator
            when scaffold.kind <> 'percentile' then cast(0 as decimal(28, 6))
        end as numerator,
        case
            when computed.kpi_id is not null then computed.denominator
            when scaffold.kind <> 'ratio' then null
            when scaffold.total_denominator_dimensions like '% ' || scaffold.dimension || ' %'
                then coalesce(totals.denominator, cast(0 as decimal(28, 6)))
            else cast(0 as decimal(28, 6))
        end as denominator,
        computed.kpi_id is not null as is_computed,
        computed.value as computed_value,
        case
            when computed.kpi_id is not null then computed.n
            when scaffold.total_denominator_dimensions like '% ' || scaffold.dimension || ' %'
                then coalesce(totals.n, 0)
            else 0
        end as n
    from scaffold
    left join computed
        on scaffold.kpi_id = computed.kpi_id
        and scaffold.grain = computed.grain
        and scaffold.period_start = computed.period_start
        and scaffold.dimension = computed.dimension
        and scaffold.segment = computed.segment
    left join totals
        on scaffold.kpi_id = totals.kpi_id
        and scaffold.grain = totals.grain
        and scaffold.period_start = totals.period_start
)

select
    kpi_id,
    grain,
    period_start,
    dimension,
    segment,
    cast(case when is_complete then numerator end as decimal(28, 6)) as numerator,
    cast(case when is_complete then denominator end as decimal(28, 6)) as denominator,
    case
        when not is_complete then null
        when is_computed then computed_value
        when kind in ('count', 'amount') then cast(0 as double)
        when kind = 'ratio' then {{ ratio('numerator', 'denominator') }}
    end as value,
    cast(case when is_complete then n end as bigint) as n,
    is_complete,
    is_mature
from filled
