{{ config(
    description='Shipments whose order is not there; they count nowhere until it comes.',
    severity='warn',
    meta={'dagster': {'ref': {'name': 'int_fulfilment__shipments'}}, 'owner': 'operations', 'subject': 'shipments', 'fix': 'Look whether orders lack landing days (fct_coverage) and backfill them.'}
) }}

select
    shipments.shipment_id,
    shipments.order_id,
    shipments.shipped_at
from {{ ref('int_fulfilment__shipments') }} as shipments
left join {{ ref('int_orders__orders') }} as orders on shipments.order_id = orders.order_id
where orders.order_id is null
