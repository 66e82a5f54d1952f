select
    kpi_id,
    member,
    entry_date,
    platform,
    country,
    acquisition_channel,
    is_followed
from {{ source('warehouse', 'int_conversion__cohorts') }}
