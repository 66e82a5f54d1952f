select
    answer_date,
    channel,
    country,
    plan,
    is_good,
    score
from {{ source('warehouse', 'int_feedback__answers') }}
