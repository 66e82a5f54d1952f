"""What the KPI catalogue (docs/kpis.md) makes of TPC-H's tables, in SQL over TPC-H's own columns.

`lines` has a row per line of an order that the profile takes; what is received after the last day has not been received
yet. Each measure is a day and two sums: a period's numerator and denominator are the sums over its days.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import duckdb

FIRST_DAY, LAST_DAY = date(1993, 7, 1), date(1994, 6, 30)
GRAINS = ("day", "week", "month", "quarter")
Cell = tuple[str, str, date, str, str]  # (KPI, grain, first day of the period, dimension, segment)
Amounts = tuple[Decimal | None, Decimal | None]


@dataclass(frozen=True)
class Measure:
    """Two sums over the rows of a table, by a day of each row and by dimensions."""

    table: str
    day: str
    numerator: str
    denominator: str = "null"
    dimensions: tuple[str, ...] = ("channel", "country", "category")


ON_ITS_WAY = ("carrier", "warehouse", "country")
COUNT = "count(distinct l_orderkey)"

MEASURES = {
    "orders": Measure("lines", "o_orderdate", COUNT),
    # query 1: sum_base_price and sum_disc_price, there by ship date
    "gmv": Measure("lines", "o_orderdate", "sum(l_extendedprice)"),
    "aov": Measure("lines", "o_orderdate", "sum(l_extendedprice * (1 - l_discount))", COUNT),
    # query 10: revenue lost by returned lines, there by order date. Here lost on the day of the receipt, …
    "net_sales": Measure("movements", "moved_on", "sum(sold - returned)"),
    "refund_rate": Measure("movements", "moved_on", "sum(returned)", "sum(gross)"),
    # … and here by order date, as far as the line was received within 90 days (half-open)
    "net_sales_cohort_90d": Measure(
        "lines",
        "o_orderdate",
        "sum(l_extendedprice * (1 - l_discount) * case when is_returned and l_receiptdate < o_orderdate + 90 then 0 else 1 end)",
    ),
    "return_rate": Measure(
        "lines",
        "case when is_received then l_receiptdate end",
        "coalesce(sum(l_quantity) filter (is_returned), 0)",
        "sum(l_quantity)",
    ),
    # query 4 counts orders of which a line is late by its own commit date; an order has one promise, the last of these
    "on_time_delivery": Measure(
        "deliveries", "promised_on", "count(*) filter (received_on <= promised_on)", "count(*)", ON_ITS_WAY
    ),
    "otif": Measure(
        "deliveries",
        "promised_on",
        "count(*) filter (received_on <= promised_on and first_received_on = received_on)",
        "count(*)",
        ON_ITS_WAY,
    ),
    # query 13 counts the orders of each customer; here the first and whether there is a second soon
    "repeat_purchase_90d": Measure(
        "first_orders",
        "o_orderdate",
        "count(*) filter (next_date < o_orderdate + 90)",
        "count(*)",
        ("country", "plan", "acquisition_channel"),
    ),
}


def prepare(con: duckdb.DuckDBPyConnection) -> None:
    """Create the tables that the measures read, over the tables of TPC-H."""
    con.execute(f"""
        create table lines as
        select
            *,
            o_orderpriority as channel,
            countries.code as country,
            p_mfgr as category,
            l_shipmode as carrier,
            r_name as warehouse,
            l_receiptdate <= date '{LAST_DAY}' as is_received,
            l_returnflag = 'R' and is_received as is_returned
        from lineitem
        inner join orders on o_orderkey = l_orderkey
        inner join customer on c_custkey = o_custkey
        inner join nation as home on home.n_nationkey = c_nationkey
        inner join countries on countries.n_name = home.n_name
        inner join part on p_partkey = l_partkey
        inner join supplier on s_suppkey = l_suppkey
        inner join nation as place on place.n_nationkey = s_nationkey
        inner join region on r_regionkey = place.n_regionkey
        where o_orderdate between date '{FIRST_DAY}' and date '{LAST_DAY}';

        create table movements as
        select
            o_orderdate as moved_on, l_extendedprice as gross, l_extendedprice * (1 - l_discount) as sold, 0 as returned,
            channel, country, category
        from lines
        union all
        select
            l_receiptdate, 0, 0, l_extendedprice * (1 - l_discount),
            channel, country, category
        from lines
        where is_returned;

        -- Where it stands: with the parcel that is awaited, else with the one that came last; of several, the first by number.
        create table deliveries as
        with ranked as (
            select
                *,
                row_number() over (
                    partition by l_orderkey
                    order by l_shipdate > date '{LAST_DAY}', is_received, l_receiptdate desc, l_linenumber
                ) as arrival_rank
            from (
                select * replace (case when is_received then l_receiptdate end as l_receiptdate) from lines
            )
        )
        select
            l_orderkey,
            max(l_commitdate) as promised_on,
            min(l_receiptdate) as first_received_on,
            case when bool_and(is_received) then max(l_receiptdate) end as received_on,
            any_value(o_orderdate) as o_orderdate,
            any_value(country) as country,
            max(carrier) filter (arrival_rank = 1 and l_shipdate <= date '{LAST_DAY}') as carrier,
            max(warehouse) filter (arrival_rank = 1 and l_shipdate <= date '{LAST_DAY}') as warehouse
        from ranked
        group by l_orderkey;

        create table first_orders as
        select *
        from (
            select
                o_orderdate,
                code as country,
                cast(null as varchar) as plan,
                cast(null as varchar) as acquisition_channel,
                lead(o_orderdate) over (partition by o_custkey order by o_orderdate, cast(o_orderkey as varchar)) as next_date,
                row_number() over (partition by o_custkey order by o_orderdate, cast(o_orderkey as varchar)) as purchase
            from orders
            inner join customer on c_custkey = o_custkey
            inner join nation on n_nationkey = c_nationkey
            inner join countries using (n_name)
            where o_orderdate between date '{FIRST_DAY}' and date '{LAST_DAY}'
        )
        where purchase = 1""")


def amounts(con: duckdb.DuckDBPyConnection, kpi: str) -> dict[Cell, Amounts]:
    """Numerator and denominator of each whole period and segment in which there is something."""
    measure = MEASURES[kpi]
    found: dict[Cell, Amounts] = {}
    for grain in GRAINS:
        for dimension in ("all", *measure.dimensions):
            segment = "'all'" if dimension == "all" else f"coalesce({dimension}, 'unknown')"
            rows = con.execute(
                f"""select *
                    from (
                        select
                            cast(date_trunc('{grain}', {measure.day}) as date) as period_start,
                            {segment} as segment,
                            cast({measure.numerator} as decimal(28, 6)) as numerator,
                            cast({measure.denominator} as decimal(28, 6)) as denominator
                        from {measure.table}
                        where {measure.day} between $first and $last
                        group by 1, 2
                    )
                    where period_start >= $first and period_start + interval 1 {grain} <= $last + 1
                        and (numerator <> 0 or denominator <> 0)""",
                {"first": FIRST_DAY, "last": LAST_DAY},
            ).fetchall()
            found |= {(kpi, grain, start, dimension, name): (a, b) for start, name, a, b in rows}
    return found


def cycle_times(con: duckdb.DuckDBPyConnection, share: float) -> dict[date, float]:
    """Per quarter: the percentile of the hours from order to last receipt, by that receipt."""
    rows = con.execute(
        """select cast(date_trunc('quarter', received_on) as date), quantile_cont(24 * (received_on - o_orderdate), ?)
           from deliveries where received_on is not null group by 1""",
        [share],
    ).fetchall()
    return dict(rows)


def open_orders(con: duckdb.DuckDBPyConnection) -> dict[date, int]:
    """Per day: orders placed by its end and not wholly received by it."""
    rows = con.execute(
        """select cast(day as date), count(*)
           from range($first, $last + interval 1 day, interval 1 day) as days (day)
           inner join deliveries on o_orderdate <= day and coalesce(received_on, date '9999-12-31') > day
           group by day""",
        {"first": FIRST_DAY, "last": LAST_DAY},
    ).fetchall()
    return dict(rows)
