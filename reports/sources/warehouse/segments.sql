-- One row per campaign and segment, in the order in which reports list and
-- number them. A segment of under ten members keeps its name and loses its
-- figures, one of under ten contacts its conversion.
with

segments as (
    select
        segments.*,
        not segments.is_small as is_shown,
        not segments.is_small and segments.contacts >= 10 as is_rated,
        spending.mean_recency_days,
        spending.mean_basket_count,
        spending.mean_amount,
        spending.share_of_amount,
        coalesce(spending.is_small, true) as is_spending_small,
        row_number() over (
            partition by segments.campaign
            order by
                segments.is_small asc,
                segments.index_value desc nulls last,
                segments.lift desc nulls last,
                segments.member_count desc,
                segments.segment_id asc
        ) as position
    from results.segments as segments
    left join results.segment_spending as spending
        on segments.campaign = spending.campaign
        and segments.segment_id = spending.segment_id
)

select
    segments.campaign,
    segments.segment_id,
    segments.position,
    segments.segment_name,
    segments.segment_slug,
    segments.advice,
    segments.is_shown,
    case
        when segments.is_small or segments.standing is null
            or (segments.index_value is null and not segments.is_rated)
            then 'not known'
        when segments.index_value is not null
            then
                case segments.standing
                    when 'more' then 'customers are frequent'
                    when 'fewer' then 'customers are rare'
                    else 'customers are as frequent as others'
                end
        else
            case segments.standing
                when 'more' then 'converts more than all'
                when 'fewer' then 'converts less than all'
                else 'converts like all, within chance'
            end
    end as standing,
    case when is_shown then segments.map_x end as map_x,
    case when is_shown then segments.map_y end as map_y,
    case when is_shown then segments.member_count end as member_count,
    case when is_shown then segments.share_of_customers end as share_of_customers,
    case when is_shown then segments.share_of_population end as share_of_population,
    case when is_shown then segments.index_value end as index_value,
    case when is_shown then segments.p_value end as p_value,
    case when is_shown then segments.mean_lookalike_probability end
        as mean_lookalike_probability,
    case when is_rated then segments.contacts end as contacts,
    case when is_rated then segments.conversion_rate end as conversion_rate,
    case when is_rated then segments.lower end as lower,
    case when is_rated then segments.upper end as upper,
    case when is_rated then segments.lift end as lift,
    case when not is_spending_small then segments.mean_recency_days end as mean_recency_days,
    case when not is_spending_small then segments.mean_basket_count end as mean_basket_count,
    case when not is_spending_small then segments.mean_amount end as mean_amount,
    case when not is_spending_small then segments.share_of_amount end as share_of_amount
from (select 1) as guard
left join segments on true
