{{ config(
    description='The shares of the lines sum to the amount of the order that was spread.',
    severity='error',
    meta={'dagster': {'ref': {'name': 'int_orders__allocations'}}, 'owner': 'revenue-operations', 'subject': 'int_orders__allocations', 'fix': 'See int_orders__allocations: an order without a line, or a division that does not come out even.'}
) }}

with

shares as (
    select
        kind,
        source_id,
        sum(amount) as amount
    from {{ ref('int_orders__allocations') }}
    group by kind, source_id
)

select
    amounts.kind,
    amounts.source_id,
    amounts.order_id,
    amounts.amount,
    shares.amount as sum_of_shares
from {{ ref('int_orders__order_amounts') }} as amounts
left join shares
    on amounts.kind = shares.kind
    and amounts.source_id = shares.source_id
where amounts.amount is distinct from shares.amount
