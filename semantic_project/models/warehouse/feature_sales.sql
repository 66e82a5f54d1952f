-- A sale counts on the day and on the 89 after it, as long as its account asked about a feature in the last 90 days.
with sales as (
    select
        covers.from_date,
        covers.to_date,
        sales.amount_date,
        sales.net_amount
    from {{ source('warehouse', 'int_across__feature_accounts') }} as covers
    inner join {{ source('warehouse', 'int_across__account_sales') }} as sales
        on covers.account_id = sales.account_id
    where covers.dimension = 'all'
)

select
    days.calendar_date,
    sales.net_amount
from {{ ref('days') }} as days
left join sales
    on days.calendar_date >= sales.from_date
    and days.calendar_date < sales.to_date
    and days.calendar_date >= sales.amount_date
    and days.calendar_date < {{ add_days('sales.amount_date', 90) }}
