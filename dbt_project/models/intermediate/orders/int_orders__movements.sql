-- Every amount on the day that it counts, in the reporting currency at the rate of that day; those of the cohort of an
-- order (`…_in_90_days`) stand beside the others, on the order date. Each is rounded once, when
-- it is converted, to a millionth: from here on all sums are exact, over lines, segments and days.
with

accepted as (
    select * from {{ ref('int_orders__accepted') }}
),

lines as (
    select * from {{ ref('int_orders__lines') }}
),

amounts as (
    select
        'gross' as kind,
        lines.order_id as source_id,
        lines.order_id,
        lines.line_id,
        accepted.order_date as amount_date,
        lines.currency,
        lines.gross_amount as amount
    from lines
    inner join accepted on lines.order_id = accepted.order_id
    where accepted.is_known
    union all
    select
        'discount' as kind,
        lines.order_id as source_id,
        lines.order_id,
        lines.line_id,
        accepted.order_date as amount_date,
        lines.currency,
        lines.line_discount_amount as amount
    from lines
    inner join accepted on lines.order_id = accepted.order_id
    where lines.line_discount_amount <> 0
    union all
    select
        kind,
        source_id,
        order_id,
        line_id,
        amount_date,
        currency,
        amount
    from {{ ref('int_orders__allocations') }}
    where kind <> 'recurring'
),

summed as (
    select
        kind,
        source_id,
        order_id,
        line_id,
        amount_date,
        currency,
        cast(sum(amount) as decimal(18, 4)) as amount
    from amounts
    group by kind, source_id, order_id, line_id, amount_date, currency
)

select
    summed.kind,
    summed.source_id,
    summed.order_id,
    summed.line_id,
    summed.amount_date,
    accepted.channel,
    accepted.country,
    lines.category,
    summed.currency,
    summed.amount as source_amount,
    rates.rate_date,
    rates.rate,
    cast(summed.amount * rates.rate as decimal(28, 6)) as amount
from summed
inner join accepted on summed.order_id = accepted.order_id
inner join lines
    on summed.order_id = lines.order_id
    and summed.line_id = lines.line_id
left join {{ ref('int_orders__rates') }} as rates
    on summed.currency = rates.currency
    and summed.amount_date = rates.local_date
