{#-
    The constructs that DuckDB and Spark spell differently, one macro each, and nothing else.
    A model that needs another spelling adds a macro here, with both variants.
-#}

{#- Text at one top-level key of a JSON text column; the key is an expression, and has no quotes in it. -#}
{% macro json_text(column, key) -%}
    {{ return(adapter.dispatch('json_text', 'opsmart')(column, key)) }}
{%- endmacro %}

{% macro default__json_text(column, key) -%}
    json_extract_string({{ column }}, '$."' || {{ key }} || '"')
{%- endmacro %}

{% macro spark__json_text(column, key) -%}
    get_json_object({{ column }}, concat('$[''', {{ key }}, ''']'))
{%- endmacro %}

{#- A naive UTC instant as the wall clock of a zone. The zone is a quoted IANA name or a column. -#}
{% macro to_local(column, zone) -%}
    {{ return(adapter.dispatch('to_local', 'opsmart')(column, zone)) }}
{%- endmacro %}

{#- `make_timestamptz(epoch_us(x))` is `x at time zone 'UTC'` without a calendar per row: a hundred times cheaper. -#}
{% macro default__to_local(column, zone) -%}
    (make_timestamptz(epoch_us({{ column }})) at time zone {{ zone }})
{%- endmacro %}

{% macro spark__to_local(column, zone) -%}
    convert_timezone('UTC', {{ zone }}, {{ column }})
{%- endmacro %}

{#- The local wall clock of a zone as a naive UTC instant. The zone is a quoted IANA name or a column. -#}
{% macro from_local(column, zone) -%}
    {{ return(adapter.dispatch('from_local', 'opsmart')(column, zone)) }}
{%- endmacro %}

{% macro default__from_local(column, zone) -%}
    make_timestamp(epoch_us(cast({{ column }} as timestamp) at time zone {{ zone }}))
{%- endmacro %}

{% macro spark__from_local(column, zone) -%}
    convert_timezone({{ zone }}, 'UTC', cast({{ column }} as timestamp_ntz))
{%- endmacro %}

{#- An instant that carries a zone as a naive UTC instant. -#}
{% macro utc_naive(column) -%}
    {{ return(adapter.dispatch('utc_naive', 'opsmart')(column)) }}
{%- endmacro %}

{% macro default__utc_naive(column) -%}
    make_timestamp(epoch_us({{ column }}))
{%- endmacro %}

{% macro spark__utc_naive(column) -%}
    convert_timezone(current_timezone(), 'UTC', cast({{ column }} as timestamp_ntz))
{%- endmacro %}

{#- Calendar days from a to b. -#}
{% macro days_between(start, finish) -%}
    {{ return(adapter.dispatch('days_between', 'opsmart')(start, finish)) }}
{%- endmacro %}

{% macro default__days_between(start, finish) -%}
    cast(date_diff('day', {{ start }}, {{ finish }}) as int)
{%- endmacro %}

{% macro spark__days_between(start, finish) -%}
    date_diff(cast({{ finish }} as date), cast({{ start }} as date))
{%- endmacro %}

{#- Microseconds from a to b, as bigint. -#}
{% macro micros_between(start, finish) -%}
    {{ return(adapter.dispatch('micros_between', 'opsmart')(start, finish)) }}
{%- endmacro %}

{% macro default__micros_between(start, finish) -%}
    (epoch_us({{ finish }}) - epoch_us({{ start }}))
{%- endmacro %}

{% macro spark__micros_between(start, finish) -%}
    timestampdiff(microsecond, {{ start }}, {{ finish }})
{%- endmacro %}

{#- An instant moved by a number of microseconds (an expression). -#}
{% macro add_micros(column, micros) -%}
    {{ return(adapter.dispatch('add_micros', 'opsmart')(column, micros)) }}
{%- endmacro %}

{% macro default__add_micros(column, micros) -%}
    ({{ column }} + to_microseconds({{ micros }}))
{%- endmacro %}

{% macro spark__add_micros(column, micros) -%}
    timestampadd(microsecond, {{ micros }}, {{ column }})
{%- endmacro %}

{#-
    The start of an instant's quarter of an hour: offsets of zones are whole quarters since 1980, so that it has the same
    local day. An older instant stands for itself.
-#}
{% macro quarter_hour(column) -%}
    {{ return(adapter.dispatch('quarter_hour', 'opsmart')(column)) }}
{%- endmacro %}

{% macro default__quarter_hour(column) -%}
    case
        when {{ column }} < timestamp '1980-01-01' then {{ column }}
        else make_timestamp(epoch_us({{ column }}) // 900000000 * 900000000)
    end
{%- endmacro %}

{% macro spark__quarter_hour(column) -%}
    case
        when {{ column }} < timestamp_ntz '1980-01-01' then {{ column }}
        else timestampadd(
            microsecond,
            timestampdiff(microsecond, timestamp_ntz '1980-01-01', {{ column }}) div 900000000 * 900000000,
            timestamp_ntz '1980-01-01'
        )
    end
{%- endmacro %}

{#- A hash of 64 bits, for narrowing down only: engines differ in it, and two values may share one. -#}
{% macro short_hash(column) -%}
    {{ return(adapter.dispatch('short_hash', 'opsmart')(column)) }}
{%- endmacro %}

{% macro default__short_hash(column) -%}
    hash({{ column }})
{%- endmacro %}

{% macro spark__short_hash(column) -%}
    xxhash64({{ column }})
{%- endmacro %}

{#- A text as a narrow key of 128 bits, as wide as the hashes of people are: it joins and sorts like a number. -#}
{% macro narrow_key(text) -%}
    {{ return(adapter.dispatch('narrow_key', 'opsmart')(text)) }}
{%- endmacro %}

{% macro default__narrow_key(text) -%}
    md5_number({{ text }})
{%- endmacro %}

{% macro spark__narrow_key(text) -%}
    unhex(md5({{ text }}))
{%- endmacro %}

{#- A date moved by a number of days (an expression). -#}
{% macro add_days(column, days) -%}
    {{ return(adapter.dispatch('add_days', 'opsmart')(column, days)) }}
{%- endmacro %}

{% macro default__add_days(column, days) -%}
    ({{ column }} + cast({{ days }} as int))
{%- endmacro %}

{% macro spark__add_days(column, days) -%}
    date_add({{ column }}, cast({{ days }} as int))
{%- endmacro %}

{% macro sha256_hex(expression) -%}
    {{ return(adapter.dispatch('sha256_hex', 'opsmart')(expression)) }}
{%- endmacro %}

{% macro default__sha256_hex(expression) -%}
    sha256({{ expression }})
{%- endmacro %}

{% macro spark__sha256_hex(expression) -%}
    sha2({{ expression }}, 256)
{%- endmacro %}

{#- The elements of an array, joined by commas. -#}
{% macro array_text(expression) -%}
    {{ return(adapter.dispatch('array_text', 'opsmart')(expression)) }}
{%- endmacro %}

{% macro default__array_text(expression) -%}
    array_to_string({{ expression }}, ',')
{%- endmacro %}

{% macro spark__array_text(expression) -%}
    array_join({{ expression }}, ',')
{%- endmacro %}

{#- Aggregate: the sorted distinct values, an empty array for none. -#}
{% macro array_set(column) -%}
    {{ return(adapter.dispatch('array_set', 'opsmart')(column)) }}
{%- endmacro %}

{% macro default__array_set(column) -%}
    coalesce(array_sort(array_distinct(array_agg({{ column }}) filter (where {{ column }} is not null))), [])
{%- endmacro %}

{% macro spark__array_set(column) -%}
    array_sort(collect_set({{ column }}))
{%- endmacro %}

{#- Monday 1 to Sunday 7. -#}
{% macro iso_dow(column) -%}
    {{ return(adapter.dispatch('iso_dow', 'opsmart')(column)) }}
{%- endmacro %}

{% macro default__iso_dow(column) -%}
    cast(isodow({{ column }}) as int)
{%- endmacro %}

{% macro spark__iso_dow(column) -%}
    (weekday({{ column }}) + 1)
{%- endmacro %}

{% macro yyyy_mm(column) -%}
    {{ return(adapter.dispatch('yyyy_mm', 'opsmart')(column)) }}
{%- endmacro %}

{% macro default__yyyy_mm(column) -%}
    strftime({{ column }}, '%Y-%m')
{%- endmacro %}

{% macro spark__yyyy_mm(column) -%}
    date_format({{ column }}, 'yyyy-MM')
{%- endmacro %}

{#- Joins each row with the elements of its array: `from t <explode_join('t.days', 'u', 'day')>`. -#}
{% macro explode_join(expression, alias='u', column='x') -%}
    {{ return(adapter.dispatch('explode_join', 'opsmart')(expression, alias, column)) }}
{%- endmacro %}

{% macro default__explode_join(expression, alias, column) -%}
    cross join unnest({{ expression }}) as {{ alias }} ({{ column }})
{%- endmacro %}

{% macro spark__explode_join(expression, alias, column) -%}
    lateral view explode({{ expression }}) {{ alias }} as {{ column }}
{%- endmacro %}

{#-
    As a column of a SELECT: one row per element of an array, none for an empty one. For an array column of a large table:
    DuckDB joins `explode_join` by the distinct arrays, which cost ten times as much.
-#}
{% macro explode_column(expression) -%}
    {{ return(adapter.dispatch('explode_column', 'opsmart')(expression)) }}
{%- endmacro %}

{% macro default__explode_column(expression) -%}
    unnest({{ expression }})
{%- endmacro %}

{% macro spark__explode_column(expression) -%}
    explode({{ expression }})
{%- endmacro %}

{#- The array of the integers 0 .. count - 1. -#}
{% macro zero_to(count) -%}
    {{ return(adapter.dispatch('zero_to', 'opsmart')(count)) }}
{%- endmacro %}

{% macro default__zero_to(count) -%}
    range({{ count }})
{%- endmacro %}

{% macro spark__zero_to(count) -%}
    sequence(0, {{ count }} - 1)
{%- endmacro %}

{#- A ratio is double and computed last; nothing divided by nothing is nothing. -#}
{% macro ratio(numerator, denominator) -%}
    cast({{ numerator }} as double) / nullif(cast({{ denominator }} as double), 0)
{%- endmacro %}

{#- Integers 0 .. 10^digits - 1 as a FROM item with one column `n`, from cross-joined digits. -#}
{% macro integers(digits=4) -%}
    (
        select cast(
            {%- for i in range(digits) %} d{{ i }}.d * {{ 10 ** i }}{{ ' +' if not loop.last }}{% endfor %} as int
        ) as n
        from
        {%- for i in range(digits) %}
            (values (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)) as d{{ i }} (d){{ ' cross join' if not loop.last }}
        {%- endfor %}
    )
{%- endmacro %}
