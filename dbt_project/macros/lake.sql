{#-
    The lake as relations. A model reads exactly the files that the frozen plan names for its stream, never a glob, so
    that a landing during a build cannot tear it.
-#}

{#- The declaration of a stream (from its contract), or none while dbt parses. -#}
{% macro lake_stream(stream) %}
    {%- if execute -%}
        {%- for node in graph.sources.values() if node.source_name == 'lake' and node.name == stream -%}
            {%- do return(node) -%}
        {%- endfor -%}
        {%- do exceptions.raise_compiler_error(
            "The lake has no stream '" ~ stream ~ "': add its contract and write models/staging/_sources.yml anew."
        ) -%}
    {%- endif -%}
    {%- do return(none) -%}
{% endmacro %}

{#- The rows of one column of a query as a list; empty where the relation that guards it is not there yet. -#}
{% macro query_column(sql, guard=none) %}
    {%- if not execute or (guard is not none and load_relation(guard) is none) -%}
        {%- do return([]) -%}
    {%- endif -%}
    {%- do return(run_query(sql).columns[0].values() | list) -%}
{% endmacro %}

{#-
    A FROM item with the rows of a stream, as landed. A stream without files is an empty relation of the declared
    types. Files of several versions of the contract are read by name, and a column that is in none of them is empty.
-#}
{% macro lake_relation(stream) -%}
    {%- set plan = ref('lake_plan') -%}
    {%- set declared = source('lake', stream) -%}
    {%- set node = lake_stream(stream) -%}
    {%- if node is none -%}
        {{ return('lake_' ~ stream) }}
    {%- endif -%}
    {%- set landed -%}
        from {{ plan }} where stream = '{{ stream }}' and is_landed and files <> '[]'
    {%- endset -%}
    {%- set files = [] -%}
    {%- for day_files in query_column('select files ' ~ landed ~ ' order by landed_date', plan) -%}
        {%- do files.extend(fromjson(day_files)) -%}
    {%- endfor -%}
    {%- set empty -%}
        select
        {%- for column in node.columns.values() %}
            cast(null as {{ column.data_type }}) as {{ column.name }}{{ ',' if not loop.last }}
        {%- endfor %}
        where false
    {%- endset -%}
    {%- if not files -%}
        {{ return('(' ~ empty ~ ')') }}
    {%- endif -%}
    {%- set versions = query_column('select distinct contract_version ' ~ landed, plan) -%}
    {%- set is_mixed = versions | length > 1 or versions[0] != node.config.meta.contract_version -%}
    {%- set rows -%}
        select * from read_parquet(
            [
            {%- for file in files %}
                '{{ file | replace("'", "''") }}'{{ ',' if not loop.last }}
            {%- endfor %}
            ],
            hive_partitioning = true, hive_types = {'landed_date': date}{{ ', union_by_name = true' if is_mixed }}
        )
    {%- endset -%}
    {{ return('(' ~ rows ~ (' union all by name ' ~ empty if is_mixed else '') ~ ')') }}
{%- endmacro %}
