-- days since anything are at least one: the campaign's first day itself is not known
select contact_id
from {{ ref('coupon_features') }}
where least(
    days_since_last_coupon, days_since_product, days_since_last_redemption
) < 1
