-- One row per campaign, factor and bin of its values: the six strongest factors.
with

bins as (
    select
        dependence.*,
        factors.rank,
        factors.description,
        bool_or(dependence.mean_value is not null) over factor as is_number
    from results.conversion_dependence as dependence
    inner join results.campaigns as campaigns
        on dependence.campaign = campaigns.campaign
    inner join results.conversion_factors as factors
        on dependence.campaign = factors.campaign
        and dependence.feature = factors.feature
    where
        campaigns.variant_of is null
        and factors.rank <= 6
    window factor as (partition by dependence.campaign, dependence.feature)
),

shown as (
    select * from bins
    where row_count >= 10
)

select
    shown.campaign,
    shown.rank,
    replace(shown.feature, '_', ' ') as factor,
    shown.description,
    shown.is_number,
    shown.bin,
    shown.bin_label as bin_name,
    shown.row_count,
    shown.mean_predicted
from (select 1) as guard
left join shown on true
