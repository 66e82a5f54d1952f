select
    days.calendar_date,
    spans.net_amount
from {{ ref('days') }} as days
left join {{ source('warehouse', 'int_across__risk_spans') }} as spans
    on days.calendar_date >= spans.from_date
    and days.calendar_date < spans.to_date
