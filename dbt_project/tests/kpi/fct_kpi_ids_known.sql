{{ config(
    description='Every KPI that a domain computes is in the catalogue, and every one that is available and has a whole period is in fct_kpi.',
    severity='error',
    meta={'dagster': {'ref': {'name': 'fct_kpi'}}, 'owner': 'data-platform', 'subject': 'fct_kpi', 'fix': 'Add the row to seeds/kpi_catalogue.csv, or the KPI to the values of its domain.'}
) }}

select distinct
    computed.kpi_id,
    'is computed and not in the catalogue' as finding
from {{ ref('int_kpi__values') }} as computed
left join {{ ref('kpi_catalogue') }} as catalogue on computed.kpi_id = catalogue.kpi_id
where catalogue.kpi_id is null
union all
select
    periods.kpi_id,
    'has a whole period and no row' as finding
from (select distinct kpi_id from {{ ref('int_kpi__periods') }}) as periods
left join (select distinct kpi_id from {{ ref('fct_kpi') }}) as facts on periods.kpi_id = facts.kpi_id
where facts.kpi_id is null
