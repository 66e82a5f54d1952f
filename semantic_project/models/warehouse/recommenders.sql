select
    days.calendar_date,
    answers.channel,
    answers.country,
    answers.plan,
    answers.balance
from {{ ref('days') }} as days
left join {{ source('warehouse', 'int_feedback__recommendations') }} as answers
    on days.calendar_date >= answers.answered_date
    and days.calendar_date < answers.until_date
