-- One row per campaign and bin of predicted probability, on the judged rows.
with

judged_bins as (
    select calibration.*
    from results.conversion_calibration as calibration
    inner join results.campaigns as campaigns
        on calibration.campaign = campaigns.campaign
        and calibration.split = campaigns.judged_split
    where calibration.row_count >= 10
)

select
    judged_bins.campaign,
    judged_bins.bin,
    judged_bins.row_count,
    judged_bins.mean_predicted,
    judged_bins.mean_predicted as as_predicted,
    judged_bins.observed_rate as observed,
    judged_bins.lower as interval_from,
    judged_bins.upper as interval_to
from (select 1) as guard
left join judged_bins on true
