{#-
    The third frontier: counts of people's days (int_engagement__day_counts). They follow the frontier by event days, and
    the map from raw actors to people, which a login changes on days that no landing touches.

    What a day adds to the counts depends on that day and on days before it, never on later ones. So the counts of days
    before the first touched day stay, the rest is counted anew, and of people whose past is now another person's the old
    past is taken off and the new one put on. What was counted is remembered in the transaction that writes the counts:
    the landings (rows of applied_partitions), a copy of the map, and the first visit of every person.
-#}

{% macro counted_people() -%}
    intermediate.counted_people
{%- endmacro %}

{% macro counted_attributes() -%}
    intermediate.counted_attributes
{%- endmacro %}

{% macro counted_visits() -%}
    intermediate.counted_visits
{%- endmacro %}

{#- The columns of what is remembered, with their types. -#}
{% macro counted_columns() %}
    {%- do return({
        counted_people(): {
            'actor_key': 'hugeint', 'from_date': 'date', 'to_date': 'date', 'person_key': 'hugeint', 'customer_id': 'varchar'
        },
        counted_attributes(): {
            'customer_id': 'varchar', 'valid_from_date': 'date', 'valid_to_date': 'date', 'country': 'varchar',
            'plan': 'varchar', 'acquisition_channel': 'varchar'
        },
        counted_visits(): {
            'person_key': 'hugeint', 'customer_id': 'varchar', 'visited_at': 'timestamp', 'visit_date': 'date',
            'first_active_date': 'date', 'platform': 'varchar', 'country': 'varchar', 'plan': 'varchar',
            'acquisition_channel': 'varchar', 'is_attribute_of_customer': 'boolean',
            'is_plan_or_country_of_customer': 'boolean'
        }
    }) -%}
{% endmacro %}

{#- Runs at the start of every dbt run, beside create_applied_partitions: the models that compare find something. What an
    older version remembered in another shape is begun anew: its counts are counted anew too. -#}
{% macro create_counted_tables() %}
    {%- if execute and flags.WHICH in ('run', 'build', 'retry', 'run-operation') -%}
        create schema if not exists intermediate;
        {%- for relation, columns in counted_columns().items() %}
        {{ create_control_table(relation, columns) }};
        {%- endfor %}
    {%- endif -%}
{% endmacro %}

{#- What the counts depend on beside days and map: the models of their folder, and the logic of the frontier they read. -#}
{% macro counts_logic_hash() %}
    {%- set parts = [frontier_version()] -%}
    {%- for node in graph.nodes.values() | selectattr('resource_type', 'equalto', 'model') | sort(attribute='name') -%}
        {%- if node.fqn[-2] == 'counts' -%}
            {%- do parts.append(node.raw_code) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- do parts.extend(query_column(
        'select distinct model || logic_hash as logic from ' ~ applied_partitions()
        ~ " where model in ('int_usage__actor_days', 'int_usage__session_islands') order by 1"
    )) -%}
    {%- do parts.extend(query_column(
        'select value from ' ~ adapter.get_relation(this.database, 'plan', 'profile_settings')
        ~ " where section = 'business' and key = 'first_day'"
    )) -%}
    {%- do return(local_md5(parts | join('\n'))) -%}
{% endmacro %}

{#- Whether this is a build: only then is there something to compare with. -#}
{% macro is_count_run() %}
    {%- do return(execute and flags.WHICH in ('run', 'build', 'retry') and model.resource_type == 'model') -%}
{% endmacro %}

{#- Whether all is counted anew: the same answer for the model that plans and the one that keeps the counts. -#}
{% macro counts_are_rebuilt() %}
    {%- if not is_count_run() or flags.FULL_REFRESH or not has_applied_partitions() -%}
        {%- do return(true) -%}
    {%- endif -%}
    {%- if adapter.get_relation(this.database, 'intermediate', 'int_engagement__day_counts') is none -%}
        {%- do return(true) -%}
    {%- endif -%}
    {%- do return(query_column(
        'select distinct logic_hash from ' ~ applied_partitions() ~ " where model = 'int_engagement__day_counts'"
    ) != [counts_logic_hash()]) -%}
{% endmacro %}

{#- A date of the plan of this count, as a literal where the plan stands, so that files and row groups are skipped. -#}
{% macro recount_date(column) %}
    {%- set plan = ref('int_engagement__recount') -%}
    {%- if is_count_run() -%}
        {%- set dates = query_column('select cast(' ~ column ~ ' as varchar) as day from ' ~ plan, plan) -%}
        {%- do return("date '" ~ dates[0] ~ "'") -%}
    {%- endif -%}
    {%- do return('(select ' ~ column ~ ' from ' ~ plan ~ ')') -%}
{% endmacro %}

{#- Whether the plan starts from the counts as they are held. Not, where one of the two was built alone a second time. -#}
{% macro recount_applies() %}
    {%- set plan = ref('int_engagement__recount') -%}
    {%- if not is_count_run() -%}
        {%- do return(true) -%}
    {%- endif -%}
    {%- set planned = query_column('select cast(counted_at as varchar) as counted_at from ' ~ plan, plan) -%}
    {%- set held = [none] -%}
    {%- if is_incremental() -%}
        {%- set held = query_column(
            'select cast(max(applied_at) as varchar) as counted_at from ' ~ applied_partitions()
            ~ " where model = 'int_engagement__day_counts'"
        ) -%}
    {%- endif -%}
    {%- if planned == held -%}
        {%- do return(true) -%}
    {%- endif -%}
    {%- if not is_incremental() -%}
        {%- do exceptions.raise_compiler_error(
            'The counts cannot be built anew alone: build +int_engagement__day_counts, which plans them anew too.'
        ) -%}
    {%- endif -%}
    {%- do return(false) -%}
{% endmacro %}

{#- Post-hook: what was counted. Nothing, where the plan did not apply: the counts are as they were. -#}
{% macro counts_record() %}
    {%- if execute and recount_applies() -%}
        delete from {{ applied_partitions() }} where model = '{{ this.identifier }}';
        insert into {{ applied_partitions() }} (
            model, stream, landed_date, day_version, first_pulled_at, row_count, logic_hash, event_days, applied_at
        )
        select
            '{{ this.identifier }}' as model,
            stream,
            landed_date,
            day_version,
            first_pulled_at,
            row_count,
            '{{ counts_logic_hash() }}' as logic_hash,
            event_days,
            timestamp '{{ run_started_at.strftime("%Y-%m-%d %H:%M:%S.%f") }}' as applied_at
        from {{ applied_partitions() }}
        where model = 'int_usage__actor_days';
        {%- set sources = {
            counted_people(): ref('int_identity__actor_people'),
            counted_attributes(): ref('int_customers__attribute_spans'),
            counted_visits(): ref('int_engagement__first_visits')
        } -%}
        {%- for relation, columns in counted_columns().items() %}
        create or replace table {{ relation }} as
        select {{ columns | join(', ') }}
        from {{ sources[relation] }}{{ ';' if not loop.last }}
        {%- endfor %}
    {%- endif -%}
{% endmacro %}

{#- The strategy of the counts: few rows, which hold what is kept as well. -#}
{% macro get_incremental_replace_sql(arguments) %}
    {%- set columns = get_quoted_csv(arguments['dest_columns'] | map(attribute='name')) -%}
    delete from {{ arguments['target_relation'] }};
    insert into {{ arguments['target_relation'] }} ({{ columns }})
    select {{ columns }} from {{ arguments['temp_relation'] }}
{% endmacro %}
