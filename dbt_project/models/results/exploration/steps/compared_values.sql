-- Features are compared on about this many rows of a campaign, sampled by a hash of the key
{% set sampled_rows = 10000 %}
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
    {% endfor %}
    {% if not marts %}
    select
        cast(null as varchar) as campaign,
        cast(null as bigint) as row_number,
        cast([] as double[]) as numbers,
        cast([] as varchar[]) as texts,
        cast(0 as bigint) as number_count,
    where false
    {% endif %}
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
)

select * from values_of_rows
