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
        -- contacts at the common rate: whole number and remainder
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

count_conversions as (
    select
        allot_rows.campaign,
        allot_rows.audited_column,
        allot_rows.group_value,
        any_value(allot_rows.row_count) as row_count,
        any_value(allot_rows.converted) as converted,
        any_value(allot_rows.mean_predicted) as mean_predicted,
        any_value(allot_rows.conversions_found) as conversions_found,
        count(*) filter (
            where rank_rows.has_converted
            and rank_rows.place <= allot_rows.equal_contacts
        ) as conversions_at_equal_rates,
    from allot_rows
    inner join rank_rows using (campaign, audited_column, group_value)
    group by
        allot_rows.campaign, allot_rows.audited_column, allot_rows.group_value
)

select * from count_conversions
