select
    first_replied_date,
    channel,
    priority,
    group_name,
    reason,
    first_reply_minutes,
    first_reply_business_minutes
from {{ source('marts', 'fct_support__tickets') }}
where not is_merged_away
    and first_replied_date is not null
