{#-
    Tables and views of DuckDB, replaced in place: drop and create, in one transaction where the model is SQL.

    dbt's own materializations build beside the old relation, rename twice and drop the backup, so that readers of the
    warehouse always see one. Nobody reads the warehouse while it is built (readers have the publication), and each
    rename is paid in every build. The frontier models do not belong here: they are `incremental`.
-#}

{% macro replace_in_place(target) %}
    {%- set existing = load_cached_relation(target) -%}
    {%- if existing is not none and existing.type == target.type and model['language'] == 'sql' -%}
        {% call statement('drop_existing') -%}
            drop {{ target.type }} if exists {{ target }}
        {%- endcall %}
    {%- elif existing is not none -%}
        {#- a Python model writes by a connection of its own; where the type changes, dbt's memory has to follow -#}
        {%- do adapter.drop_relation(existing) -%}
    {%- endif -%}
{% endmacro %}

{% materialization table, adapter='duckdb', supported_languages=['sql', 'python'] %}
    {%- set target = this.incorporate(type='table') -%}
    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {%- do replace_in_place(target) -%}
    {% call statement('main', language=model['language']) -%}
        {{- create_table_as(False, target, compiled_code, model['language']) -}}
    {%- endcall %}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {%- do persist_docs(target, model) -%}
    {{ adapter.commit() }}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {{ return({'relations': [target]}) }}
{% endmaterialization %}

{% materialization view, adapter='duckdb' %}
    {%- set target = this.incorporate(type='view') -%}
    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {%- do replace_in_place(target) -%}
    {% call statement('main') -%}
        {{- get_create_view_as_sql(target, compiled_code) -}}
    {%- endcall %}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {%- do persist_docs(target, model) -%}
    {{ adapter.commit() }}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {{ return({'relations': [target]}) }}
{% endmaterialization %}
