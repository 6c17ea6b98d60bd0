-- One row per campaign, factor and bin of its values: the six strongest factors.
-- Who has the lowest or the highest value must not be read off a bin's name, so the
-- outer bins of a number are named by their inner bound.
with

numbered as (
    select
        dependence.*,
        factors.rank,
        factors.description,
        bool_or(dependence.mean_value is not null) over factor as is_number,
        try_cast(split_part(bin_label, ' to ', 1) as double) as bin_from,
        try_cast(split_part(bin_label, ' to ', 2) as double) as bin_to,
        max(dependence.bin) filter (where dependence.mean_value is not null)
            over factor as last_bin
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

written as (
    select
        *,
        case
            when abs(bin_from) >= 1000 then format('{:,.0f}', bin_from)
            else printf('%g', bin_from)
        end as text_from,
        case
            when abs(bin_to) >= 1000 then format('{:,.0f}', bin_to)
            else printf('%g', bin_to)
        end as text_to
    from numbered
),

named as (
    select
        *,
        case
            when not is_number or bin_to is null then bin_label
            when bin = 1 then concat('under ', text_to)
            when bin = last_bin then concat(text_from, ' or more')
            else concat(text_from, ' to ', text_to)
        end as bin_name
    from written
    where row_count >= 10
)

select
    named.campaign,
    named.rank,
    replace(named.feature, '_', ' ') as factor,
    named.description,
    named.is_number,
    named.bin,
    named.bin_name,
    named.row_count,
    named.mean_predicted
from (select 1) as guard
left join named on true
