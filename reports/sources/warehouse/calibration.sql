-- One row per campaign and bin of predicted probability, on the test rows.
with

test_bins as (
    select calibration.*
    from results.conversion_calibration as calibration
    inner join results.campaigns as campaigns
        on calibration.campaign = campaigns.campaign
        and calibration.split = campaigns.judged_split
    where calibration.row_count >= 10
)

select
    test_bins.campaign,
    test_bins.bin,
    test_bins.row_count,
    test_bins.mean_predicted,
    test_bins.mean_predicted as as_predicted,
    test_bins.observed_rate as observed,
    test_bins.lower as interval_from,
    test_bins.upper as interval_to
from (select 1) as guard
left join test_bins on true
