-- With few answers a share says little: the Wilson interval says between what it lies, with 95 % confidence.
with

daily as (
    {{ daily_mart('feedback', [
        ['good_answer_count', 'csat', 'numerator', 'bigint'],
        ['answer_count', 'csat', 'denominator', 'bigint'],
        ['csat', 'csat', 'value', 'double'],
        ['score_sum', 'csat_mean', 'numerator', 'decimal(28, 6)'],
        ['scored_answer_count', 'csat_mean', 'denominator', 'bigint'],
        ['csat_mean', 'csat_mean', 'value', 'double'],
        ['csat_offered_count', 'csat_response_rate', 'denominator', 'bigint'],
        ['csat_answered_count', 'csat_response_rate', 'numerator', 'bigint'],
        ['csat_response_rate', 'csat_response_rate', 'value', 'double'],
        ['nps_person_count', 'nps', 'denominator', 'bigint'],
        ['nps', 'nps', 'value', 'double'],
    ]) }}
),

-- 1.959964 is the 97.5 % point of the normal distribution, 3.841459 its square
centred as (
    select
        metric_date,
        dimension,
        segment,
        (csat + 1.920729 / cast(answer_count as double)) / (1 + 3.841459 / cast(answer_count as double)) as centre,
        1.959964 * sqrt(
            csat * (1 - csat) / cast(answer_count as double) + 0.960365 / (cast(answer_count as double) * answer_count)
        ) / (1 + 3.841459 / cast(answer_count as double)) as half_width
    from daily
    where answer_count > 0
),

bounded as (
    select
        metric_date,
        dimension,
        segment,
        cast(greatest(centre - half_width, 0) as decimal(18, 6)) as lower_bound,
        cast(least(centre + half_width, 1) as decimal(18, 6)) as upper_bound
    from centred
)

select
    daily.metric_date,
    daily.dimension,
    daily.segment,
    daily.answer_count,
    daily.good_answer_count,
    daily.csat,
    cast(bounded.lower_bound as double) as csat_lower_bound,
    cast(bounded.upper_bound as double) as csat_upper_bound,
    daily.scored_answer_count,
    daily.score_sum,
    daily.csat_mean,
    daily.csat_offered_count,
    daily.csat_answered_count,
    daily.csat_response_rate,
    daily.nps_person_count,
    daily.nps,
    daily.is_complete
from daily
left join bounded
    on daily.metric_date = bounded.metric_date
    and daily.dimension = bounded.dimension
    and daily.segment = bounded.segment
