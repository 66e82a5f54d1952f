with steps as (
    select count(*) as step_count
    from {{ source('plan', 'profile_settings') }}
    where section = 'funnel_step'
)

select
    entries.person_key,
    entries.entry_date,
    entries.platform,
    entries.country,
    entries.acquisition_channel,
    entries.step = steps.step_count as is_last_step
from {{ source('warehouse', 'int_conversion__funnel_entries') }} as entries
cross join steps
