{{ config(
    description='Landing days before the newest that failed or that nobody asked for: the KPIs that need them have no value.',
    severity='warn',
    meta={'dagster': {'ref': {'name': 'fct_coverage'}}, 'owner': 'data-platform', 'subject': 'fct_coverage', 'fix': 'Read the reason in fct_coverage; land the days (make backfill STREAM=… FROM=… TO=…).'}
) }}

select
    stream,
    landed_date,
    state,
    reason
from {{ ref('fct_coverage') }}
where not is_landed
