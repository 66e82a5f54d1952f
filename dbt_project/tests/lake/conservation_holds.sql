{{ config(
    description='Every landed row is current, superseded, a duplicate or a tombstone; nothing is lost and nothing doubled.',
    meta={'dagster': {'ref': {'name': 'int_lake__conservation'}}, 'owner': 'data-platform', 'subject': 'int_lake__conservation', 'fix': 'Rebuild the frontier (make rebuild); if the day is still listed, land it again.'}
) }}

select
    stream,
    landed_date,
    landed,
    current,
    superseded,
    duplicate,
    tombstone
from {{ ref('int_lake__conservation') }}
where landed <> current + superseded + duplicate + tombstone
