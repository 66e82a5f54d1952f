select
    ticket_id,
    transition_date
from {{ source('marts', 'fct_support__transitions') }}
where transition = 'solve'
    and not is_merged_away
