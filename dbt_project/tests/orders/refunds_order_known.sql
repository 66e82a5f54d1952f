{{ config(
    description='Refunds whose order is not there; they count, with unknown attributes.',
    severity='warn',
    meta={'dagster': {'ref': {'name': 'int_orders__refunds'}}, 'owner': 'revenue-operations', 'subject': 'refunds', 'fix': 'Look whether orders lack landing days (fct_coverage) and backfill them.'}
) }}

select
    refunds.refund_id,
    refunds.order_id,
    refunds.refunded_at
from {{ ref('int_orders__refunds') }} as refunds
left join {{ ref('int_orders__orders') }} as orders on refunds.order_id = orders.order_id
where orders.order_id is null
