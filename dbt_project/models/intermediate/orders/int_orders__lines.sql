-- The lines of the orders that count, in the currency of the order. An order without lines gets one of nothing, so that
-- what is known of the order alone has a line to lie on.
with

accepted as (
    select
        order_id,
        currency
    from {{ ref('int_orders__accepted') }}
)

select
    accepted.order_id,
    coalesce(items.line_id, '-') as line_id,
    items.line_id is not null as is_known,
    items.category,
    accepted.currency,
    cast(coalesce(items.quantity, 0) as bigint) as quantity,
    cast(
        coalesce(cast(items.quantity as decimal(18, 0)) * items.unit_price_amount, 0) as decimal(18, 4)
    ) as gross_amount,
    cast(coalesce(items.discount_amount, 0) as decimal(18, 4)) as line_discount_amount
from accepted
left join {{ ref('int_orders__items') }} as items on accepted.order_id = items.order_id
