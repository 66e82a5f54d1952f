select
    tickets.ticket_id,
    tickets.created_date,
    tickets.channel,
    tickets.priority,
    tickets.group_name,
    tickets.reason,
    tickets.country,
    tickets.is_merged_away,
    tickets.is_escalated_in_30_days,
    orders.order_id is not null as is_about_known_order
from {{ source('marts', 'fct_support__tickets') }} as tickets
left join {{ source('marts', 'fct_orders__orders') }} as orders on tickets.order_id = orders.order_id
