-- revenue_per_active_user: net sales of a period by the people who were active in it. Country is the one cut that
-- orders and usage have in common; n is the number of people.
with

sales as (
    select *
    from {{ ref('int_orders__sales_values') }}
    where kpi_id = 'net_sales'
        and dimension in ('all', 'country')
),

active_users as (
    select *
    from {{ ref('int_engagement__active_users') }}
    where dimension in ('all', 'country')
),

joined as (
    select
        coalesce(sales.grain, active_users.grain) as grain,
        coalesce(sales.period_start, active_users.period_start) as period_start,
        coalesce(sales.dimension, active_users.dimension) as dimension,
        coalesce(sales.segment, active_users.segment) as segment,
        cast(coalesce(sales.numerator, 0) as decimal(28, 6)) as numerator,
        cast(coalesce(active_users.users, 0) as decimal(28, 6)) as denominator
    from sales
    full join active_users
        on sales.grain = active_users.grain
        and sales.period_start = active_users.period_start
        and sales.dimension = active_users.dimension
        and sales.segment = active_users.segment
)

select
    'revenue_per_active_user' as kpi_id,
    grain,
    period_start,
    dimension,
    segment,
    numerator,
    denominator,
    {{ ratio('numerator', 'denominator') }} as value,
    cast(denominator as bigint) as n
from joined
