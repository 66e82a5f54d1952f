{{ config(
    description='Units in a shipment that is not there, or of a line that is not there; they count nowhere until it comes.',
    severity='warn',
    meta={'dagster': {'ref': {'name': 'int_fulfilment__shipment_items'}}, 'owner': 'operations', 'subject': 'shipment_items', 'fix': 'Look whether shipments or order_items lack landing days (fct_coverage) and backfill them.'}
) }}

with

-- without the stream no link can be told to be broken
configured as (
    select stream from {{ ref('int_calendar__streams') }}
    where stream = 'order_items'
)

select
    contents.shipment_id,
    contents.order_id,
    contents.line_id
from {{ ref('int_fulfilment__shipment_items') }} as contents
left join {{ ref('int_fulfilment__shipments') }} as shipments on contents.shipment_id = shipments.shipment_id
left join {{ ref('int_orders__items') }} as lines
    on contents.order_id = lines.order_id
    and contents.line_id = lines.line_id
cross join configured
where shipments.shipment_id is null
    or lines.line_id is null
