-- numbers are binned by quintile; texts by category, this many of them apart
{% set quintiles = [0.2, 0.4, 0.6, 0.8] %}
{% set categories = 5 %}
with compared_features as (
    select * from {{ ref('compared_features') }}
),

values_of_rows as (
    select * from {{ ref('compared_values') }}
),

edges as (
    select
        campaign,
        place,
        {% for share in quintiles %}
        quantile_disc(number, {{ share }}) as edge_{{ loop.index }},
        {% endfor %}
    from values_of_rows
    where isfinite(number)
    group by campaign, place
),

categories as (
    select
        campaign,
        place,
        category,
        row_number() over (
            partition by campaign, place
            order by count(*) desc, category asc
        ) as category_number,
    from values_of_rows
    where category is not null
    group by campaign, place, category
),

-- the bin of a number is how many edges it exceeds; that of a text is its rank by
-- frequency, or -1 if it is missing
bin_values as (
    select
        values_of_rows.campaign,
        values_of_rows.row_number,
        values_of_rows.place,
        cast(case
            when isfinite(values_of_rows.number)
                then
                    cast(values_of_rows.number > edges.edge_1 as integer)
                    + cast(values_of_rows.number > edges.edge_2 as integer)
                    + cast(values_of_rows.number > edges.edge_3 as integer)
                    + cast(values_of_rows.number > edges.edge_4 as integer)
            else least(
                coalesce(categories.category_number, -1), {{ categories + 1 }}
            )
        end as tinyint) as bin,
    from values_of_rows
    left join edges using (campaign, place)
    left join categories using (campaign, place, category)
),

pairs as (
    select
        one.campaign,
        one.place,
        other.place as other_place,
        one.bin,
        other.bin as other_bin,
        count(*) as row_count,
    from bin_values as one
    inner join bin_values as other
        on
            one.campaign = other.campaign
            and one.row_number = other.row_number
            and one.place < other.place
    group by all
),

add_names as (
    select
        pairs.campaign,
        one.feature,
        other.feature as other_feature,
        cast(pairs.bin as integer) as bin,
        cast(pairs.other_bin as integer) as other_bin,
        pairs.row_count,
    from pairs
    inner join compared_features as one
        on pairs.campaign = one.campaign and pairs.place = one.place
    inner join compared_features as other
        on pairs.campaign = other.campaign and pairs.other_place = other.place
)

select * from add_names
