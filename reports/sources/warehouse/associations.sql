-- One row per campaign and two of its strongest features, both ways.
select
    associations.campaign,
    replace(associations.feature, '_', ' ') as feature,
    replace(associations.other_feature, '_', ' ') as other_feature,
    round(associations.association, 4) as association,
    associations.row_count
from (select 1) as guard
left join results.feature_associations as associations on associations.association is not null
order by associations.campaign, associations.association desc, associations.feature
