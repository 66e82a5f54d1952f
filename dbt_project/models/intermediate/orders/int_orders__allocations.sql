-- Spread by value (unit price x quantity) in hundredths, largest remainder first, so that the shares sum to the amount.
-- An order of no value is spread evenly. All in whole numbers: a share never depends on how an engine rounds.
with

amounts as (
    select * from {{ ref('int_orders__order_amounts') }}
),

lines as (
    select
        order_id,
        line_id,
        is_known,
        gross_amount,
        sum(gross_amount) over (partition by order_id) as order_gross_amount
    from {{ ref('int_orders__lines') }}
),

on_a_line as (
    select
        amounts.kind,
        amounts.source_id
    from amounts
    inner join lines
        on amounts.order_id = lines.order_id
        and amounts.line_id = lines.line_id
        and lines.is_known
),

weighted as (
    select
        amounts.kind,
        amounts.source_id,
        amounts.order_id,
        lines.line_id,
        amounts.amount_date,
        amounts.currency,
        amounts.amount,
        cast(floor(amounts.amount * 100) as decimal(19, 0)) as hundredths,
        cast(
            case
                when lines.order_gross_amount = 0 or on_a_line.source_id is not null then 1
                else lines.gross_amount * 10000
            end as decimal(19, 0)
        ) as weight
    from amounts
    inner join lines on amounts.order_id = lines.order_id
    left join on_a_line
        on amounts.kind = on_a_line.kind
        and amounts.source_id = on_a_line.source_id
    where on_a_line.source_id is null
        or amounts.line_id = lines.line_id
),

divided as (
    select
        *,
        cast(sum(weight) over (partition by kind, source_id) as decimal(19, 0)) as total_weight,
        (hundredths * weight) % cast(sum(weight) over (partition by kind, source_id) as decimal(38, 0)) as remainder
    from weighted
),

floored as (
    select
        *,
        cast(
            round({{ ratio('hundredths * weight - remainder', 'total_weight') }}) as decimal(19, 0)
        ) as whole_hundredths
    from divided
),

ranked as (
    select
        *,
        hundredths - sum(whole_hundredths) over (partition by kind, source_id) as left_over,
        row_number() over (partition by kind, source_id order by remainder desc, line_id) as remainder_rank
    from floored
)

select
    kind,
    source_id,
    order_id,
    line_id,
    amount_date,
    currency,
    cast(
        (whole_hundredths + case when remainder_rank <= left_over then 1 else 0 end) * 0.01
        + case when remainder_rank = 1 then amount - hundredths * 0.01 else 0 end as decimal(18, 4)
    ) as amount
from ranked
