-- the rate of a smaller group says too little to be compared
{% set least_rows = 100 %}
-- of the highest rate: the four-fifths rule
{% set least_ratio = 0.8 %}
{% set audits = [] %}
{% for mart in all_marts() %}
{% for column in mart.declaration.audit or [] %}
{% do audits.append({
    'campaign': mart.campaign, 'mart': mart.relation,
    'entity': mart.declaration.entity, 'column': column
}) %}
{% endfor %}
{% endfor %}

with scores as (
    select
        campaign,
        entity_id,
        has_converted,
        predicted_probability,
        predicted_conversion,
    from {{ ref('conversion_scores') }}
    where split = 'test' and has_converted is not null
),

group_rows as (
    {% for audit in audits %}
    select
        scores.*,
        '{{ audit.column }}' as audited_column,
        coalesce(cast(mart.{{ audit.column }} as varchar), '(unknown)')
            as group_value,
    from scores
    inner join {{ audit.mart }} as mart
        on scores.entity_id = cast(mart.{{ audit.entity }} as varchar)
    where scores.campaign = '{{ audit.campaign }}'
    {{ 'union all' if not loop.last }}
    {% else %}
    select
        scores.*,
        cast(null as varchar) as audited_column,
        cast(null as varchar) as group_value,
    from scores
    where false
    {% endfor %}
),

rank_rows as (
    select
        *,
        row_number() over (
            partition by campaign, audited_column, group_value
            order by predicted_probability desc, entity_id asc
        ) as place,
    from group_rows
),

count_rows as (
    select
        campaign,
        audited_column,
        group_value,
        count(*) as row_count,
        count(*) filter (where has_converted) as converted,
        count(*) filter (where predicted_conversion) as contacted,
        count(*) filter (where predicted_conversion and has_converted)
            as conversions_found,
        -- decimals: their sum does not depend on the order of rows
        avg(cast(predicted_probability as decimal(18, 12))) as mean_predicted,
    from rank_rows
    group by campaign, audited_column, group_value
),

add_totals as (
    select
        *,
        cast(sum(row_count) over whole as bigint) as all_rows,
        cast(sum(contacted) over whole as bigint) as all_contacted,
        -- the same rate for all makes so many contacts, and a fraction
        row_count * all_contacted // all_rows as whole_contacts,
        row_count * all_contacted % all_rows as remainder,
        max(case
            when row_count >= {{ least_rows }}
                then contacted / cast(row_count as double)
        end) over whole as best_rate,
    from count_rows
    window whole as (partition by campaign, audited_column)
),

-- as many contacts as before: the largest fractions are rounded up
allot_rows as (
    select
        *,
        whole_contacts + cast(
            row_number() over (
                partition by campaign, audited_column
                order by remainder desc, group_value asc
            ) <= all_contacted - sum(whole_contacts) over (
                partition by campaign, audited_column
            ) as integer
        ) as equal_contacts,
    from add_totals
),

found_at_equal_rates as (
    select
        rank_rows.campaign,
        rank_rows.audited_column,
        rank_rows.group_value,
        count(*) filter (where rank_rows.has_converted)
            as conversions_at_equal_rates,
    from rank_rows
    inner join allot_rows using (campaign, audited_column, group_value)
    where rank_rows.place <= allot_rows.equal_contacts
    group by rank_rows.campaign, rank_rows.audited_column, rank_rows.group_value
),

add_rates as (
    select
        allot_rows.*,
        allot_rows.contacted / cast(allot_rows.row_count as double)
            as selection_rate,
        allot_rows.contacted - allot_rows.conversions_found as false_positives,
        allot_rows.row_count - allot_rows.converted as not_converted,
        selection_rate / nullif(allot_rows.best_rate, 0) as ratio_to_best,
        coalesce(found_at_equal_rates.conversions_at_equal_rates, 0)
            as conversions_at_equal_rates,
    from allot_rows
    left join found_at_equal_rates
        using (campaign, audited_column, group_value)
),

compare_groups as (
    select
        campaign,
        audited_column,
        group_value,
        row_count,
        converted,
        selection_rate,
        {{ wilson_bound('contacted', 'row_count', -1) }}
            as selection_rate_lower,
        {{ wilson_bound('contacted', 'row_count', 1) }} as selection_rate_upper,
        conversions_found / nullif(cast(converted as double), 0)
            as true_positive_rate,
        {{ wilson_bound('conversions_found', 'converted', -1) }}
            as true_positive_rate_lower,
        {{ wilson_bound('conversions_found', 'converted', 1) }}
            as true_positive_rate_upper,
        false_positives / nullif(cast(not_converted as double), 0)
            as false_positive_rate,
        {{ wilson_bound('false_positives', 'not_converted', -1) }}
            as false_positive_rate_lower,
        {{ wilson_bound('false_positives', 'not_converted', 1) }}
            as false_positive_rate_upper,
        mean_predicted - converted / cast(row_count as double)
            as calibration_gap,
        mean_predicted - {{ wilson_bound('converted', 'row_count', 1) }}
            as calibration_gap_lower,
        mean_predicted - {{ wilson_bound('converted', 'row_count', -1) }}
            as calibration_gap_upper,
        ratio_to_best,
        case
            when row_count < {{ least_rows }} or ratio_to_best is null
                then 'unknown'
            when ratio_to_best >= {{ least_ratio }} then 'pass'
            else 'warn'
        end as status,
        conversions_found,
        conversions_at_equal_rates,
    from add_rates
)

select * from compare_groups
