{{ config(materialized='view') }}

-- A tombstone has no content: the row is gone at the source.
select *
from {{ ref('int_finance__newest_fx_rates') }}
where content_hash is not null
