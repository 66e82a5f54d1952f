-- Which KPIs the profile can feed, how far each is published, and when a cohort of it is mature.
with

newest as (
    select max(watermark_date) as watermark_date from {{ ref('int_calendar__streams') }}
),

wanted as (
    select
        needs.kpi_id,
        needs.watermark_date,
        needs.settle_days,
        case when needs.stream is null then replace(needs.alternatives, '|', ' or ') end as missing_stream,
        case when needs.watermark_date is null then needs.stream end as unlanded_stream,
        case when needs.watermark_date < newest.watermark_date then needs.stream end as late_stream
    from {{ ref('int_kpi__needs') }} as needs
    cross join newest
),

needs as (
    select
        kpi_id,
        {{ array_text(array_set('missing_stream')) }} as missing_streams,
        {{ array_text(array_set('unlanded_stream')) }} as unlanded_streams,
        {{ array_text(array_set('late_stream')) }} as late_streams,
        min(watermark_date) as watermark_date,
        max(settle_days) as settle_days
    from wanted
    group by kpi_id
),

-- An escalation without a time is mature at once.
escalations as (
    select count(*) as timed_count
    from {{ ref('int_support__ticket_facts') }}
    where escalated_at is not null
),

ticket_events as (
    select count(*) as stream_count
    from {{ ref('int_calendar__streams') }}
    where stream = 'ticket_events'
),

-- a setting of [business]; the steps of a funnel are rows of their own
set_settings as (
    select distinct case section when 'funnel_step' then 'funnel' else key end as setting
    from {{ ref('profile_settings') }}
    where section = 'funnel_step'
        or (section = 'business' and value <> '')
),

missing_settings as (
    select
        catalogue.kpi_id,
        catalogue.required_setting as setting
    from {{ ref('kpi_catalogue') }} as catalogue
    left join set_settings on catalogue.required_setting = set_settings.setting
    where catalogue.required_setting <> ''
        and set_settings.setting is null
),

judged as (
    select
        catalogue.kpi_id,
        needs.missing_streams = '' and needs.unlanded_streams = '' and missing_settings.kpi_id is null as is_available,
        missing_settings.setting as missing_setting,
        needs.missing_streams,
        needs.unlanded_streams,
        needs.late_streams,
        needs.watermark_date,
        coalesce(needs.settle_days, 0) as settle_days,
        case
            when not catalogue.is_cohort then 0
            when catalogue.kpi_id = 'escalation_rate'
                and escalations.timed_count = 0
                and ticket_events.stream_count = 0 then 0
            else coalesce(catalogue.cohort_window_days, 0)
        end as cohort_window_days
    from {{ ref('kpi_catalogue') }} as catalogue
    cross join escalations
    cross join ticket_events
    inner join needs on catalogue.kpi_id = needs.kpi_id
    left join missing_settings on catalogue.kpi_id = missing_settings.kpi_id
),

closed as (
    select
        judged.kpi_id,
        max(days.local_date) as last_date
    from judged
    inner join {{ ref('int_calendar__days') }} as days on days.landing_to_date <= judged.watermark_date
    group by judged.kpi_id
)

select
    judged.kpi_id,
    judged.is_available,
    case
        when judged.missing_streams <> '' then 'the profile has no ' || replace(judged.missing_streams, ',', ', ')
        when judged.unlanded_streams <> ''
            then 'no day has landed yet of ' || replace(judged.unlanded_streams, ',', ', ')
        when judged.missing_setting is not null then 'the profile sets no ' || judged.missing_setting
    end as unavailable_reason,
    case when judged.is_available then replace(judged.late_streams, ',', ', ') else '' end as waits_for_streams,
    case when judged.is_available then judged.watermark_date end as watermark_date,
    case when judged.is_available then closed.last_date end as last_date,
    cast(judged.settle_days as int) as settle_days,
    cast(judged.cohort_window_days as int) as cohort_window_days
from judged
left join closed on judged.kpi_id = closed.kpi_id
