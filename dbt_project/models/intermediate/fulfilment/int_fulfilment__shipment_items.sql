{{ config(materialized='view') }}

-- A tombstone has no content: the row is gone at the source.
select *
from {{ ref('int_fulfilment__newest_shipment_items') }}
where content_hash is not null
