with tickets as (
    select * from {{ source('marts', 'fct_support__tickets') }}
),

clocks as (
    select
        'first_reply' as sla_target,
        first_reply_sla_date as decided_date,
        first_reply_sla_state as sla_state,
        first_reply_sla_priority as priority,
        channel,
        group_name,
        reason
    from tickets
    union all
    select
        'resolution' as sla_target,
        resolution_sla_date as decided_date,
        resolution_sla_state as sla_state,
        resolution_sla_priority as priority,
        channel,
        group_name,
        reason
    from tickets
)

select * from clocks
where decided_date is not null
