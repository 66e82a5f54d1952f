{#-
    The frontier by keys, for streams whose rows are versions: the newest version per key by a total order, so that the
    order in which landings are applied does not matter. New and grown landings are merged with the rows that are held
    for their keys; a landing that lost rows may have lost a newest version, so the model is then built from all files.
-#}

{#-
    Landing days that no longer hold all rows that were applied to this model: gone, replaced (their oldest pull is
    another one) or with fewer rows. Pulls that only append leave the oldest pull and add rows.
-#}
{% macro frontier_lost_rows() %}
    {%- do return(query_column(
        "select cast(applied.landed_date as varchar) as landed_date from " ~ applied_partitions() ~ " as applied"
        ~ " left join " ~ ref('lake_plan') ~ " as lake"
        ~ " on lake.stream = '" ~ config.get('meta').stream ~ "' and lake.is_landed"
        ~ " and lake.landed_date = applied.landed_date"
        ~ " where applied.model = '" ~ this.identifier ~ "' and applied.row_count > 0"
        ~ " and (lake.day_version is null or lake.first_pulled_at is distinct from applied.first_pulled_at"
        ~ " or lake.row_count < applied.row_count)"
    )) -%}
{% endmacro %}

{#- The columns of a stream in the order of its contract, then those of the lake. -#}
{% macro lake_columns(stream) %}
    {%- set node = lake_stream(stream) -%}
    {%- do return(node.columns.keys() | list if node else ['landed_date']) -%}
{% endmacro %}

{#-
    The whole body of a frontier model by keys. `key` may hold nullable columns; `merge_key` are those of its columns that
    never are, and what the held rows are replaced by. With `set_key` the newest whole set of rows per set key stands.
-#}
{% macro newest_versions(stream, staging, key, merge_key, version, set_key=none) %}
    {%- set depends_on = ref('lake_plan') -%}
    {%- set columns = lake_columns(stream) | join(',\n        ') -%}
    {%- set landings = 'true' -%}
    {%- if is_frontier_run() -%}
        {%- do frontier_plan(stream) -%}
        {%- if is_incremental() -%}
            {%- set landings = in_dates('landed_date', frontier_landings('is_changed')) -%}
        {%- endif -%}
    {%- endif %}
with landed as (
    select
        {{ columns }}
    from {{ staging }}
    where {{ landings }}
),

{%- if is_incremental() %}

held as (
    select
        {{ columns }}
    from {{ this }}
    where ({{ merge_key | join(', ') }}) in (select ({{ merge_key | join(', ') }}) from landed)
),
{%- endif %}

candidates as (
    select
        {{ columns }}
    from landed
    {%- if is_incremental() %}
    union all
    select
        {{ columns }}
    from held
    {%- endif %}
),

{%- if set_key %}

ranked_sets as (
    select
        {{ columns }},
        rank() over (
            partition by {{ set_key }}
            order by {% for column in version %}{{ column }} desc nulls last{{ ', ' if not loop.last }}{% endfor %}
        ) as set_rank
    from candidates
),
{%- endif %}

ranked as (
    select
        {{ columns }},
        row_number() over (
            partition by {{ key | join(', ') }}
            order by
                {% for column in version %}{{ column }} desc nulls last, {% endfor %}content_hash desc nulls last,
                pulled_at asc
        ) as version_rank
    from {{ 'ranked_sets' if set_key else 'candidates' }}
    {%- if set_key %}
    where set_rank = 1
    {%- endif %}
)

select
        {{ columns }}
from ranked
where version_rank = 1
{% endmacro %}
