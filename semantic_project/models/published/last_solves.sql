select
    last_solved_date,
    channel,
    priority,
    group_name,
    reason,
    full_resolution_hours
from {{ source('marts', 'fct_support__tickets') }}
where not is_merged_away
    and full_resolution_hours is not null
