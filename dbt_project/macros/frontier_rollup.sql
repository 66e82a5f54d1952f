{#-
    Roll-ups of the frontier: models by event days over a frontier model by event days, smaller than it. They follow its
    record instead of the lake's plan: what differs from what they applied is what they rebuild, with the same touched
    days, the same hooks and the same record of their own. So they never look at the lake, and never run ahead of the
    rows that they read; a frontier model that was built by another logic touches all its days.
-#}

{#- Plans this model's run; call it once, at the top. Returns the condition on `event_date`: the days to rebuild. -#}
{% macro rollup_days(frontier) %}
    {%- set depends_on = ref('lake_plan') -%}
    {%- if not is_frontier_run() -%}
        {%- do return('true') -%}
    {%- endif -%}
    {%- set sql -%}
        create or replace temp table {{ frontier_temp('plan') }} as
        with upstream as (
            select landed_date, day_version || ' ' || logic_hash as day_version, first_pulled_at, row_count, event_days
            from {{ applied_partitions() }}
            where model = '{{ frontier.identifier }}'
        ),
        applied as (
            select landed_date, day_version, event_days
            from {{ applied_partitions() }}
            where model = '{{ this.identifier }}' and {{ 'true' if is_incremental() else 'false' }}
        )
        select
            coalesce(upstream.landed_date, applied.landed_date) as landed_date,
            upstream.day_version,
            upstream.first_pulled_at,
            upstream.row_count,
            coalesce(upstream.event_days, []) as event_days,
            coalesce(applied.event_days, []) as old_days,
            upstream.day_version is distinct from applied.day_version as is_changed
        from upstream
        full join applied on upstream.landed_date = applied.landed_date
    {%- endset -%}
    {%- do run_query(sql) -%}
    {%- set sql -%}
        create or replace temp table {{ frontier_temp('days') }} as
        select landed_date, unnest(event_days) as event_date from {{ frontier_temp('plan') }} where is_changed
    {%- endset -%}
    {%- do run_query(sql) -%}
    {%- do frontier_touched_days() -%}
    {%- do return(in_dates('event_date', frontier_touched()) if is_incremental() else 'true') -%}
{% endmacro %}
