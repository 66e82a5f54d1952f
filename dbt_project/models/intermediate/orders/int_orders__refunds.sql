{{ config(materialized='view') }}

-- A tombstone has no content: the row is gone at the source.
select *
from {{ ref('int_orders__newest_refunds') }}
where content_hash is not null
