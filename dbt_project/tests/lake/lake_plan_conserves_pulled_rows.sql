{{ config(
    description='Every row that was pulled has landed or lies in quarantine, per stream and landing day.',
    severity='error',
    meta={'dagster': {'ref': {'name': 'lake_plan'}}, 'owner': 'data-platform', 'subject': 'lake_plan', 'fix': 'Land the day again (make backfill STREAM=… FROM=… TO=…); if it stays, rows get lost between the pull and the gate.'}
) }}

select
    stream,
    landed_date,
    pulled_count,
    landed_count,
    rejected_count
from {{ ref('lake_plan') }}
where is_landed
    and pulled_count <> landed_count + rejected_count
