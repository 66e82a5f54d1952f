-- The catalogue's lists of streams as rows. `a|b` is either, the first that is configured; `stream:period` narrows the
-- days that are needed of it; an optional stream counts where it is configured.
with

settings as (
    select refunds from {{ ref('int_calendar__settings') }}
),

listed as (
    select
        catalogue.kpi_id,
        true as is_required,
        split_part(catalogue.required_streams, ' ', positions.n) as entry,
        catalogue.lookback
    from {{ ref('kpi_catalogue') }} as catalogue
    cross join (values (1), (2), (3), (4), (5), (6)) as positions (n)
    union all
    select
        catalogue.kpi_id,
        false as is_required,
        split_part(catalogue.optional_streams, ' ', positions.n) as entry,
        catalogue.lookback
    from {{ ref('kpi_catalogue') }} as catalogue
    cross join (values (1), (2), (3), (4), (5), (6)) as positions (n)
),

needed as (
    select
        listed.kpi_id,
        listed.is_required,
        split_part(listed.entry, ':', 1) as alternatives,
        coalesce(nullif(split_part(listed.entry, ':', 2), ''), listed.lookback) as lookback
    from listed
    cross join settings
    where listed.entry <> ''
        -- a company that gives no refunds needs no stream of them
        and not (settings.refunds = 'none' and listed.entry = 'refunds')
),

offered as (
    select
        needed.*,
        positions.n as choice,
        split_part(needed.alternatives, '|', positions.n) as stream
    from needed
    cross join (values (1), (2), (3)) as positions (n)
),

chosen as (
    select
        offered.kpi_id,
        offered.is_required,
        offered.alternatives,
        offered.lookback,
        streams.stream,
        streams.watermark_date,
        streams.settle_days,
        row_number() over (
            partition by offered.kpi_id, offered.alternatives
            order by case when streams.stream is null then 1 else 0 end, offered.choice
        ) as preference
    from offered
    left join {{ ref('int_calendar__streams') }} as streams on offered.stream = streams.stream
    where offered.stream <> ''
)

select
    kpi_id,
    alternatives,
    is_required,
    lookback,
    stream,
    watermark_date,
    settle_days
from chosen
where preference = 1
    and (is_required or stream is not null)
