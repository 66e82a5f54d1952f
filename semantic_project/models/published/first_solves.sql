select
    first_solved_date,
    channel,
    priority,
    group_name,
    reason,
    resolution_hours,
    is_reopened_in_30_days,
    is_first_contact
from {{ source('marts', 'fct_support__tickets') }}
where not is_merged_away
    and first_solved_date is not null
