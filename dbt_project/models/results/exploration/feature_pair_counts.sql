-- Features are compared on about this many rows of a campaign, sampled by a hash of the key
{% set sampled_rows = 10000 %}
-- numbers are binned by quintile; texts by category, this many of them apart
{% set quintiles = [0.2, 0.4, 0.6, 0.8] %}
{% set categories = 5 %}
-- per campaign: the features of its mart, by type
{% set marts = [] %}
{% for mart in all_marts() %}
{% set features = features_and_audited(mart) %}
{% do marts.append({
    'campaign': mart.campaign, 'relation': mart.relation,
    'entity': mart.declaration.entity,
    'numbers': features | rejectattr('is_text') | list,
    'texts': features | selectattr('is_text') | list,
}) %}
{% endfor %}

with compared_features as (
    select * from {{ ref('compared_features') }}
),

places as (
    select
        campaign,
        list(place order by place) as places,
        list(position order by place) as positions,
    from compared_features
    group by campaign
),

-- a row's numbers, then its texts
mart_rows as not materialized (
    {% for mart in marts %}
    select
        '{{ mart.campaign }}' as campaign,
        row_number() over () as row_number,
        {{ number_list(mart.numbers) }} as numbers,
        {{ text_list(mart.texts) }} as texts,
        len(numbers) as number_count,
    from {{ mart.relation }}
    where
        hash({{ mart.entity }}) % cast((
            select count(*) // {{ sampled_rows }} + 1
            from {{ mart.relation }}
        ) as ubigint) = 0
    {{ 'union all' if not loop.last }}
    {% else %}
    select
        cast(null as varchar) as campaign,
        cast(null as bigint) as row_number,
        cast([] as double[]) as numbers,
        cast([] as varchar[]) as texts,
        cast(0 as bigint) as number_count,
    where false
    {% endfor %}
),

placed_rows as not materialized (
    select
        mart_rows.*,
        places.places,
        places.positions,
    from mart_rows
    inner join places using (campaign)
),

-- one row per sampled row and compared feature
values_of_rows as (
    select
        campaign,
        row_number,
        unnest(places) as place,
        unnest(list_transform(
            positions, lambda position: numbers[position]
        )) as number,
        unnest(list_transform(
            positions,
            lambda position: texts[greatest(position - number_count, 0)]
        )) as category,
    from placed_rows
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
        pairs.bin,
        pairs.other_bin,
        pairs.row_count,
    from pairs
    inner join compared_features as one
        on pairs.campaign = one.campaign and pairs.place = one.place
    inner join compared_features as other
        on pairs.campaign = other.campaign and pairs.other_place = other.place
)

select * from add_names
