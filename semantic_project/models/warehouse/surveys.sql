select
    offered_date,
    channel,
    country,
    plan,
    coalesce(answered_at < {{ add_micros('offered_at', '2592000000000') }}, false) as is_answered_in_30_days
from {{ source('warehouse', 'int_feedback__surveys') }}
where survey = 'csat'
