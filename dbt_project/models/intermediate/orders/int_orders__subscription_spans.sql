-- What is running from the end of one local day to the next change, per cell of segments: those of the built-in
-- dimensions together, and within them those of each dimension of the profile. Subscriptions are judged at
-- the ends of periods, which are local midnights, so whole local days say all: running at T means started on a day
-- before T and not stopped on a day before T.
with

lines as (
    select *
    from {{ ref('int_orders__line_facts') }}
    where recurring_interval is not null
        and (stop_date is null or stop_date > start_date)
),

-- One line of an order stands for the order where orders are counted.
marked as (
    select
        *,
        case when row_number() over (partition by order_id order by line_id) = 1 then 1 else 0 end as order_count,
        case
            when row_number() over (partition by order_id, category order by line_id) = 1 then 1 else 0
        end as category_order_count,
        {{ yearly_amount('recurring_interval', 'recurring_amount') }} as yearly_amount
    from lines
),

spread as (
    {{ by_dimension('marked', {}) }}
    union all
    {{ by_profile_dimension('marked', ref('int_orders__segments'), 'order_id') }}
),

changes as (
    select
        dimension,
        segment,
        currency,
        channel,
        country,
        category,
        start_date as change_date,
        order_count,
        category_order_count,
        yearly_amount
    from spread
    union all
    select
        dimension,
        segment,
        currency,
        channel,
        country,
        category,
        stop_date as change_date,
        -order_count as order_count,
        -category_order_count as category_order_count,
        -yearly_amount as yearly_amount
    from spread
    where stop_date is not null
),

daily as (
    select
        dimension,
        segment,
        currency,
        channel,
        country,
        category,
        change_date,
        sum(order_count) as order_count,
        sum(category_order_count) as category_order_count,
        sum(yearly_amount) as yearly_amount
    from changes
    group by dimension, segment, currency, channel, country, category, change_date
)

select
    dimension,
    segment,
    currency,
    channel,
    country,
    category,
    change_date as from_date,
    lead(change_date) over cell as to_date,
    cast(sum(order_count) over running as bigint) as order_count,
    cast(sum(category_order_count) over running as bigint) as category_order_count,
    cast(sum(yearly_amount) over running as decimal(24, 4)) as yearly_amount
from daily
window
    cell as (partition by dimension, segment, currency, channel, country, category order by change_date),
    running as (
        partition by dimension, segment, currency, channel, country, category
        order by change_date
        rows between unbounded preceding and current row
    )
