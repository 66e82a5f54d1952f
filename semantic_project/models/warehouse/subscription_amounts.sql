with subscriptions as (
    select
        *,
        {{ yearly_amount('recurring_interval', 'source_recurring_amount') }} as yearly_amount
    from {{ ref('running_subscriptions') }}
)

select
    subscriptions.calendar_date,
    subscriptions.channel,
    subscriptions.country,
    subscriptions.yearly_amount * rates.rate / 12 as monthly_amount
from subscriptions
left join {{ source('warehouse', 'int_orders__rates') }} as rates
    on subscriptions.source_currency = rates.currency
    and subscriptions.calendar_date = rates.local_date
