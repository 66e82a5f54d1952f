{{ config(materialized='view') }}

-- A tombstone has no content: the row is gone at the source.
select *
from {{ ref('int_fulfilment__newest_shipments') }}
where content_hash is not null
