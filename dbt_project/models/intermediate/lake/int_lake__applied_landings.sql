{{ config(materialized='view') }}

-- The record of the frontier models is no model itself: it is written in their own transactions.
select
    stream,
    landed_date,
    row_count,
    accounted_rows
from {{ applied_partitions() }}
where accounted_rows is not null
