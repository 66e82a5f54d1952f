select
    subscriptions.calendar_date,
    subscriptions.channel,
    subscriptions.country,
    cast({{ yearly_amount('subscriptions.recurring_interval', 'subscriptions.source_recurring_amount') }}
        as decimal(24, 4)) * rates.rate / 12 as monthly_amount
from {{ ref('running_subscriptions') }} as subscriptions
left join {{ source('warehouse', 'int_orders__rates') }} as rates
    on subscriptions.source_currency = rates.currency
    and subscriptions.calendar_date = rates.local_date
