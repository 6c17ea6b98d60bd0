-- The sample of a mail-order company: a general population, its customers, and people who were sent a
-- mail-out. The population has ${size} people. The other files keep their published proportion to it, with a
-- minimum so that a model can learn from a small sample.
-- Everything is drawn from latent factors with mean 0 and variance 1 in the population: places have some
-- (urban, wealth, age, family, mobility), people have their own. There are six hidden milieus: people and places of one
-- milieu have factors around the same means. An attribute is one or two factors with noise, in classes.
create or replace macro people_in(published, least_number) as
    greatest(least_number, cast(round(${size} * (published / 891211)) as bigint));
-- The mail-out is twice the population, up to the published number: fewer people give too few answers to
-- learn from.
create or replace macro people_with_answer() as
    greatest(people_in(42982, 12000), least(2 * ${size}, 42982));

-- The number of a building gives its microcell, which gives its postcode area, which gives its region.
create or replace macro buildings() as
    cast(
        (${size} + people_in(191652, 4000) + people_with_answer() + people_in(42833, 5000)) / 2.2
        as bigint
    );
create or replace macro postcode_of(microcell) as microcell // 20;
create or replace macro region_of(microcell) as microcell // 100;
create or replace macro region_is_east(region) as uniform(region, 'former east') < 0.22;
create or replace macro urban_of_region(region) as normal(region, 'urban region');
create or replace macro wealth_of_region(region) as
    normal(region, 'wealth of region') - case when region_is_east(region) then 0.8 else 0 end;
