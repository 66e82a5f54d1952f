{#-
    Stands for the macros that write the frontier (frontier_*.sql, identity.sql, kpi.sql, lake.sql, usage_events.sql, portable.sql). A frontier
    model built under another value is rebuilt. tests/unit/test_frontier_version.py says what to write here.
-#}
{% macro frontier_version() -%}
    {{ return('c2d70e8127e5') }}
{%- endmacro %}
