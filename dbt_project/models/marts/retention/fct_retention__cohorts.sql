-- The cohort table of retention_w*, for every age: who was first active in a week, and how many of them were active in
-- each later week. Only whole weeks; a row is complete where both its weeks are for lifecycle_new: the first ever can
-- be told, and every day since the first one has landed.
with

weeks as (
    select
        periods.period_start,
        known.is_complete,
        {{ add_days('periods.period_start', '6 + available.settle_days') }} <= available.last_date as is_mature
    from {{ ref('int_kpi__periods') }} as periods
    inner join {{ ref('int_kpi__availability') }} as available on periods.kpi_id = available.kpi_id
    inner join {{ ref('int_kpi__periods') }} as known
        on known.kpi_id = 'lifecycle_new'
        and periods.grain = known.grain
        and periods.period_start = known.period_start
    where periods.kpi_id = 'retention_w1'
        and periods.grain = 'week'
),

returns as (
    select
        days.week_start as cohort_start,
        members.customer_id,
        members.visit_date,
        ages.age_days
    from {{ ref('int_retention__active_cohorts') }} as members
    inner join {{ ref('int_calendar__days') }} as days on members.first_date = days.local_date
    {{ explode_join('members.active_week_days', 'ages', 'age_days') }}
),

segmented as (
    {{ by_customer_dimension('returns', 'visit_date', "kpi_id in ('retention_w1', 'retention_w4', 'retention_w12')") }}
),

counts as (
    select
        {{ add_days('days.week_start', '-counts.gap_days') }} as cohort_start,
        counts.gap_days as age_days,
        counts.dimension,
        counts.segment,
        sum(counts.amount) as person_count
    from {{ ref('int_engagement__day_counts') }} as counts
    inner join {{ ref('int_calendar__days') }} as days on counts.local_date = days.local_date
    where counts.measure = 'back_in_week'
    group by days.week_start, counts.gap_days, counts.dimension, counts.segment
    union all
    select
        cohort_start,
        age_days,
        dimension,
        segment,
        count(*) as person_count
    from segmented
    group by cohort_start, age_days, dimension, segment
),

-- in its own week everybody of a cohort is there; where nobody of it came back, there is a row all the same
aged as (
    select
        cohorts.cohort_start as period_start,
        cohorts.dimension,
        cohorts.segment,
        {{ days_between('cohorts.cohort_start', 'later.period_start') }} as age_days,
        cohorts.person_count,
        coalesce(returned.person_count, 0) as returned_count,
        own.is_complete and later.is_complete as is_complete,
        later.is_mature
    from counts as cohorts
    inner join weeks as own on cohorts.cohort_start = own.period_start
    inner join weeks as later on own.period_start <= later.period_start
    left join counts as returned
        on cohorts.cohort_start = returned.cohort_start
        and cohorts.dimension = returned.dimension
        and cohorts.segment = returned.segment
        and {{ days_between('cohorts.cohort_start', 'later.period_start') }} = returned.age_days
    where cohorts.age_days = 0
)

select
    aged.period_start,
    aged.dimension,
    aged.segment,
    ages.n as age_weeks,
    cast(case when aged.is_complete then aged.person_count end as bigint) as person_count,
    cast(case when aged.is_complete then aged.returned_count end as bigint) as returned_count,
    case when aged.is_complete then {{ ratio('aged.returned_count', 'aged.person_count') }} end as returned_share,
    aged.is_complete,
    aged.is_mature
from aged
inner join {{ integers(4) }} as ages on ages.n * 7 = aged.age_days
