{#-
    What all frontier models share: the record of what each has applied, and the plan of what differs from it.

    A frontier model converges to the lake. At compile it compares the frozen plan with its rows in
    `intermediate.applied_partitions` and keeps the outcome in temporary tables of its connection; the SELECT and the
    hooks of that model use these tables, and never look at the lake again. The record is written in the model's own
    transaction, so both move or neither. Hooks must stay inside the transaction.
    How touched days, keys or people are found does not belong here: see frontier_days.sql, frontier_keys.sql and
    frontier_counts.sql.
-#}

{% macro applied_partitions() -%}
    intermediate.applied_partitions
{%- endmacro %}

{#- Runs at the start of every dbt run. A record of another shape, left by an older version, is begun anew: models that
    have no record are rebuilt. -#}
{% macro create_applied_partitions() %}
    {%- if execute and flags.WHICH in ('run', 'build', 'retry', 'run-operation') -%}
        {%- set columns = {
            'model': 'varchar',
            'stream': 'varchar',
            'landed_date': 'date',
            'day_version': 'varchar',
            'first_pulled_at': 'timestamp',
            'row_count': 'bigint',
            'accounted_rows': 'bigint',
            'logic_hash': 'varchar',
            'event_days': 'date []',
            'applied_at': 'timestamp'
        } -%}
        create schema if not exists intermediate;
        {{ create_control_table(applied_partitions(), columns) }}
    {%- endif -%}
{% endmacro %}

{#- A table of the schema `intermediate` that no model writes; one of another shape is dropped. -#}
{% macro create_control_table(relation, columns) %}
    {%- set held = query_column(
        "select column_name from information_schema.columns where table_schema || '.' || table_name = '"
        ~ relation ~ "' order by ordinal_position"
    ) -%}
    {%- if held and held != columns | list -%}
        drop table {{ relation }};
    {%- endif %}
        create table if not exists {{ relation }} (
            {%- for name, type in columns.items() %}
            {{ name }} {{ type }}{{ ',' if not loop.last }}
            {%- endfor %}
        )
{%- endmacro %}

{#- The answer of a macro that queries, kept with the model while dbt compiles or runs it: hooks and the materialization
    ask several times, and nothing changes in between. -#}
{% macro asked_once(question, answer) %}
    {%- if question not in model -%}
        {%- do model.update({question: answer()}) -%}
    {%- endif -%}
    {%- do return(model[question]) -%}
{% endmacro %}

{#- Whether this compilation is followed by the model's hooks: only then is there a plan. -#}
{% macro is_frontier_run() %}
    {%- do return(
        execute
        and flags.WHICH in ('run', 'build', 'retry')
        and model.resource_type == 'model'
        and load_relation(ref('lake_plan')) is not none
    ) -%}
{% endmacro %}

{% macro has_applied_partitions() %}
    {%- do return(adapter.get_relation(this.database, 'intermediate', 'applied_partitions') is not none) -%}
{% endmacro %}

{#- The name of a temporary table of this model, e.g. its plan. -#}
{% macro frontier_temp(kind) -%}
    temp.frontier_{{ kind }}__{{ this.identifier }}
{%- endmacro %}

{#-
    What the rows of this model depend on beside the lake: its own SQL, the macros that write it, the staging models
    it reads, the settings it names in `meta.settings` and the rows of the seeds in `meta.seeds`. Another value rebuilds it.
-#}
{% macro frontier_logic_hash() %}
    {%- do return(asked_once('frontier_logic_hash', compute_frontier_logic_hash)) -%}
{% endmacro %}

{% macro compute_frontier_logic_hash() %}
    {%- set parts = [model.raw_code, frontier_version()] -%}
    {%- for unique_id in model.depends_on.nodes | sort -%}
        {%- set node = graph.nodes.get(unique_id) -%}
        {%- if node and node.name.startswith('stg_') -%}
            {%- do parts.append(node.raw_code) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set stream = lake_stream(config.get('meta').stream) -%}
    {%- for column in stream.columns.values() -%}
        {%- do parts.append(column.name ~ ' ' ~ column.data_type) -%}
    {%- endfor -%}
    {%- set settings = config.get('meta').get('settings', []) -%}
    {%- if settings -%}
        {%- set rows = query_column(
            "select section || ':' || key || '=' || value as setting from " ~ ref('profile_settings')
            ~ " where section || ':' || key in ('" ~ settings | join("', '") ~ "')"
            ~ " or section in ('" ~ settings | join("', '") ~ "') order by 1",
            ref('profile_settings')
        ) -%}
        {%- do parts.extend(rows) -%}
    {%- endif -%}
    {%- for seed in config.get('meta').get('seeds', []) -%}
        {%- set held = ref('profile_' ~ seed) -%}
        {%- do parts.extend(query_column('select cast(held as varchar) as row_text from ' ~ held ~ ' as held order by 1', held)) -%}
    {%- endfor -%}
    {%- do return(local_md5(parts | join('\n'))) -%}
{% endmacro %}

{#-
    Extends dbt's own macro: a frontier model is also built anew when it has no record of this logic, or when a
    landing day lost rows where rows are merged by key (see frontier_keys.sql). The rebuild is dbt's ordinary full
    refresh: the same SQL into a new table, swapped in within the transaction that writes the record.
-#}
{% macro should_full_refresh() %}
    {%- do return(asked_once('should_full_refresh', decide_full_refresh)) -%}
{% endmacro %}

{% macro decide_full_refresh() %}
    {%- set asked = config.get('full_refresh') -%}
    {%- if asked is none -%}
        {%- set asked = flags.FULL_REFRESH -%}
    {%- endif -%}
    {%- set frontier = (config.get('meta') or {}).get('frontier') -%}
    {%- if frontier == 'counts' and is_count_run() -%}
        {%- do return(counts_are_rebuilt()) -%}
    {%- endif -%}
    {%- if asked or frontier in (none, 'counts') or not is_frontier_run() -%}
        {%- do return(asked) -%}
    {%- endif -%}
    {%- if not has_applied_partitions() -%}
        {%- do return(true) -%}
    {%- endif -%}
    {%- set logic_hashes = query_column(
        'select distinct logic_hash from ' ~ applied_partitions() ~ " where model = '" ~ this.identifier ~ "'"
    ) -%}
    {%- if logic_hashes != [frontier_logic_hash()] -%}
        {%- do return(true) -%}
    {%- endif -%}
    {%- do return(frontier == 'keys' and frontier_lost_rows() | length > 0) -%}
{% endmacro %}

{#-
    Compares the frozen plan with the record. Columns: landed_date, files and what names its content now (NULL where the
    landing is gone), old_days (the event days it had when it was applied), is_changed.
-#}
{% macro frontier_plan(stream) %}
    {%- set sql -%}
        create or replace temp table {{ frontier_temp('plan') }} as
        with lake as (
            select landed_date, files, day_version, first_pulled_at, row_count
            from {{ ref('lake_plan') }}
            where stream = '{{ stream }}' and is_landed
        ),
        applied as (
            {%- if is_incremental() %}
            select landed_date, day_version, event_days
            from {{ applied_partitions() }}
            where model = '{{ this.identifier }}'
            {%- else %}
            select
                cast(null as date) as landed_date,
                cast(null as varchar) as day_version,
                cast(null as date []) as event_days
            where false
            {%- endif %}
        )
        select
            coalesce(lake.landed_date, applied.landed_date) as landed_date,
            lake.files,
            lake.day_version,
            lake.first_pulled_at,
            lake.row_count,
            coalesce(applied.event_days, []) as old_days,
            lake.day_version is distinct from applied.day_version as is_changed
        from lake
        full join applied on lake.landed_date = applied.landed_date
    {%- endset -%}
    {%- do run_query(sql) -%}
{% endmacro %}

{#- Landing days of the plan that a condition holds for, as quoted dates. -#}
{% macro frontier_landings(condition) %}
    {%- do return(query_column(
        "select cast(landed_date as varchar) as landed_date from " ~ frontier_temp('plan')
        ~ " where files <> '[]' and (" ~ condition ~ ') order by 1'
    )) -%}
{% endmacro %}

{#- `column in (date …)`, or a condition that no row meets. -#}
{% macro in_dates(column, dates) -%}
    {%- if dates -%}
        {{ column }} in (date '{{ dates | join("', date '") }}')
    {%- else -%}
        false
    {%- endif -%}
{%- endmacro %}

{#-
    Post-hook of every frontier model: what was applied, from the plan that the SELECT used. `frontier_days` holds the
    event days of the changed landings; models by key have none. They give their staging model and the columns that a
    row is held by instead: `accounted_rows` are the rows of a changed landing whose key stands in the model now.
-#}
{% macro frontier_record(staging=none, keys=none) %}
    {%- if execute -%}
    {%- set is_by_days = config.get('meta').frontier == 'days' -%}
    delete from {{ applied_partitions() }}
    where model = '{{ this.identifier }}'
        and (
            landed_date in (select landed_date from {{ frontier_temp('plan') }} where is_changed)
            or logic_hash <> '{{ frontier_logic_hash() }}'
        );
    insert into {{ applied_partitions() }} (
        model, stream, landed_date, day_version, first_pulled_at, row_count, accounted_rows, logic_hash, event_days,
        applied_at
    )
    select
        '{{ this.identifier }}' as model,
        '{{ config.get('meta').stream }}' as stream,
        plan.landed_date,
        plan.day_version,
        plan.first_pulled_at,
        plan.row_count,
        {%- if is_by_days %}
        cast(null as bigint) as accounted_rows,
        '{{ frontier_logic_hash() }}' as logic_hash,
        coalesce(days.event_days, []) as event_days,
        {%- else %}
        coalesce(accounted.row_count, 0) as accounted_rows,
        '{{ frontier_logic_hash() }}' as logic_hash,
        [] as event_days,
        {%- endif %}
        timestamp '{{ run_started_at.strftime("%Y-%m-%d %H:%M:%S.%f") }}' as applied_at
    from {{ frontier_temp('plan') }} as plan
    {%- if is_by_days %}
    left join (
        select landed_date, array_agg(event_date order by event_date) as event_days
        from {{ frontier_temp('days') }}
        group by landed_date
    ) as days on plan.landed_date = days.landed_date
    {%- else %}
    left join (
        select landed_date, count(*) as row_count
        from {{ staging }}
        where {{ in_dates('landed_date', frontier_landings('is_changed')) }}
            and ({{ keys | join(', ') }}) in (select ({{ keys | join(', ') }}) from {{ this }})
        group by landed_date
    ) as accounted on plan.landed_date = accounted.landed_date
    {%- endif %}
    where plan.is_changed and plan.day_version is not null
    {%- endif -%}
{% endmacro %}
