{#-
    Stands for the macros that write the frontier (frontier_*.sql, identity.sql, kpi.sql, lake.sql, usage_events.sql, portable.sql). A frontier
    model built under another value is rebuilt. tests/unit/test_frontier_version.py says what to write here.
-#}
{% macro frontier_version() -%}
    {{ return('3b48b9e23cd3') }}
{%- endmacro %}
