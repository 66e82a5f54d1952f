{{ config(
    description='The segments of a dimension, unknown included, sum to the total: of additive KPIs, and of those that are additive over segments.',
    severity='error',
    meta={'dagster': {'ref': {'name': 'fct_kpi'}}, 'owner': 'data-platform', 'subject': 'fct_kpi', 'fix': 'Look for rows of the KPI that a join drops or doubles in its domain; a segment must never lose a row for a missing attribute.'}
) }}

with

figures as (
    select
        facts.kpi_id,
        facts.grain,
        facts.period_start,
        facts.dimension,
        sum(facts.numerator) as numerator
    from {{ ref('fct_kpi') }} as facts
    inner join {{ ref('dim_kpi') }} as kpis on facts.kpi_id = kpis.kpi_id
    where kpis.additivity in ('A', 'S')
        and facts.is_complete
        and not (' ' || kpis.non_additive_dimensions || ' ' like '% ' || facts.dimension || ' %')
    group by facts.kpi_id, facts.grain, facts.period_start, facts.dimension
)

select
    segments.kpi_id,
    segments.grain,
    segments.period_start,
    segments.dimension,
    segments.numerator as sum_of_segments,
    totals.numerator as total
from figures as segments
inner join figures as totals
    on segments.kpi_id = totals.kpi_id
    and segments.grain = totals.grain
    and segments.period_start = totals.period_start
    and totals.dimension = 'all'
where segments.numerator is distinct from totals.numerator