create or replace macro urban_of_postcode(postcode) as
    0.6 * urban_of_region(postcode // 5) + 0.8 * normal(postcode, 'urban postcode');
create or replace macro wealth_of_postcode(postcode) as
    0.5 * wealth_of_region(postcode // 5) + 0.8 * normal(postcode, 'wealth of postcode');

-- Milieus are the true groups, given as means of the factors. How urban and wealthy a microcell is decides its
-- milieu; few people belong to another milieu than their microcell.
create or replace table milieus as
select * from (
    values
    (1, 'retired villagers', -1.0, -0.4, 1.2, -0.8, -0.8, -1.0, -0.4, 0.2, -0.1, 1.0, 0.2, -0.7, -0.4),
    (2, 'country families', -1.2, 0.1, -0.6, 1.3, 1.0, 0.2, 0.0, 0.0, 0.4, 0.2, 0.2, 0.1, 0.0),
    (3, 'small-town workers', 0.0, -1.0, -0.1, 0.5, -0.1, 0.0, -0.8, 0.4, -0.4, 0.1, -0.1, -0.1, -0.3),
    (4, 'wealthy suburbanites', -0.2, 1.3, 0.7, 0.4, 0.9, 0.0, 0.3, -0.1, 0.0, 0.2, 0.2, -0.2, 0.7),
    (5, 'young city renters', 1.1, -0.5, -1.2, -0.8, -0.6, 0.9, 0.3, 0.0, 0.2, -0.9, -0.2, 0.8, 0.0),
    (6, 'established city couples', 1.4, 1.1, 0.5, -1.1, -0.5, 0.4, 1.2, -0.7, 0.4, -0.7, 0.0, 0.3, 0.6)
) as milieus (
    milieu_id, milieu, mean_urban, mean_wealth, mean_age, mean_family, mean_mobility, mean_online,
    mean_culture, mean_thrift, mean_green, mean_tradition, mean_ordering, mean_adventure, mean_status
);
-- From the milieu least close to the company to the closest one.
create or replace macro liking_milieus() as [5, 3, 6, 1, 2, 4];
create or replace macro milieu_at(urban, wealth) as
    case when urban < -0.5 then 1 when urban < 0.6 then 3 else 5 end + if(wealth < 0.15, 0, 1);
create or replace macro milieu_of_microcell(microcell) as milieu_at(
    0.6 * urban_of_postcode(postcode_of(microcell)) + 0.8 * normal(microcell, 'urban milieu'),
    0.6 * wealth_of_postcode(postcode_of(microcell)) + 0.8 * normal(microcell, 'wealthy milieu')
);

-- Kinds of attributes. `id` is the person or place described and `salt` names the draw: attributes that share a
-- draw are nearly the same. `codes` mean unknown; the first one is written if the whole level is unknown (its
-- id is null).
create or replace macro known(id, salt, share, codes, shown) as case
    when id is null then codes[1]
    when uniform(id, salt || ' unknown') < share
        then codes[1 + cast(floor(len(codes) * uniform(id, salt || ' unknown') / share) as integer)]
    else shown
end;
create or replace macro whole(id, salt, share, codes, shown) as
    cast(known(id, salt, share, codes, shown) as smallint);
create or replace macro noisy(id, salt, signal) as (signal) + 0.6 * normal(id, salt);
create or replace macro class_of(id, salt, signal, classes) as
    floor(classes * logistic(1.6 * noisy(id, salt, signal)));
create or replace macro ordinal(id, salt, signal, classes, share, codes) as
    whole(id, salt, share, codes, 1 + class_of(id, salt, signal, classes));
-- The same classes in a meaningless order; the number of classes must not be a multiple of 7.
create or replace macro nominal(id, salt, signal, classes, share, codes) as
    whole(id, salt, share, codes, 1 + (7 * class_of(id, salt, signal, classes) + 3) % classes);
create or replace macro amount(id, salt, signal, middle, share, codes) as
    cast(known(id, salt, share, codes, round(middle * exp(0.5 * noisy(id, salt, signal)))) as integer);
create or replace macro percent(id, salt, signal, middle, share, codes) as whole(
    id, salt, share, codes,
    round(100 * logistic(ln(middle / (100 - middle)) + 0.6 * noisy(id, salt, signal)))
);
create or replace macro flag(id, salt, signal, ones, share, codes) as whole(
    id, salt, share, codes,
    case when uniform(id, salt) < logistic(ln(ones / (1 - ones)) + (signal)) then 1 else 0 end
);
create or replace macro word(id, salt, signal, words, share, codes) as cast(
    known(
        id, salt, share, codes, words[1 + cast(class_of(id, salt, signal, len(words)) as integer)]
    ) as varchar);

-- Lifestyles are numbers stored as text, because their unknown codes are letters.
create or replace macro lifestyle_group(id, wealth) as
    cast(9 - cast(class_of(id, 'LIFESTYLE', wealth, 9) as integer) as varchar);
create or replace macro lifestyle_international(id, wealth, family) as cast(
    10 * (5 - cast(class_of(id, 'LIFESTYLE', wealth, 5) as integer))
    + 1 + cast(class_of(id, 'LIFESTYLE_INTERNATIONAL', family, 5) as integer) as varchar);

-- Older people have been on file for longer; one register writes the day first.
create or replace macro day_registered(id, age) as
    date '2018-12-31' - cast(floor(9400 * logistic(0.6 * age - 0.8 + normal(id, 'registered'))) as integer);
create or replace macro registered_on(id, age) as case
    when uniform(id, 'registered unknown') < 0.08 then null
    when uniform(id, 'registered format') < 0.06 then strftime(day_registered(id, age), '%d.%m.%Y')
    else strftime(day_registered(id, age), '%Y-%m-%d 00:00:00')
end;

-- Members of each file. A repeated row of the population copies somebody up to 1,000 rows earlier. Customers,
-- and to a lesser degree the people of the mail-out, differ from the population in the factors below.
create or replace table people as
with files(part, members, first_id, likeness) as (
    values
        ('population', cast(${size} as bigint), 0, 0.0),
        ('customers', people_in(191652, 4000), ${size}, 1.0),
        ('train', people_with_answer(), ${size} + people_in(191652, 4000), 0.7),
        ('test', people_in(42833, 5000), ${size} + people_in(191652, 4000) + people_with_answer(), 0.7)
),

file_rows as (
    select part, likeness, first_id, unnest(range(1, members + 1)) as file_row from files
),

members as (
    select
        part, likeness, file_row,
        1000000 + first_id + case
            when part = 'population' and uniform(file_row, 'repeated') < 0.002
                then greatest(1, file_row - 1 - cast(floor(1000 * uniform(file_row, 'repeats')) as bigint))
            else file_row
        end as person
    from file_rows
),

-- People close to the company mostly live at the one of two addresses whose milieu is closer to it.
addresses as (
    select
        members.*,
        cast(floor(buildings() * uniform(person, 'address')) as bigint) as one_building,
        cast(floor(buildings() * uniform(person, 'other address')) as bigint) as other_building,
        milieu_of_microcell(one_building // 8) as one_milieu,
        case when likeness > 0 then milieu_of_microcell(other_building // 8) end as other_milieu,
        uniform(person, 'close') < 0.85 * likeness
        and list_position(liking_milieus(), other_milieu) > list_position(liking_milieus(), one_milieu)
            as prefers_other,
        if(prefers_other, other_building, one_building) as lives_in,
        if(prefers_other, other_milieu, one_milieu) as cell_milieu,
        if(
            uniform(person, 'own milieu') < 0.04,
            milieu_at(normal(person, 'urban milieu'), normal(person, 'wealthy milieu')), cell_milieu
        ) as own_milieu
    from members
),

places as (
    select
        part, likeness, file_row, person, lives_in, own_milieu,
        lives_in // 8 as lives_in_microcell,
        region_of(lives_in_microcell) as lives_in_region,
        urban_of_region(lives_in_region) as region_urban,
        wealth_of_region(lives_in_region) as region_wealth,
        urban_of_postcode(postcode_of(lives_in_microcell)) as postcode_urban,
        wealth_of_postcode(postcode_of(lives_in_microcell)) as postcode_wealth,
        mean_urban + 0.2 * postcode_urban + 0.3 * normal(lives_in_microcell, 'urban microcell')
            as cell_urban,
        mean_wealth + 0.2 * postcode_wealth + 0.3 * normal(lives_in_microcell, 'wealth of microcell')
            as cell_wealth,
        mean_age + 0.55 * normal(lives_in_microcell, 'age of microcell') as cell_age,
        mean_family + 0.55 * normal(lives_in_microcell, 'family of microcell') as cell_family,
        mean_mobility + 0.7 * normal(lives_in_microcell, 'mobility of microcell') as cell_mobility,
        0.7 * cell_urban + 0.7 * normal(lives_in, 'size of building') as building_size
    from addresses
    inner join milieus on milieu_id = cell_milieu
),

factors as (
    select
        places.*, milieu,
        0.5 * building_size + 0.6 * cell_urban as urban,
        0.8 * mean_wealth + 0.2 * cell_wealth + 0.5 * normal(person, 'wealth') + 0.3 * likeness as wealth,
        0.8 * mean_age + 0.2 * cell_age + 0.55 * normal(person, 'age') + 0.4 * likeness as age,
        0.8 * mean_family + 0.2 * cell_family - 0.2 * abs(age) + 0.6 * normal(person, 'family') as family,
        mean_online - 0.2 * age + 0.65 * normal(person, 'online') + 0.4 * likeness as online,
        0.7 * mean_mobility + 0.3 * cell_mobility + 0.2 * wealth + 0.55 * normal(person, 'mobility')
            as mobility,
        mean_culture + 0.1 * wealth + 0.75 * normal(person, 'culture') + 0.2 * likeness as culture,
        mean_thrift + 0.1 * age + 0.9 * normal(person, 'thrift') + 0.4 * likeness as thrift,
        mean_green + 0.2 * culture + 0.95 * normal(person, 'green') + 0.2 * likeness as green,
        mean_tradition + 0.2 * age + 0.75 * normal(person, 'tradition') as tradition,
        mean_ordering + 0.95 * normal(person, 'ordering') + 0.7 * likeness as ordering,
        mean_adventure - 0.2 * age + 0.75 * normal(person, 'adventure') as adventure,
        mean_status + 0.2 * wealth - 0.2 * green + 0.85 * normal(person, 'status') as status
    from places
    inner join milieus on milieu_id = own_milieu
),

orders as (
    select
        *,
        5 - class_of(person, 'MAIL_ORDER_RECENCY', 0.9 * ordering - 0.5, 5) as mail_order_recency,
        floor(0.8 * exp(0.6 * noisy(person, 'CATALOGUE_REPLIES', 0.7 * ordering))) as catalogue_replies
    from factors
),

-- The true probability of an answer: a logistic function of two attributes that are columns themselves (recency
-- of mail orders, catalogues answered) and of factors that columns show with noise. It peaks at medium wealth,
-- and being online only matters for the less traditional.
answers as (
    select
        *,
        logistic(
            -6.0
            + [2.0, 0.9, 0.4, 0.0, -0.5][cast(mail_order_recency as integer)]
            + 0.30 * least(catalogue_replies, 4)
            + 0.35 * age
            + 0.25 * culture
            - 0.35 * urban
            - 0.25 * (wealth - 0.8) * (wealth - 0.8)
            + case when tradition < 0 then 0.5 * online else 0 end
        ) as true_probability,
        uniform(person, 'answers') < true_probability as has_responded
    from orders
)

-- A handful of people in the population have no id. Other unknown values come in blocks: no address, no data
-- on the building, or none on the microcell.
select
    *,
    case when part != 'population' or uniform(person, 'id lost') >= 0.0002 then person end as person_id,
    case when uniform(person, 'no address') >= 0.03 then person end as household,
    case when uniform(person, 'no address') >= 0.03 and uniform(person, 'no building') >= 0.04
        then lives_in end as building,
    case when uniform(person, 'no address') >= 0.03 and uniform(person, 'no microcell') >= 0.03
        then lives_in_microcell end as microcell,
    case when uniform(person, 'no address') >= 0.03 then postcode_of(lives_in_microcell) end as postcode,
    case when uniform(person, 'no address') >= 0.03 then lives_in_region end as region
from answers
order by list_position(['population', 'customers', 'train', 'test'], part), file_row;

create or replace view described as
select
    part,
    person,
    case
        when part = 'train' and uniform(person, 'answer lost') >= 0.0005 then cast(has_responded as integer)
    end as response,
    case when uniform(person, 'customer group') < logistic(0.3 + 0.8 * ordering - 0.6) then 'MULTI_BUYER'
        else 'SINGLE_BUYER' end as customer_group,
    case
        when uniform(person, 'product group') < 0.2 + 0.2 * logistic(2 * green) then 'FOOD'
        when uniform(person, 'product group') < 0.3 + 0.4 * logistic(2 * ordering) then 'COSMETICS_AND_FOOD'
        else 'COSMETICS'
    end as product_group,
    cast(uniform(person, 'online purchase') < logistic(1.2 * online - 2.4) as smallint) as online_purchase,
    person_id,
    ${attributes}
from people;

copy (
    select * exclude (part, person, response, customer_group, product_group, online_purchase)
    from described where part = 'population'
) to '${folder}/population.parquet' (format parquet, compression zstd);

copy (
    select
        * exclude (part, person, response, customer_group, product_group, online_purchase),
        customer_group as CUSTOMER_GROUP, product_group as PRODUCT_GROUP, online_purchase as ONLINE_PURCHASE
    from described where part = 'customers'
) to '${folder}/customers.parquet' (format parquet, compression zstd);

copy (
    select
        * exclude (part, person, response, customer_group, product_group, online_purchase),
        response as RESPONSE
    from described where part = 'train'
) to '${folder}/mailout_train.parquet' (format parquet, compression zstd);

copy (
    select * exclude (part, person, response, customer_group, product_group, online_purchase)
    from described where part = 'test'
) to '${folder}/mailout_test.parquet' (format parquet, compression zstd);

copy (
    select person_id, part, true_probability, has_responded
    from people where part in ('train', 'test')
) to '${truth}/mailout.parquet' (format parquet, compression zstd);

copy (
    select distinct person_id, part, milieu as true_group
    from people
    where person_id is not null
    order by all
) to '${truth}/people.parquet' (format parquet, compression zstd);
