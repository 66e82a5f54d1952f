-- By category an order counts in each category that it has a line in; everything else adds up.
with

movements as (
    select * from {{ ref('int_orders__movements') }}
),

placed as (
    select
        order_id,
        order_date as amount_date,
        channel,
        country,
        category
    from {{ ref('int_orders__line_facts') }}
),

segmented_orders as (
    {{ by_dimension('placed', {'channel': 'channel', 'country': 'country', 'category': 'category'}) }}
    union all
    {{ by_profile_dimension('placed', ref('int_orders__segments'), 'order_id') }}
),

segmented_movements as (
    {{ by_dimension('movements', {'channel': 'channel', 'country': 'country', 'category': 'category'}) }}
    union all
    {{ by_profile_dimension('movements', ref('int_orders__segments'), 'order_id') }}
),

orders_placed as (
    select
        amount_date,
        dimension,
        segment,
        count(distinct order_id) as order_count
    from segmented_orders
    group by amount_date, dimension, segment
),

amounts as (
    select
        amount_date,
        dimension,
        segment,
        sum(amount) filter (where kind = 'gross') as gross_amount,
        sum(amount) filter (where kind = 'discount') as discount_amount,
        sum(amount) filter (where kind = 'refund') as refund_amount,
        sum(amount) filter (where kind = 'cancelled') as cancelled_amount,
        sum(amount) filter (where kind in ('refund_in_90_days', 'cancelled_in_90_days')) as lost_in_90_days_amount,
        count(distinct source_id) filter (where kind = 'refund') as refund_count,
        count(distinct source_id) filter (where kind = 'cancelled') as cancelled_count
    from segmented_movements
    group by amount_date, dimension, segment
)

select
    amounts.amount_date,
    amounts.dimension,
    amounts.segment,
    cast(coalesce(orders_placed.order_count, 0) as bigint) as order_count,
    cast(coalesce(amounts.gross_amount, 0) as decimal(28, 6)) as gross_amount,
    cast(coalesce(amounts.discount_amount, 0) as decimal(28, 6)) as discount_amount,
    cast(coalesce(amounts.refund_amount, 0) as decimal(28, 6)) as refund_amount,
    cast(coalesce(amounts.cancelled_amount, 0) as decimal(28, 6)) as cancelled_amount,
    cast(coalesce(amounts.lost_in_90_days_amount, 0) as decimal(28, 6)) as lost_in_90_days_amount,
    cast(amounts.refund_count as bigint) as refund_count,
    cast(amounts.cancelled_count as bigint) as cancelled_count
from amounts
left join orders_placed
    on amounts.amount_date = orders_placed.amount_date
    and amounts.dimension = orders_placed.dimension
    and amounts.segment = orders_placed.segment
