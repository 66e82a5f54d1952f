{{ config(
    description='Lines whose order is not there; they count nowhere until it comes.',
    severity='warn',
    meta={'dagster': {'ref': {'name': 'int_orders__items'}}, 'owner': 'revenue-operations', 'subject': 'order_items', 'fix': 'Look whether orders lack landing days (fct_coverage) and backfill them.'}
) }}

select
    items.order_id,
    items.line_id
from {{ ref('int_orders__items') }} as items
left join {{ ref('int_orders__orders') }} as orders on items.order_id = orders.order_id
where orders.order_id is null
