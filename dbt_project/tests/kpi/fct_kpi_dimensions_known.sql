{{ config(
    description='Every dimension of a KPI is one that its catalogue row names.',
    severity='error',
    meta={'dagster': {'ref': {'name': 'fct_kpi'}}, 'owner': 'data-platform', 'subject': 'fct_kpi', 'fix': 'Give the KPI the dimension in its domain, or take it out of seeds/kpi_catalogue.csv.'}
) }}

with

present as (
    select distinct
        kpi_id,
        dimension
    from {{ ref('fct_kpi') }}
    where dimension <> 'all'
)

select
    present.kpi_id,
    present.dimension,
    kpis.dimensions
from present
inner join {{ ref('dim_kpi') }} as kpis on present.kpi_id = kpis.kpi_id
where not (' ' || kpis.dimensions || ' ' like '% ' || present.dimension || ' %')
