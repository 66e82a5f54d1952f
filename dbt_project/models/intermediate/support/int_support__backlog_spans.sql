-- What is open from the end of one local day to the next change, per segment: created and reopened come, solved and
-- merged away go.
with

movements as (
    select
        ticket_id,
        created_date as movement_date,
        1 as change,
        channel,
        priority,
        group_name,
        reason
    from {{ ref('int_support__accepted') }}
    where not is_excluded
    union all
    select
        ticket_id,
        transition_date as movement_date,
        case transition when 'reopen' then 1 else -1 end as change,
        channel,
        priority,
        group_name,
        reason
    from {{ ref('int_support__transitions') }}
),

segmented as (
    {{ by_dimension('movements', {
        'channel': 'channel', 'priority': 'priority', 'group': 'group_name', 'reason': 'reason'
    }) }}
    union all
    {{ by_profile_dimension('movements', ref('int_support__segments'), 'ticket_id') }}
),

daily as (
    select
        dimension,
        segment,
        movement_date,
        sum(change) as change
    from segmented
    group by dimension, segment, movement_date
)

select
    dimension,
    segment,
    movement_date as from_date,
    lead(movement_date) over (partition by dimension, segment order by movement_date) as to_date,
    cast(
        sum(change) over (
            partition by dimension, segment
            order by movement_date
            rows between unbounded preceding and current row
        ) as bigint
    ) as open_count
from daily
