-- of the highest rate: the four-fifths rule
{% set least_ratio = 0.8 %}

with audited_rows as (
    select * from {{ ref('audited_rows') }}
),

rank_rows as (
    select
        *,
        row_number() over (
            partition by campaign, audited_column, group_value
            order by predicted_probability desc, entity_id asc
        ) as place,
    from audited_rows
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

-- a column for each rate and bound
rates as (
    select
        campaign,
        audited_column,
        group_value,
        {% for measure in ['selection', 'true_positive', 'false_positive'] %}
        {% for column in ['rate', 'rate_lower', 'rate_upper'] %}
        max({{ column }}) filter (
            where measure = '{{ measure }}'
        ) as {{ measure }}_{{ column }},
        {% endfor %}
        {% endfor %}
        max(rate) filter (where measure = 'conversion') as observed_rate,
        max(rate_lower) filter (where measure = 'conversion')
            as observed_rate_lower,
        max(rate_upper) filter (where measure = 'conversion')
            as observed_rate_upper,
    from {{ ref('group_rates') }}
    group by campaign, audited_column, group_value
),

ratios as (
    select * from {{ ref('selection_ratios') }}
),

compare_groups as (
    select
        campaign,
        audited_column,
        group_value,
        allot_rows.row_count,
        allot_rows.converted,
        rates.selection_rate,
        rates.selection_rate_lower,
        rates.selection_rate_upper,
        rates.true_positive_rate,
        rates.true_positive_rate_lower,
        rates.true_positive_rate_upper,
        rates.false_positive_rate,
        rates.false_positive_rate_lower,
        rates.false_positive_rate_upper,
        allot_rows.mean_predicted - rates.observed_rate as calibration_gap,
        allot_rows.mean_predicted - rates.observed_rate_upper
            as calibration_gap_lower,
        allot_rows.mean_predicted - rates.observed_rate_lower
            as calibration_gap_upper,
        ratios.ratio_to_best,
        ratios.ratio_lower,
        ratios.ratio_upper,
        case
            when ratios.ratio_lower >= {{ least_ratio }} then 'pass'
            when ratios.ratio_upper < {{ least_ratio }} then 'warn'
            else 'unknown'
        end as status,
        allot_rows.conversions_found,
        coalesce(found_at_equal_rates.conversions_at_equal_rates, 0)
            as conversions_at_equal_rates,
    from allot_rows
    inner join rates using (campaign, audited_column, group_value)
    left join ratios using (campaign, audited_column, group_value)
    left join found_at_equal_rates
        using (campaign, audited_column, group_value)
)

select * from compare_groups
