{%- set most_steps = 8 %}

-- Every first step, and how far it led: each next step is the earliest one at or after the step before it. Earliest is
-- farthest, so nothing needs to be tried out. The window counts from the first step.
with

funnel_steps as (
    select
        cast(key as int) as step,
        value as event_name
    from {{ ref('profile_settings') }}
    where section = 'funnel_step'
),

settings as (
    select cast(max(value) as int) as window_days
    from {{ ref('profile_settings') }}
    where section = 'business' and key = 'funnel_window_days'
),

steps as (
    select distinct
        milestones.person_key,
        milestones.occurred_at,
        funnel_steps.step
    from {{ ref('int_conversion__milestones') }} as milestones
    inner join funnel_steps on milestones.event_name = funnel_steps.event_name
),

-- each step beside the next step's instants: what follows it at or after it
neighbours as (
    select
        person_key,
        step,
        occurred_at,
        true as is_from
    from steps
    union all
    select
        person_key,
        step - 1 as step,
        occurred_at,
        false as is_from
    from steps
    where step > 1
),

followed as (
    select
        person_key,
        step,
        occurred_at,
        is_from,
        min(case when not is_from then occurred_at end) over (
            partition by person_key, step
            order by occurred_at asc
            range between current row and unbounded following
        ) as next_at
    from neighbours
),

links as (
    select
        person_key,
        step,
        occurred_at,
        next_at
    from followed
    where is_from
),

entries as (
    select distinct
        milestones.person_key,
        milestones.customer_id,
        milestones.occurred_at as step_1_at,
        milestones.event_date as entry_date,
        milestones.platform,
        milestones.country,
        milestones.acquisition_channel
    from {{ ref('int_conversion__milestones') }} as milestones
    inner join funnel_steps
        on milestones.event_name = funnel_steps.event_name
        and funnel_steps.step = 1
),

{%- for step in range(1, most_steps) %}

reached_{{ step + 1 }} as (
    select
        reached.*,
        links.next_at as step_{{ step + 1 }}_at
    from {{ 'entries' if step == 1 else 'reached_' ~ step }} as reached
    left join links
        on reached.person_key = links.person_key
        and links.step = {{ step }}
        and reached.step_{{ step }}_at = links.occurred_at
),
{%- endfor %}

instants as (
    select
        person_key,
        customer_id,
        entry_date,
        platform,
        country,
        acquisition_channel,
        step_1_at as entered_at,
        1 as step,
        step_1_at as reached_at
    from entries
    {%- for step in range(2, most_steps + 1) %}
    union all
    select
        person_key,
        customer_id,
        entry_date,
        platform,
        country,
        acquisition_channel,
        step_1_at as entered_at,
        {{ step }} as step,
        step_{{ step }}_at as reached_at
    from reached_{{ most_steps }}
    where step_{{ step }}_at is not null
    {%- endfor %}
)

select
    instants.person_key,
    instants.customer_id,
    instants.entered_at,
    instants.entry_date,
    instants.platform,
    instants.country,
    instants.acquisition_channel,
    instants.step,
    instants.reached_at
from instants
cross join settings
where instants.reached_at
    < {{ add_micros('instants.entered_at', 'settings.window_days * cast(86400000000 as bigint)') }}
