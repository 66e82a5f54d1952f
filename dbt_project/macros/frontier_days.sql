{#-
    The frontier by event days, for immutable streams. A landing day touches the event days inside it and those that it
    used to contain; they are cleared and rebuilt from all landings that hold a row of them.
-#}

{#-
    Plans this model's run; call it once, at the top. Returns two conditions on the rows of the staging model:
    `landings` (which landing days to read) and `days` (which event days to rebuild, on a column `event_date`).
-#}
{% macro frontier_days(stream, staging, event_time='occurred_at') %}
    {%- set depends_on = [ref('lake_plan'), ref('profile_settings')] -%}
    {%- if not is_frontier_run() -%}
        {%- do return({'landings': 'true', 'days': 'true'}) -%}
    {%- endif -%}
    {%- do frontier_plan(stream) -%}
    {%- set changed = frontier_landings('is_changed') -%}
    {%- do frontier_scan_days(staging, event_time, changed) -%}
    {%- if not is_incremental() -%}
        {%- do return({'landings': 'true', 'days': 'true'}) -%}
    {%- endif -%}
    {%- set touched = frontier_touched() -%}
    {%- set landings = frontier_landings(
        'is_changed or list_has_any(old_days, (select array_agg(event_date) from ' ~ frontier_temp('touched') ~ '))'
    ) -%}
    {%- do return({
        'landings': in_dates('landed_date', landings if touched else []),
        'days': in_dates('event_date', touched)
    }) -%}
{% endmacro %}

{#-
    One scan of one column of the changed landings: their event days in the reporting zone, and with the days that these
    landings held before, the touched days. One instant per quarter of an hour is converted, which spares a calendar per row.
-#}
{% macro frontier_scan_days(staging, event_time, changed) %}
    {%- set zone = query_column(
        'select value from ' ~ ref('profile_settings') ~ " where section = 'business' and key = 'reporting_zone'",
        ref('profile_settings')
    ) | first -%}
    {%- set sql -%}
        create or replace temp table {{ frontier_temp('days') }} as
        with instants as (
            select distinct
                landed_date,
                {{ quarter_hour(event_time) }} as instant
            from {{ staging }}
            where {{ in_dates('landed_date', changed) }}
        )
        select distinct
            landed_date,
            cast({{ to_local('instant', "'" ~ zone ~ "'") }} as date) as event_date
        from instants
        where instant is not null
    {%- endset -%}
    {%- do run_query(sql) -%}
    {%- do frontier_touched_days() -%}
{% endmacro %}

{#- The event days of the changed landings, now and when they were applied. -#}
{% macro frontier_touched_days() %}
    {%- set sql -%}
        create or replace temp table {{ frontier_temp('touched') }} as
        select event_date from {{ frontier_temp('days') }}
        union
        select unnest(old_days) as event_date from {{ frontier_temp('plan') }} where is_changed
    {%- endset -%}
    {%- do run_query(sql) -%}
{% endmacro %}

{% macro frontier_touched() %}
    {%- do return(query_column(
        'select cast(event_date as varchar) as event_date from ' ~ frontier_temp('touched') ~ ' order by 1'
    )) -%}
{% endmacro %}

{#- Pre-hook: neither engine's incremental strategy removes a day that now has no rows. -#}
{% macro frontier_clear_days() %}
    {%- if is_incremental() -%}
        delete from {{ this }} where event_date in (select event_date from {{ frontier_temp('touched') }})
    {%- endif -%}
{% endmacro %}
