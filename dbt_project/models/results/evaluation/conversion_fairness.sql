-- of the highest rate: the four-fifths rule
{% set least_ratio = 0.8 %}
{% set measures = ['selection', 'true_positive', 'false_positive'] %}
{% set columns = ['rate', 'rate_lower', 'rate_upper'] %}

with counts as (
    select * from {{ ref('equal_rate_contacts') }}
),

-- a column for each rate and bound
rates as (
    select
        campaign,
        audited_column,
        group_value,
        {% for measure in measures %}
        {% for column in columns %}
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
        counts.row_count,
        counts.converted,
        {% for measure in measures %}
        {% for column in columns %}
        rates.{{ measure }}_{{ column }},
        {% endfor %}
        {% endfor %}
        counts.mean_predicted - rates.observed_rate as calibration_gap,
        counts.mean_predicted - rates.observed_rate_upper
            as calibration_gap_lower,
        counts.mean_predicted - rates.observed_rate_lower
            as calibration_gap_upper,
        ratios.ratio_to_best,
        ratios.ratio_lower,
        ratios.ratio_upper,
        case
            when ratios.ratio_lower >= {{ least_ratio }} then 'pass'
            when ratios.ratio_upper < {{ least_ratio }} then 'warn'
            else 'unknown'
        end as status,
        counts.conversions_found,
        counts.conversions_at_equal_rates,
    from counts
    inner join rates using (campaign, audited_column, group_value)
    left join ratios using (campaign, audited_column, group_value)
)

select * from compare_groups
