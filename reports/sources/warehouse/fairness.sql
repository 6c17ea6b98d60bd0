-- One row per campaign, audited column and group of at least ten test rows. What
-- equal rates of selection would cost counts all groups of the column.
with

groups as (
    select
        fairness.*,
        sum(fairness.conversions_found) over whole as all_found,
        sum(fairness.conversions_at_equal_rates) over whole
            as all_at_equal_rates
    from results.conversion_fairness as fairness
    inner join results.campaigns as campaigns
        on fairness.campaign = campaigns.campaign
    where campaigns.variant_of is null
    window whole as (
        partition by fairness.campaign, fairness.audited_column
    )
),

shown as (
    select * from groups
    where row_count >= 10
)

select
    shown.campaign,
    replace(shown.audited_column, '_', ' ') as audited_column,
    shown.group_value,
    shown.row_count,
    shown.selection_rate,
    shown.selection_rate_lower,
    shown.selection_rate_upper,
    shown.true_positive_rate,
    shown.true_positive_rate_lower,
    shown.true_positive_rate_upper,
    shown.false_positive_rate,
    shown.false_positive_rate_lower,
    shown.false_positive_rate_upper,
    shown.calibration_gap,
    shown.calibration_gap_lower,
    shown.calibration_gap_upper,
    shown.ratio_to_best,
    shown.ratio_lower,
    shown.ratio_upper,
    case shown.status
        when 'pass' then 'equal enough'
        when 'warn' then 'unequal'
        when 'unknown' then 'cannot tell'
    end as verdict,
    shown.all_found,
    shown.all_at_equal_rates
from (select 1) as guard
left join shown on true
