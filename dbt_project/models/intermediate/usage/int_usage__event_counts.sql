select
    landed_date,
    cast(sum(landed_rows) as bigint) as landed_rows,
    cast(sum(landed_rows - duplicate_rows) as bigint) as current_rows,
    cast(sum(duplicate_rows) as bigint) as duplicate_rows,
    cast(sum(conflict_rows) as bigint) as conflict_rows
from {{ ref('int_usage__delivery_days') }}
group by landed_date
