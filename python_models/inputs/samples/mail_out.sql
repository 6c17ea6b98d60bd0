-- The sample of a mail-order company: a general population, its customers, and people who were sent a
-- mail-out. ${size} people are the population; the other files keep their published proportion to it, with
-- a least number so that a small sample can still be learned from.
-- All is drawn from latent factors of about mean 0 and variance 1 in the population: places have some (urban,
-- wealth, age, family, mobility), people have their own. Six milieus hide in them: people and places of one
-- milieu have factors about the same means. An attribute shows one or two factors with noise, in steps.
create or replace macro people_in(published, least_number) as
    greatest(least_number, cast(round(${size} * (published / 891211)) as bigint));
-- The mail-out is twice the population as long as that is no more than was published: fewer people give
-- hardly an answer to learn from.
create or replace macro people_with_answer() as
    greatest(people_in(42982, 12000), least(2 * ${size}, 42982));

-- Places are numbered so that a building tells its microcell, that its postcode area, that its region.
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

-- Milieus are the true groups: the means of their factors. How urban and how wealthy a microcell is says which
-- one it belongs to; few people are of another one than the place they live in.
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
-- From the milieu that likes the company least to the one that likes it most.
create or replace macro liking_milieus() as [5, 3, 6, 1, 2, 4];
create or replace macro milieu_at(urban, wealth) as
    case when urban < -0.5 then 1 when urban < 0.6 then 3 else 5 end + if(wealth < 0.15, 0, 1);
create or replace macro milieu_of_microcell(microcell) as milieu_at(
    0.6 * urban_of_postcode(postcode_of(microcell)) + 0.8 * normal(microcell, 'urban milieu'),
    0.6 * wealth_of_postcode(postcode_of(microcell)) + 0.8 * normal(microcell, 'wealthy milieu')
);

-- Kinds of attributes. `id` is the person or place that the attribute describes and `salt` names the draw:
-- an attribute that repeats the draw of another, give or take a little, is nearly the same one. `codes` are
-- what stands for unknown; the first of them is written where the whole level is unknown (its id is null).
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
-- The same steps in an order that means nothing; no number of classes here is a multiple of 7.
create or replace macro nominal(id, salt, signal, classes, share, codes) as
    whole(id, salt, share, codes, 1 + (7 * class_of(id, salt, signal, classes) + 3) % classes);
create or replace macro amount(id, salt, signal, middle, share, codes) as
    cast(known(id, salt, share, codes, round(middle * exp(0.5 * noisy(id, salt, signal)))) as integer);
create or replace macro percent(id, salt, signal, middle, share, codes) as whole(
    id, salt, share, codes,
    round(100 * logistic(ln(middle / (100 - middle)) + 0.6 * noisy(id, salt, signal)))
);
create or replace macro flag(id, salt, signal, ones, share, codes, first := 0) as whole(
    id, salt, share, codes,
    case when uniform(id, salt) < logistic(ln(ones / (1 - ones)) + (signal)) then first + 1 else first end
);
create or replace macro word(id, salt, signal, words, share, codes) as cast(
    known(
        id, salt, share, codes, words[1 + cast(class_of(id, salt, signal, len(words)) as integer)]
    ) as varchar);

-- Lifestyles are numbers kept as text: their unknown codes are letters.
create or replace macro lifestyle_group(id, wealth) as
    cast(9 - cast(class_of(id, 'LIFESTYLE', wealth, 9) as integer) as varchar);
create or replace macro lifestyle_international(id, wealth, family) as cast(
    10 * (5 - cast(class_of(id, 'LIFESTYLE', wealth, 5) as integer))
    + 1 + cast(class_of(id, 'LIFESTYLE_INTERNATIONAL', family, 5) as integer) as varchar);

-- Older people have been on file for longer; one register writes its dates the other way round.
create or replace macro day_registered(id, age) as
    date '2018-12-31' - cast(floor(9400 * logistic(0.6 * age - 0.8 + normal(id, 'registered'))) as integer);
create or replace macro registered_on(id, age) as case
    when uniform(id, 'registered unknown') < 0.08 then null
    when uniform(id, 'registered format') < 0.06 then strftime(day_registered(id, age), '%d.%m.%Y')
    else strftime(day_registered(id, age), '%Y-%m-%d 00:00:00')
end;

-- Who is in which file. A repeated row of the population is that of somebody up to 1,000 rows before.
-- Customers and the people of the mail-out differ from the population in the factors below, customers more.
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

-- People close to the company mostly live at that of two addresses whose milieu likes it more.
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

-- The true probability of an answer: a logistic of two attributes that columns show directly (how lately
-- the person ordered by mail, a step more than a slope; catalogues answered) and of factors that columns
-- show with noise. Best at a middling wealth; being online helps only those who do not hold to tradition.
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

-- A handful of people of the population have lost their id. What else is unknown comes in blocks: no address,
-- no data on the building, none on the microcell around it.
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
    -- person level
    ordinal(person, 'AGE_CLASS', age, 4, 0, [-1, 9, null]) as AGE_CLASS,
    ordinal(
        person, 'AGE_CLASS', age + 0.1 * normal(person, 'AGE_CLASS_FINE'), 20, 0.005, [-1, 0, null]
    ) as AGE_CLASS_FINE,
    whole(person, 'BIRTH_YEAR', 0.40, [0], 2000 - floor(75 * logistic(age))) as BIRTH_YEAR,
    ordinal(person, 'FIRST_NAME_AGE_GROUP', age, 10, 0.01, [null, -1, 0]) as FIRST_NAME_AGE_GROUP,
    flag(person, 'GENDER', 0.2 * ordering, 0.52, 0.04, [-1, 0, null], first := 1) as GENDER,
    ordinal(person, 'TITLE_CLASS', culture, 5, 0.96, [-1, 0, null]) as TITLE_CLASS,
    ordinal(person, 'EDUCATION_CLASS', culture + 0.3 * wealth, 6, 0.015, [null, -1]) as EDUCATION_CLASS,
    ordinal(
        person, 'EDUCATION_CLASS',
        culture + 0.3 * wealth + 0.1 * normal(person, 'EDUCATION_CLASS_COARSE'), 3, 0.02, [-1, null]
    ) as EDUCATION_CLASS_COARSE,
    ordinal(person, 'STATUS_CLASS', wealth + 0.3 * culture, 5, 0.01, [-1, 9, null]) as STATUS_CLASS,
    ordinal(
        person, 'STATUS_CLASS', wealth + 0.3 * culture + 0.1 * normal(person, 'STATUS_CLASS_FINE'), 10,
        0.025, [null, -1, 0]
    ) as STATUS_CLASS_FINE,
    ordinal(person, 'PURCHASING_POWER_CLASS', wealth, 7, 0.03, [-1, 9, null]) as PURCHASING_POWER_CLASS,
    ordinal(
        person, 'PURCHASING_POWER_CLASS', wealth + 0.1 * normal(person, 'PURCHASING_POWER_CLASS_COARSE'),
        3, 0, [-1, null]
    ) as PURCHASING_POWER_CLASS_COARSE,
    nominal(person, 'LIFE_STAGE', age - 0.6 * family, 12, 0, [null, -1, 0]) as LIFE_STAGE,
    nominal(
        person, 'LIFE_STAGE', age - 0.6 * family + 0.1 * normal(person, 'LIFE_STAGE_FINE'), 40, 0.005,
        [-1, 0, null]
    ) as LIFE_STAGE_FINE,
    nominal(person, 'FAMILY_TYPE', family, 5, 0.01, [-1, 0, null]) as FAMILY_TYPE,
    nominal(
        person, 'FAMILY_TYPE', family + 0.1 * normal(person, 'FAMILY_TYPE_FINE'), 11, 0.04, [null, -1, 0]
    ) as FAMILY_TYPE_FINE,
    ordinal(person, 'YOUTH_DECADE', -1.2 * age, 8, 0.015, [-1, 0, null]) as YOUTH_DECADE,
    ordinal(
        person, 'YOUTH_DECADE', -1.2 * age + 0.1 * normal(person, 'YOUTH_MOVEMENT'), 15, 0.02,
        [-1, 0, null]
    ) as YOUTH_MOVEMENT,
    nominal(
        person, 'PERSONALITY_TYPE', adventure - 0.4 * age, 6, 0.01, [null, -1, 9]
    ) as PERSONALITY_TYPE,
    nominal(person, 'HEALTH_TYPE', 0.6 * green - 0.5 * age, 3, 0.025, [-1, 0, null]) as HEALTH_TYPE,
    nominal(person, 'SHOPPER_TYPE', thrift - 0.4 * status, 4, 0.03, [-1, 9, null]) as SHOPPER_TYPE,
    nominal(person, 'TRAVEL_TYPE', adventure + 0.4 * wealth, 10, 0, [null, -1]) as TRAVEL_TYPE,
    nominal(person, 'ENERGY_TYPE', green + 0.3 * thrift, 6, 0, [-1, 9, null]) as ENERGY_TYPE,
    nominal(person, 'LEISURE_TYPE', culture - 0.3 * age, 8, 0.005, [-1, 0, null]) as LEISURE_TYPE,
    nominal(person, 'MEDIA_TYPE', online, 5, 0.01, [null, -1, 9]) as MEDIA_TYPE,
    ordinal(
        person, 'HOLIDAY_SPENDING_CLASS', adventure + 0.6 * wealth, 5, 0.04, [-1, null]
    ) as HOLIDAY_SPENDING_CLASS,
    ordinal(person, 'ONLINE_AFFINITY', online, 6, 0.015, [-1, 9, null]) as ONLINE_AFFINITY,
    ordinal(
        person, 'ONLINE_AFFINITY', online + 0.1 * normal(person, 'ONLINE_AFFINITY_FINE'), 12, 0.02,
        [null, -1]
    ) as ONLINE_AFFINITY_FINE,
    ordinal(
        person, 'ONLINE_BANKING_AFFINITY', online + 0.3 * thrift, 5, 0.01, [-1, null]
    ) as ONLINE_BANKING_AFFINITY,
    ordinal(
        person, 'SOCIAL_MEDIA_AFFINITY', online - 0.5 * age, 5, 0.025, [-1, null]
    ) as SOCIAL_MEDIA_AFFINITY,
    ordinal(
        person, 'SOCIAL_MEDIA_AFFINITY',
        online - 0.5 * age + 0.1 * normal(person, 'SOCIAL_MEDIA_AFFINITY_FINE'), 10, 0.03, [null, -1]
    ) as SOCIAL_MEDIA_AFFINITY_FINE,
    whole(person, 'MAIL_ORDER_RECENCY', 0.015, [-1, 9, null], mail_order_recency) as MAIL_ORDER_RECENCY,
    ordinal(person, 'MAIL_ORDER_AFFINITY', ordering, 7, 0, [-1, 9, null]) as MAIL_ORDER_AFFINITY,
    ordinal(
        person, 'MAIL_ORDER_AFFINITY', ordering + 0.1 * normal(person, 'MAIL_ORDER_AFFINITY_COARSE'), 3,
        0, [-1, null]
    ) as MAIL_ORDER_AFFINITY_COARSE,
    whole(
        person, 'CATALOGUE_REPLIES', 0.02, [-1, null], catalogue_replies
    ) as CATALOGUE_REPLIES_24_MONTHS,
    amount(
        person, 'CATALOGUES_RECEIVED_24_MONTHS', 0.7 * ordering, 6, 0.005, [null, -1]
    ) as CATALOGUES_RECEIVED_24_MONTHS,
    ordinal(person, 'PRICE_SENSITIVITY', thrift, 5, 0.01, [-1, null]) as PRICE_SENSITIVITY,
    ordinal(
        person, 'PRICE_SENSITIVITY', thrift + 0.1 * normal(person, 'PRICE_SENSITIVITY_FINE'), 10, 0.04,
        [-1, null]
    ) as PRICE_SENSITIVITY_FINE,
    ordinal(person, 'BRAND_LOYALTY', tradition + 0.4 * status, 5, 0.015, [null, -1, 9]) as BRAND_LOYALTY,
    ordinal(
        person, 'ADVERTISING_ACCEPTANCE', ordering - 0.3 * culture, 5, 0.02, [-1, null]
    ) as ADVERTISING_ACCEPTANCE,
    ordinal(
        person, 'ORGANIC_FOOD_AFFINITY', green + 0.3 * wealth, 5, 0.01, [-1, 9, null]
    ) as ORGANIC_FOOD_AFFINITY,
    ordinal(
        person, 'DONATION_AFFINITY', tradition + 0.4 * age, 5, 0.025, [null, -1]
    ) as DONATION_AFFINITY,
    ordinal(
        person, 'NOVELTY_AFFINITY', adventure + 0.3 * online, 5, 0.03, [-1, null]
    ) as NOVELTY_AFFINITY,
    ordinal(person, 'CULTURE_INTEREST', culture, 7, 0, [-1, 9, null]) as CULTURE_INTEREST,
    ordinal(
        person, 'CULTURE_INTEREST', culture + 0.1 * normal(person, 'CULTURE_INTEREST_COARSE'), 3, 0,
        [null, -1]
    ) as CULTURE_INTEREST_COARSE,
    ordinal(person, 'SPORT_INTEREST', adventure - 0.4 * age, 7, 0.005, [-1, 9, null]) as SPORT_INTEREST,
    ordinal(
        person, 'GARDEN_INTEREST', 0.6 * tradition - 0.5 * urban, 7, 0.01, [-1, 9, null]
    ) as GARDEN_INTEREST,
    ordinal(
        person, 'COOKING_INTEREST', 0.6 * family + 0.4 * green, 7, 0.04, [null, -1, 9]
    ) as COOKING_INTEREST,
    ordinal(
        person, 'TECHNOLOGY_INTEREST', online + 0.3 * adventure, 7, 0.015, [-1, 9, null]
    ) as TECHNOLOGY_INTEREST,
    ordinal(person, 'FASHION_INTEREST', status - 0.3 * age, 7, 0.02, [-1, 9, null]) as FASHION_INTEREST,
    nominal(person, 'PET_OWNER_KIND', family, 4, 0.7, [null, -1, 0]) as PET_OWNER_KIND,
    whole(
        person, 'LAST_CAR_PURCHASE_YEAR', 0.55, [0, null], 2019 - floor(8 * uniform(person, 'car year'))
    ) as LAST_CAR_PURCHASE_YEAR,
    amount(person, 'CLUB_MEMBERSHIP_YEARS', age, 6, 0.45, [null]) as CLUB_MEMBERSHIP_YEARS,
    ordinal(person, 'NEWSPAPER_READING', tradition + 0.4 * age, 5, 0.01, [-1, null]) as NEWSPAPER_READING,
    ordinal(
        person, 'TELEVISION_HOURS_CLASS', 0.6 * age - 0.4 * culture, 5, 0.025, [null, -1]
    ) as TELEVISION_HOURS_CLASS,
    ordinal(person, 'STREAMING_AFFINITY', online - 0.5 * age, 5, 0.03, [-1, null]) as STREAMING_AFFINITY,
    ordinal(
        person, 'LOTTERY_AFFINITY', 0.6 * tradition - 0.4 * culture, 5, 0, [-1, null]
    ) as LOTTERY_AFFINITY,
    ordinal(
        person, 'SECOND_HAND_AFFINITY', 0.6 * thrift + 0.5 * green, 5, 0, [null, -1]
    ) as SECOND_HAND_AFFINITY,
    ordinal(person, 'RETURNS_CLASS', 0.6 * status + 0.3 * online, 5, 0.005, [-1, null]) as RETURNS_CLASS,
    ordinal(
        person, 'INSTALMENT_AFFINITY', -0.6 * wealth - 0.4 * thrift, 5, 0.01, [-1, null]
    ) as INSTALMENT_AFFINITY,
    ordinal(
        person, 'INVOICE_AFFINITY', 0.6 * tradition + 0.4 * ordering, 5, 0.04, [null, -1]
    ) as INVOICE_AFFINITY,
    ordinal(
        person, 'HANDICRAFT_INTEREST', 0.6 * tradition - 0.3 * urban, 7, 0.015, [-1, 9, null]
    ) as HANDICRAFT_INTEREST,
    ordinal(
        person, 'POLITICS_INTEREST', 0.6 * culture + 0.4 * age, 7, 0.02, [-1, 9, null]
    ) as POLITICS_INTEREST,
    flag(person, 'HAS_CREDIT_CARD', 0.7 * wealth, 0.55, 0.01, [null, -1]) as HAS_CREDIT_CARD,
    flag(person, 'HAS_DRIVING_LICENCE', 0.6 * mobility, 0.85, 0.025, [-1, null]) as HAS_DRIVING_LICENCE,
    flag(person, 'BUYS_ONLINE_12_MONTHS', 1.2 * online, 0.6, 0.03, [-1, null]) as BUYS_ONLINE_12_MONTHS,
    flag(
        person, 'BUYS_ONLINE_12_MONTHS',
        1.2 * online + 0.2 + 0.1 * normal(person, 'BUYS_ONLINE_24_MONTHS'), 0.6, 0, [null, -1]
    ) as BUYS_ONLINE_24_MONTHS,
    flag(
        person, 'SUBSCRIBES_NEWSPAPER', 0.8 * tradition + 0.4 * age, 0.35, 0, [-1, null]
    ) as SUBSCRIBES_NEWSPAPER,
    flag(
        person, 'OPTED_IN_NEWSLETTER', 0.6 * online + 0.6 * ordering, 0.22, 0.005, [null]
    ) as OPTED_IN_NEWSLETTER,
    cast(1 as smallint) as ACTIVE_RECORD_FLAG,
    whole(person, 'DATA_RELEASE', 0.02, [-1, null], 7) as DATA_RELEASE,
    registered_on(person, age) as REGISTERED_ON,
    ordinal(person, 'MINDSET_RELIGIOUS', tradition, 7, 0.01, [null, -1, 9]) as MINDSET_RELIGIOUS,
    ordinal(person, 'MINDSET_TRADITIONAL', tradition, 7, 0.04, [-1, 9, null]) as MINDSET_TRADITIONAL,
    ordinal(person, 'MINDSET_RATIONAL', culture, 7, 0.015, [-1, 9, null]) as MINDSET_RATIONAL,
    ordinal(person, 'MINDSET_DREAMY', -0.6 * culture, 7, 0.02, [null, -1, 9]) as MINDSET_DREAMY,
    ordinal(person, 'MINDSET_EVENT_SEEKING', adventure, 7, 0.01, [-1, 9, null]) as MINDSET_EVENT_SEEKING,
    ordinal(
        person, 'MINDSET_CRITICAL', 0.6 * culture - 0.4 * tradition, 7, 0.025, [-1, 9, null]
    ) as MINDSET_CRITICAL,
    ordinal(person, 'MINDSET_DOMINANT', status, 7, 0.03, [null, -1, 9]) as MINDSET_DOMINANT,
    ordinal(person, 'MINDSET_COMBATIVE', adventure - 0.3 * age, 7, 0, [-1, 9, null]) as MINDSET_COMBATIVE,
    ordinal(
        person, 'MINDSET_DUTIFUL', 0.7 * tradition + 0.4 * thrift, 7, 0, [-1, 9, null]
    ) as MINDSET_DUTIFUL,
    ordinal(person, 'MINDSET_FAMILY_MINDED', family, 7, 0.005, [null, -1, 9]) as MINDSET_FAMILY_MINDED,
    ordinal(
        person, 'MINDSET_SOCIAL', 0.6 * family + 0.4 * green, 7, 0.01, [-1, 9, null]
    ) as MINDSET_SOCIAL,
    ordinal(person, 'MINDSET_CULTURED', culture, 7, 0.04, [-1, 9, null]) as MINDSET_CULTURED,
    ordinal(
        person, 'MINDSET_MATERIALISTIC', status - 0.3 * green, 7, 0.015, [null, -1, 9]
    ) as MINDSET_MATERIALISTIC,
    ordinal(
        person, 'MINDSET_SENSUAL', adventure - 0.3 * tradition, 7, 0.02, [-1, 9, null]
    ) as MINDSET_SENSUAL,
    ordinal(person, 'FINANCE_MINIMALIST', -0.8 * wealth, 5, 0.01, [-1, null]) as FINANCE_MINIMALIST,
    ordinal(person, 'FINANCE_SAVER', thrift, 5, 0.025, [null, -1]) as FINANCE_SAVER,
    ordinal(person, 'FINANCE_INVESTOR', wealth, 5, 0.03, [-1, null]) as FINANCE_INVESTOR,
    ordinal(
        person, 'FINANCE_HOME_BUILDER', 0.7 * family + 0.4 * wealth, 5, 0, [-1, null]
    ) as FINANCE_HOME_BUILDER,
    ordinal(
        person, 'FINANCE_WELL_PREPARED', 0.7 * thrift + 0.4 * age, 5, 0, [null, -1]
    ) as FINANCE_WELL_PREPARED,
    ordinal(person, 'FINANCE_UNREMARKABLE', -0.5 * status, 5, 0.005, [-1, null]) as FINANCE_UNREMARKABLE,
    nominal(person, 'FINANCE_TYPE', wealth - 0.5 * thrift, 6, 0.01, [-1, null]) as FINANCE_TYPE,
    -- household level
    ordinal(
        household, 'HOUSEHOLD_INCOME_CLASS', wealth + 0.3 * family, 6, 0.04, [null, -1, 9]
    ) as HOUSEHOLD_INCOME_CLASS,
    ordinal(
        household, 'HOUSEHOLD_INCOME_CLASS',
        wealth + 0.3 * family + 0.1 * normal(household, 'HOUSEHOLD_INCOME_CLASS_FINE'), 18, 0.015,
        [-1, null]
    ) as HOUSEHOLD_INCOME_CLASS_FINE,
    ordinal(household, 'HOUSEHOLD_ADULTS', 0.8 * family, 4, 0.02, [-1, 0, null]) as HOUSEHOLD_ADULTS,
    whole(
        household, 'HOUSEHOLD_CHILDREN', 0.02, [-1, null],
        greatest(0, floor(family + 0.6 * normal(household, 'children')))
    ) as HOUSEHOLD_CHILDREN,
    whole(
        household, 'CHILD_AGE', 0.88, [null], 17 - floor(17 * uniform(household, 'CHILD_1_AGE'))
    ) as CHILD_1_AGE,
    whole(
        household, 'CHILD_AGE', 0.94, [null], 14 - floor(14 * uniform(household, 'CHILD_2_AGE'))
    ) as CHILD_2_AGE,
    whole(
        household, 'CHILD_AGE', 0.97, [null], 11 - floor(11 * uniform(household, 'CHILD_3_AGE'))
    ) as CHILD_3_AGE,
    whole(
        household, 'CHILD_AGE', 0.99, [null], 8 - floor(8 * uniform(household, 'CHILD_4_AGE'))
    ) as CHILD_4_AGE,
    amount(
        household, 'HOUSEHOLD_LENGTH_OF_RESIDENCE', 0.7 * age - 0.3 * urban, 8, 0.01, [null, -1]
    ) as HOUSEHOLD_LENGTH_OF_RESIDENCE,
    ordinal(
        household, 'HOUSEHOLD_LENGTH_OF_RESIDENCE',
        0.7 * age - 0.3 * urban + 0.1 * normal(household, 'HOUSEHOLD_LENGTH_OF_RESIDENCE_CLASS'), 9,
        0.025, [-1, 0, null]
    ) as HOUSEHOLD_LENGTH_OF_RESIDENCE_CLASS,
    ordinal(
        household, 'HOUSEHOLD_MOVES_10_YEARS', 0.6 * urban - 0.6 * age, 5, 0.03, [-1, null]
    ) as HOUSEHOLD_MOVES_10_YEARS,
    flag(
        household, 'HOUSEHOLD_OWNS_HOME', 0.8 * wealth - 0.6 * urban, 0.48, 0, [null, -1]
    ) as HOUSEHOLD_OWNS_HOME,
    amount(household, 'HOUSEHOLD_CARS', 0.9 * mobility, 1.3, 0, [-1, null]) as HOUSEHOLD_CARS,
    nominal(
        household, 'HOUSEHOLD_STRUCTURE', family - 0.3 * age, 9, 0.005, [-1, 0, null]
    ) as HOUSEHOLD_STRUCTURE,
    ordinal(
        household, 'HOUSEHOLD_SAVINGS_CLASS', thrift + 0.5 * wealth, 5, 0.01, [null, -1, 9]
    ) as HOUSEHOLD_SAVINGS_CLASS,
    ordinal(
        household, 'HOUSEHOLD_DEBT_CLASS', -0.6 * thrift, 5, 0.04, [-1, null]
    ) as HOUSEHOLD_DEBT_CLASS,
    ordinal(
        household, 'HOUSEHOLD_CREDIT_RISK', -0.7 * wealth - 0.4 * thrift, 5, 0.015, [-1, null]
    ) as HOUSEHOLD_CREDIT_RISK,
    ordinal(
        household, 'HOUSEHOLD_CREDIT_RISK',
        -0.7 * wealth - 0.4 * thrift + 0.1 * normal(household, 'HOUSEHOLD_CREDIT_RISK_FINE'), 15, 0.02,
        [null, -1]
    ) as HOUSEHOLD_CREDIT_RISK_FINE,
    ordinal(
        household, 'HOUSEHOLD_INSURANCE_CLASS', 0.7 * family + 0.4 * thrift, 5, 0.01, [-1, null]
    ) as HOUSEHOLD_INSURANCE_CLASS,
    ordinal(household, 'HOUSEHOLD_CLUB_CARD', thrift, 4, 0.66, [-1, 9, null]) as HOUSEHOLD_CLUB_CARD,
    ordinal(household, 'HOUSEHOLD_BANK_PRODUCTS', wealth, 6, 0.35, [null, -1]) as HOUSEHOLD_BANK_PRODUCTS,
    ordinal(household, 'HOLIDAY_HOME_CLASS', wealth, 3, 0.62, [0, null]) as HOLIDAY_HOME_CLASS,
    amount(
        household, 'HOUSEHOLD_GROCERY_SPENDING', 0.7 * family, 310, 0.025, [-1, null]
    ) as HOUSEHOLD_GROCERY_SPENDING,
    amount(household, 'HOUSEHOLD_POWER_USE', 0.6 * family, 3100, 0.03, [null, -1]) as HOUSEHOLD_POWER_USE,
    ordinal(
        household, 'HOUSEHOLD_MOBILE_CONTRACTS', 0.6 * family + 0.3 * online, 5, 0, [-1, null]
    ) as HOUSEHOLD_MOBILE_CONTRACTS,
    flag(household, 'HOUSEHOLD_HAS_LANDLINE', 0.9 * age, 0.6, 0, [-1, null]) as HOUSEHOLD_HAS_LANDLINE,
    ordinal(
        household, 'BUYS_CLOTHING_12_MONTHS', status + 0.5 * ordering, 7, 0.005, [null, -1]
    ) as BUYS_CLOTHING_12_MONTHS,
    ordinal(
        household, 'BUYS_CLOTHING_12_MONTHS',
        status + 0.5 * ordering + 0.1 * normal(household, 'BUYS_CLOTHING_24_MONTHS'), 7, 0.01, [-1, null]
    ) as BUYS_CLOTHING_24_MONTHS,
    ordinal(
        household, 'BUYS_SHOES_12_MONTHS', status - 0.3 * age + 0.5 * ordering, 7, 0.04, [-1, null]
    ) as BUYS_SHOES_12_MONTHS,
    ordinal(
        household, 'BUYS_SHOES_12_MONTHS',
        status - 0.3 * age + 0.5 * ordering + 0.1 * normal(household, 'BUYS_SHOES_24_MONTHS'), 7, 0.015,
        [null, -1]
    ) as BUYS_SHOES_24_MONTHS,
    ordinal(
        household, 'BUYS_BOOKS_12_MONTHS', culture + 0.5 * ordering, 7, 0.02, [-1, null]
    ) as BUYS_BOOKS_12_MONTHS,
    ordinal(
        household, 'BUYS_BOOKS_12_MONTHS',
        culture + 0.5 * ordering + 0.1 * normal(household, 'BUYS_BOOKS_24_MONTHS'), 7, 0.01, [-1, null]
    ) as BUYS_BOOKS_24_MONTHS,
    ordinal(
        household, 'BUYS_MUSIC_12_MONTHS', 0.6 * culture - 0.4 * age + 0.5 * ordering, 7, 0.025,
        [null, -1]
    ) as BUYS_MUSIC_12_MONTHS,
    ordinal(
        household, 'BUYS_MUSIC_12_MONTHS',
        0.6 * culture - 0.4 * age + 0.5 * ordering + 0.1 * normal(household, 'BUYS_MUSIC_24_MONTHS'), 7,
        0.03, [-1, null]
    ) as BUYS_MUSIC_24_MONTHS,
    ordinal(
        household, 'BUYS_TOYS_12_MONTHS', family + 0.5 * ordering, 7, 0, [-1, null]
    ) as BUYS_TOYS_12_MONTHS,
    ordinal(
        household, 'BUYS_TOYS_12_MONTHS',
        family + 0.5 * ordering + 0.1 * normal(household, 'BUYS_TOYS_24_MONTHS'), 7, 0, [null, -1]
    ) as BUYS_TOYS_24_MONTHS,
    ordinal(
        household, 'BUYS_CHILDRENS_WEAR_12_MONTHS', family + 0.5 * ordering, 7, 0.005, [-1, null]
    ) as BUYS_CHILDRENS_WEAR_12_MONTHS,
    ordinal(
        household, 'BUYS_CHILDRENS_WEAR_12_MONTHS',
        family + 0.5 * ordering + 0.1 * normal(household, 'BUYS_CHILDRENS_WEAR_24_MONTHS'), 7, 0.01,
        [-1, null]
    ) as BUYS_CHILDRENS_WEAR_24_MONTHS,
    ordinal(
        household, 'BUYS_GARDEN_12_MONTHS', -0.6 * urban + 0.4 * age + 0.5 * ordering, 7, 0.04, [null, -1]
    ) as BUYS_GARDEN_12_MONTHS,
    ordinal(
        household, 'BUYS_GARDEN_12_MONTHS',
        -0.6 * urban + 0.4 * age + 0.5 * ordering + 0.1 * normal(household, 'BUYS_GARDEN_24_MONTHS'), 7,
        0.015, [-1, null]
    ) as BUYS_GARDEN_24_MONTHS,
    ordinal(
        household, 'BUYS_FURNITURE_12_MONTHS', 0.6 * family + 0.4 * wealth + 0.5 * ordering, 7, 0.02,
        [-1, null]
    ) as BUYS_FURNITURE_12_MONTHS,
    ordinal(
        household, 'BUYS_FURNITURE_12_MONTHS',
        0.6 * family + 0.4 * wealth + 0.5 * ordering
        + 0.1 * normal(household, 'BUYS_FURNITURE_24_MONTHS'), 7, 0.01, [null, -1]
    ) as BUYS_FURNITURE_24_MONTHS,
    ordinal(
        household, 'BUYS_HOME_TEXTILES_12_MONTHS', tradition + 0.5 * ordering, 7, 0.025, [-1, null]
    ) as BUYS_HOME_TEXTILES_12_MONTHS,
    ordinal(
        household, 'BUYS_HOME_TEXTILES_12_MONTHS',
        tradition + 0.5 * ordering + 0.1 * normal(household, 'BUYS_HOME_TEXTILES_24_MONTHS'), 7, 0.03,
        [-1, null]
    ) as BUYS_HOME_TEXTILES_24_MONTHS,
    ordinal(
        household, 'BUYS_ELECTRONICS_12_MONTHS', online + 0.5 * ordering, 7, 0, [null, -1]
    ) as BUYS_ELECTRONICS_12_MONTHS,
    ordinal(
        household, 'BUYS_ELECTRONICS_12_MONTHS',
        online + 0.5 * ordering + 0.1 * normal(household, 'BUYS_ELECTRONICS_24_MONTHS'), 7, 0, [-1, null]
    ) as BUYS_ELECTRONICS_24_MONTHS,
    ordinal(
        household, 'BUYS_SOFTWARE_12_MONTHS', online - 0.3 * age + 0.5 * ordering, 7, 0.005, [-1, null]
    ) as BUYS_SOFTWARE_12_MONTHS,
    ordinal(
        household, 'BUYS_SOFTWARE_12_MONTHS',
        online - 0.3 * age + 0.5 * ordering + 0.1 * normal(household, 'BUYS_SOFTWARE_24_MONTHS'), 7, 0.01,
        [null, -1]
    ) as BUYS_SOFTWARE_24_MONTHS,
    ordinal(
        household, 'BUYS_COSMETICS_12_MONTHS', 0.6 * status + 0.4 * ordering, 7, 0.04, [-1, null]
    ) as BUYS_COSMETICS_12_MONTHS,
    ordinal(
        household, 'BUYS_COSMETICS_12_MONTHS',
        0.6 * status + 0.4 * ordering + 0.1 * normal(household, 'BUYS_COSMETICS_24_MONTHS'), 7, 0.015,
        [-1, null]
    ) as BUYS_COSMETICS_24_MONTHS,
    ordinal(
        household, 'BUYS_HEALTH_12_MONTHS', 0.7 * age + 0.5 * ordering, 7, 0.02, [null, -1]
    ) as BUYS_HEALTH_12_MONTHS,
    ordinal(
        household, 'BUYS_HEALTH_12_MONTHS',
        0.7 * age + 0.5 * ordering + 0.1 * normal(household, 'BUYS_HEALTH_24_MONTHS'), 7, 0.01, [-1, null]
    ) as BUYS_HEALTH_24_MONTHS,
    ordinal(
        household, 'BUYS_FOOD_12_MONTHS', 0.6 * ordering + 0.4 * green, 7, 0.025, [-1, null]
    ) as BUYS_FOOD_12_MONTHS,
    ordinal(
        household, 'BUYS_FOOD_12_MONTHS',
        0.6 * ordering + 0.4 * green + 0.1 * normal(household, 'BUYS_FOOD_24_MONTHS'), 7, 0.03, [null, -1]
    ) as BUYS_FOOD_24_MONTHS,
    ordinal(
        household, 'BUYS_WINE_12_MONTHS', 0.6 * culture + 0.5 * wealth + 0.5 * ordering, 7, 0, [-1, null]
    ) as BUYS_WINE_12_MONTHS,
    ordinal(
        household, 'BUYS_WINE_12_MONTHS',
        0.6 * culture + 0.5 * wealth + 0.5 * ordering + 0.1 * normal(household, 'BUYS_WINE_24_MONTHS'), 7,
        0, [-1, null]
    ) as BUYS_WINE_24_MONTHS,
    ordinal(
        household, 'BUYS_TRAVEL_12_MONTHS', adventure + 0.5 * ordering, 7, 0.005, [null, -1]
    ) as BUYS_TRAVEL_12_MONTHS,
    ordinal(
        household, 'BUYS_TRAVEL_12_MONTHS',
        adventure + 0.5 * ordering + 0.1 * normal(household, 'BUYS_TRAVEL_24_MONTHS'), 7, 0.01, [-1, null]
    ) as BUYS_TRAVEL_24_MONTHS,
    ordinal(
        household, 'BUYS_SPORT_12_MONTHS', adventure - 0.3 * age + 0.5 * ordering, 7, 0.04, [-1, null]
    ) as BUYS_SPORT_12_MONTHS,
    ordinal(
        household, 'BUYS_SPORT_12_MONTHS',
        adventure - 0.3 * age + 0.5 * ordering + 0.1 * normal(household, 'BUYS_SPORT_24_MONTHS'), 7,
        0.015, [null, -1]
    ) as BUYS_SPORT_24_MONTHS,
    ordinal(
        household, 'BUYS_INSURANCE_12_MONTHS', 0.6 * thrift + 0.5 * ordering, 7, 0.02, [-1, null]
    ) as BUYS_INSURANCE_12_MONTHS,
    ordinal(
        household, 'BUYS_INSURANCE_12_MONTHS',
        0.6 * thrift + 0.5 * ordering + 0.1 * normal(household, 'BUYS_INSURANCE_24_MONTHS'), 7, 0.01,
        [-1, null]
    ) as BUYS_INSURANCE_24_MONTHS,
    ordinal(
        household, 'LAST_CONTACT_CATALOGUE', -1 * ordering, 10, 0.025, [null, -1]
    ) as LAST_CONTACT_CATALOGUE,
    ordinal(
        household, 'LAST_CONTACT_ONLINE_SHOP', -1 * online, 10, 0.03, [-1, null]
    ) as LAST_CONTACT_ONLINE_SHOP,
    ordinal(
        household, 'LAST_CONTACT_TELEPHONE', -1 * (0.6 * tradition + 0.5 * ordering), 10, 0, [-1, null]
    ) as LAST_CONTACT_TELEPHONE,
    ordinal(household, 'LAST_CONTACT_BANK', -1 * (0.5 * wealth), 10, 0, [null, -1]) as LAST_CONTACT_BANK,
    ordinal(
        household, 'LAST_CONTACT_INSURER', -1 * (0.5 * thrift), 10, 0.005, [-1, null]
    ) as LAST_CONTACT_INSURER,
    ordinal(
        household, 'LAST_CONTACT_TRAVEL_AGENCY', -1 * adventure, 10, 0.01, [-1, null]
    ) as LAST_CONTACT_TRAVEL_AGENCY,
    percent(
        household, 'ONLINE_SHARE_OF_ORDERS', 1.2 * online, 45, 0.04, [null, -1]
    ) as ONLINE_SHARE_OF_ORDERS,
    -- building level
    amount(building, 'BUILDING_ADULTS', 1.4 * building_size, 4, 0.015, [-1, null]) as BUILDING_ADULTS,
    amount(
        building, 'BUILDING_ADULTS', 1.4 * building_size + 0.1 * normal(building, 'BUILDING_HOUSEHOLDS'),
        3, 0.02, [-1, null]
    ) as BUILDING_HOUSEHOLDS,
    ordinal(
        building, 'BUILDING_ADULTS', 1.4 * building_size + 0.1 * normal(building, 'BUILDING_SIZE_CLASS'),
        5, 0.01, [null, -1, 0]
    ) as BUILDING_SIZE_CLASS,
    amount(
        building, 'BUILDING_TITLE_HOLDERS', 0.6 * cell_wealth, 0.8, 0.025, [-1, null]
    ) as BUILDING_TITLE_HOLDERS,
    nominal(building, 'BUILDING_TYPE', building_size, 8, 0.03, [-1, 0, null]) as BUILDING_TYPE,
    nominal(
        building, 'BUILDING_TYPE', building_size + 0.1 * normal(building, 'BUILDING_TYPE_COARSE'), 5, 0,
        [null, -1, 0]
    ) as BUILDING_TYPE_COARSE,
    whole(
        building, 'BUILDING_FIRST_SEEN_YEAR', 0.02, [0, null],
        2004 - floor(13 * uniform(building, 'first seen'))
    ) as BUILDING_FIRST_SEEN_YEAR,
    ordinal(
        building, 'BUILDING_CONSTRUCTION_PERIOD', -0.5 * cell_urban, 9, 0, [-1, 0, null]
    ) as BUILDING_CONSTRUCTION_PERIOD,
    ordinal(building, 'BUILDING_CONDITION', cell_wealth, 5, 0.005, [-1, 9, null]) as BUILDING_CONDITION,
    ordinal(
        building, 'BUILDING_RENT_LEVEL', 0.6 * cell_urban + 0.6 * cell_wealth, 7, 0.01, [null, -1]
    ) as BUILDING_RENT_LEVEL,
    amount(
        building, 'BUILDING_DISTANCE_TO_CENTRE', -1.2 * cell_urban, 8, 0.04, [-1, null]
    ) as BUILDING_DISTANCE_TO_CENTRE,
    ordinal(
        building, 'BUILDING_DISTANCE_TO_CENTRE',
        -1.2 * cell_urban + 0.1 * normal(building, 'BUILDING_DISTANCE_TO_CENTRE_CLASS'), 7, 0.015,
        [-1, null]
    ) as BUILDING_DISTANCE_TO_CENTRE_CLASS,
    amount(
        building, 'BUILDING_DISTANCE_TO_SHOP', -1 * cell_urban, 900, 0.02, [null, -1]
    ) as BUILDING_DISTANCE_TO_SHOP,
    flag(
        building, 'BUILDING_HAS_BUSINESS', 0.5 * cell_urban, 0.18, 0.01, [-1, null]
    ) as BUILDING_HAS_BUSINESS,
    flag(
        building, 'BUILDING_HAS_GARDEN', -1.2 * building_size, 0.55, 0.025, [-1, null]
    ) as BUILDING_HAS_GARDEN,
    flag(
        building, 'BUILDING_HAS_SOLAR_ROOF', -0.6 * cell_urban, 0.09, 0.03, [null, -1]
    ) as BUILDING_HAS_SOLAR_ROOF,
    ordinal(
        building, 'BUILDING_CREDIT_RISK', -0.8 * cell_wealth, 5, 0, [-1, null]
    ) as BUILDING_CREDIT_RISK,
    ordinal(
        building, 'BUILDING_INTERNET_SPEED', 0.8 * cell_urban, 5, 0, [-1, 0, null]
    ) as BUILDING_INTERNET_SPEED,
    ordinal(
        building, 'BUILDING_TURNOVER_OF_TENANTS', 0.7 * building_size, 5, 0.005, [null, -1, 9]
    ) as BUILDING_TURNOVER_OF_TENANTS,
    percent(
        building, 'BUILDING_OWNERS_SHARE', -1 * building_size + 0.4 * cell_wealth, 50, 0.01, [-1, null]
    ) as BUILDING_OWNERS_SHARE,
    nominal(building, 'BUILDING_HEATING', 0.5 * cell_urban, 5, 0.04, [-1, 0, null]) as BUILDING_HEATING,
    ordinal(
        building, 'BUILDING_NEIGHBOURHOOD_QUALITY', cell_wealth, 8, 0.015, [null, -1]
    ) as BUILDING_NEIGHBOURHOOD_QUALITY,
    ordinal(
        building, 'BUILDING_NEIGHBOURHOOD_QUALITY',
        cell_wealth + 0.1 * normal(building, 'BUILDING_NEIGHBOURHOOD_QUALITY_COARSE'), 3, 0.02, [-1, null]
    ) as BUILDING_NEIGHBOURHOOD_QUALITY_COARSE,
    -- microcell level
    known(
        microcell, 'LIFESTYLE', 0.01, ['XX', 'X', null], lifestyle_group(microcell, cell_wealth)
        || chr(65 + cast(class_of(microcell, 'LIFESTYLE_TYPE', cell_family, 5) as integer))
    ) as LIFESTYLE_TYPE,
    known(
        microcell, 'LIFESTYLE', 0.01, ['X', '-1', null], lifestyle_group(microcell, cell_wealth)
    ) as LIFESTYLE_GROUP,
    known(
        microcell, 'LIFESTYLE', 0.01, ['XX', 'X', null],
        lifestyle_international(microcell, cell_wealth, cell_family)
    ) as LIFESTYLE_GROUP_INTERNATIONAL,
    ordinal(
        microcell, 'CAR_SEGMENT_MINI_SHARE', 0.7 * cell_urban, 5, 0.01, [-1, 9, null]
    ) as CAR_SEGMENT_MINI_SHARE,
    percent(
        microcell, 'CAR_SEGMENT_MINI_SHARE',
        0.7 * cell_urban + 0.1 * normal(microcell, 'CAR_SEGMENT_MINI_PERCENT'), 9, 0.025, [null, -1]
    ) as CAR_SEGMENT_MINI_PERCENT,
    ordinal(
        microcell, 'CAR_SEGMENT_SMALL_SHARE', -0.5 * cell_wealth, 5, 0.03, [-1, null]
    ) as CAR_SEGMENT_SMALL_SHARE,
    percent(
        microcell, 'CAR_SEGMENT_SMALL_SHARE',
        -0.5 * cell_wealth + 0.1 * normal(microcell, 'CAR_SEGMENT_SMALL_PERCENT'), 18, 0, [-1, null]
    ) as CAR_SEGMENT_SMALL_PERCENT,
    ordinal(
        microcell, 'CAR_SEGMENT_COMPACT_SHARE', -0.4 * cell_wealth, 5, 0, [null, -1, 0]
    ) as CAR_SEGMENT_COMPACT_SHARE,
    percent(
        microcell, 'CAR_SEGMENT_COMPACT_SHARE',
        -0.4 * cell_wealth + 0.1 * normal(microcell, 'CAR_SEGMENT_COMPACT_PERCENT'), 25, 0.005, [-1, null]
    ) as CAR_SEGMENT_COMPACT_PERCENT,
    ordinal(
        microcell, 'CAR_SEGMENT_MIDDLE_SHARE', 0.4 * cell_age, 5, 0.01, [-1, 9, null]
    ) as CAR_SEGMENT_MIDDLE_SHARE,
    percent(
        microcell, 'CAR_SEGMENT_MIDDLE_SHARE',
        0.4 * cell_age + 0.1 * normal(microcell, 'CAR_SEGMENT_MIDDLE_PERCENT'), 16, 0.04, [null, -1]
    ) as CAR_SEGMENT_MIDDLE_PERCENT,
    ordinal(
        microcell, 'CAR_SEGMENT_UPPER_MIDDLE_SHARE', 0.8 * cell_wealth, 5, 0.015, [-1, null]
    ) as CAR_SEGMENT_UPPER_MIDDLE_SHARE,
    percent(
        microcell, 'CAR_SEGMENT_UPPER_MIDDLE_SHARE',
        0.8 * cell_wealth + 0.1 * normal(microcell, 'CAR_SEGMENT_UPPER_MIDDLE_PERCENT'), 7, 0.02,
        [-1, null]
    ) as CAR_SEGMENT_UPPER_MIDDLE_PERCENT,
    ordinal(
        microcell, 'CAR_SEGMENT_LUXURY_SHARE', cell_wealth, 5, 0.01, [null, -1, 0]
    ) as CAR_SEGMENT_LUXURY_SHARE,
    percent(
        microcell, 'CAR_SEGMENT_LUXURY_SHARE',
        cell_wealth + 0.1 * normal(microcell, 'CAR_SEGMENT_LUXURY_PERCENT'), 3, 0.025, [-1, null]
    ) as CAR_SEGMENT_LUXURY_PERCENT,
    ordinal(
        microcell, 'CAR_SEGMENT_OFF_ROAD_SHARE', 0.7 * cell_wealth, 5, 0.03, [-1, 9, null]
    ) as CAR_SEGMENT_OFF_ROAD_SHARE,
    percent(
        microcell, 'CAR_SEGMENT_OFF_ROAD_SHARE',
        0.7 * cell_wealth + 0.1 * normal(microcell, 'CAR_SEGMENT_OFF_ROAD_PERCENT'), 9, 0, [null, -1]
    ) as CAR_SEGMENT_OFF_ROAD_PERCENT,
    ordinal(
        microcell, 'CAR_SEGMENT_SPORTS_SHARE', cell_wealth, 5, 0, [-1, null]
    ) as CAR_SEGMENT_SPORTS_SHARE,
    percent(
        microcell, 'CAR_SEGMENT_SPORTS_SHARE',
        cell_wealth + 0.1 * normal(microcell, 'CAR_SEGMENT_SPORTS_PERCENT'), 4, 0.005, [-1, null]
    ) as CAR_SEGMENT_SPORTS_PERCENT,
    ordinal(
        microcell, 'CAR_SEGMENT_CONVERTIBLE_SHARE', 0.8 * cell_wealth, 5, 0.01, [null, -1, 0]
    ) as CAR_SEGMENT_CONVERTIBLE_SHARE,
    percent(
        microcell, 'CAR_SEGMENT_CONVERTIBLE_SHARE',
        0.8 * cell_wealth + 0.1 * normal(microcell, 'CAR_SEGMENT_CONVERTIBLE_PERCENT'), 5, 0.04,
        [-1, null]
    ) as CAR_SEGMENT_CONVERTIBLE_PERCENT,
    ordinal(
        microcell, 'CAR_SEGMENT_VAN_SHARE', cell_family, 5, 0.015, [-1, 9, null]
    ) as CAR_SEGMENT_VAN_SHARE,
    ordinal(
        microcell, 'CAR_SEGMENT_MINI_VAN_SHARE', 0.8 * cell_family, 5, 0.02, [null, -1]
    ) as CAR_SEGMENT_MINI_VAN_SHARE,
    ordinal(
        microcell, 'CAR_SEGMENT_CAMPER_SHARE', cell_age, 5, 0.01, [-1, 0, null]
    ) as CAR_SEGMENT_CAMPER_SHARE,
    ordinal(
        microcell, 'CAR_SEGMENT_UTILITY_SHARE', -0.8 * cell_urban, 5, 0.025, [-1, 9, null]
    ) as CAR_SEGMENT_UTILITY_SHARE,
    ordinal(
        microcell, 'CAR_SEGMENT_ESTATE_SHARE', 0.6 * cell_family, 5, 0.03, [null, -1]
    ) as CAR_SEGMENT_ESTATE_SHARE,
    ordinal(
        microcell, 'CAR_MAKER_DOMESTIC_PREMIUM_SHARE', cell_wealth, 5, 0, [-1, 9, null]
    ) as CAR_MAKER_DOMESTIC_PREMIUM_SHARE,
    ordinal(
        microcell, 'CAR_MAKER_DOMESTIC_VOLUME_SHARE', -0.4 * cell_wealth, 5, 0, [-1, 9, null]
    ) as CAR_MAKER_DOMESTIC_VOLUME_SHARE,
    ordinal(
        microcell, 'CAR_MAKER_FRENCH_SHARE', 0.4 * cell_urban, 5, 0.005, [null, -1, 9]
    ) as CAR_MAKER_FRENCH_SHARE,
    ordinal(
        microcell, 'CAR_MAKER_ITALIAN_SHARE', 0.4 * cell_urban, 5, 0.01, [-1, 9, null]
    ) as CAR_MAKER_ITALIAN_SHARE,
    ordinal(
        microcell, 'CAR_MAKER_ASIAN_SHARE', -0.5 * cell_wealth, 5, 0.04, [-1, 9, null]
    ) as CAR_MAKER_ASIAN_SHARE,
    ordinal(
        microcell, 'CAR_MAKER_AMERICAN_SHARE', 0.3 * cell_mobility, 5, 0.015, [null, -1, 9]
    ) as CAR_MAKER_AMERICAN_SHARE,
    ordinal(
        microcell, 'CAR_MAKER_BRITISH_SHARE', 0.7 * cell_wealth, 5, 0.02, [-1, 9, null]
    ) as CAR_MAKER_BRITISH_SHARE,
    ordinal(
        microcell, 'CAR_MAKER_EAST_EUROPEAN_SHARE', -0.6 * cell_wealth, 5, 0.01, [-1, 9, null]
    ) as CAR_MAKER_EAST_EUROPEAN_SHARE,
    ordinal(
        microcell, 'CAR_MAKER_SWEDISH_SHARE', 0.5 * cell_wealth + 0.3 * cell_family, 5, 0.025,
        [null, -1, 9]
    ) as CAR_MAKER_SWEDISH_SHARE,
    ordinal(
        microcell, 'CAR_MAKER_OTHER_SHARE', 0.3 * cell_urban, 5, 0.03, [-1, 9, null]
    ) as CAR_MAKER_OTHER_SHARE,
    ordinal(
        microcell, 'CAR_AGE_UNDER_2_YEARS_SHARE', cell_wealth, 5, 0, [-1, null]
    ) as CAR_AGE_UNDER_2_YEARS_SHARE,
    ordinal(
        microcell, 'CAR_AGE_2_TO_5_YEARS_SHARE', 0.6 * cell_wealth, 5, 0, [null, -1]
    ) as CAR_AGE_2_TO_5_YEARS_SHARE,
    ordinal(
        microcell, 'CAR_AGE_6_TO_10_YEARS_SHARE', -0.4 * cell_wealth, 5, 0.005, [-1, null]
    ) as CAR_AGE_6_TO_10_YEARS_SHARE,
    ordinal(
        microcell, 'CAR_AGE_OVER_10_YEARS_SHARE', -1 * cell_wealth, 5, 0.01, [-1, null]
    ) as CAR_AGE_OVER_10_YEARS_SHARE,
    ordinal(
        microcell, 'CAR_POWER_UNDER_60_KW_SHARE', -0.8 * cell_wealth, 5, 0.04, [null, -1]
    ) as CAR_POWER_UNDER_60_KW_SHARE,
    ordinal(
        microcell, 'CAR_POWER_60_TO_120_KW_SHARE', 0.2 * cell_wealth, 5, 0.015, [-1, null]
    ) as CAR_POWER_60_TO_120_KW_SHARE,
    ordinal(
        microcell, 'CAR_POWER_OVER_120_KW_SHARE', cell_wealth, 5, 0.02, [-1, null]
    ) as CAR_POWER_OVER_120_KW_SHARE,
    ordinal(
        microcell, 'CAR_FUEL_PETROL_SHARE', 0.3 * cell_urban, 5, 0.01, [null, -1]
    ) as CAR_FUEL_PETROL_SHARE,
    ordinal(
        microcell, 'CAR_FUEL_DIESEL_SHARE', cell_mobility, 5, 0.025, [-1, null]
    ) as CAR_FUEL_DIESEL_SHARE,
    percent(
        microcell, 'CAR_FUEL_DIESEL_SHARE',
        cell_mobility + 0.1 * normal(microcell, 'CAR_FUEL_DIESEL_PERCENT'), 30, 0.03, [-1, null]
    ) as CAR_FUEL_DIESEL_PERCENT,
    ordinal(
        microcell, 'CAR_FUEL_ELECTRIC_SHARE', 0.7 * cell_wealth, 5, 0, [null, -1]
    ) as CAR_FUEL_ELECTRIC_SHARE,
    percent(
        microcell, 'CAR_FUEL_ELECTRIC_SHARE',
        0.7 * cell_wealth + 0.1 * normal(microcell, 'CAR_FUEL_ELECTRIC_PERCENT'), 4, 0, [-1, null]
    ) as CAR_FUEL_ELECTRIC_PERCENT,
    ordinal(
        microcell, 'CAR_FUEL_HYBRID_SHARE', 0.6 * cell_wealth, 5, 0.005, [-1, null]
    ) as CAR_FUEL_HYBRID_SHARE,
    ordinal(
        microcell, 'CAR_OWNERS_YOUNG_SHARE', -1 * cell_age, 5, 0.01, [null, -1]
    ) as CAR_OWNERS_YOUNG_SHARE,
    ordinal(
        microcell, 'CAR_OWNERS_MIDDLE_AGED_SHARE', 0.3 * cell_family, 5, 0.04, [-1, null]
    ) as CAR_OWNERS_MIDDLE_AGED_SHARE,
    ordinal(microcell, 'CAR_OWNERS_OLD_SHARE', cell_age, 5, 0.015, [-1, null]) as CAR_OWNERS_OLD_SHARE,
    amount(microcell, 'CAR_COUNT', 0.7 * cell_mobility, 420, 0.02, [null, -1]) as CAR_COUNT,
    amount(
        microcell, 'CAR_COUNT', cell_mobility + 0.1 * normal(microcell, 'CAR_HOUSEHOLD_RATIO'), 110, 0.01,
        [-1, null]
    ) as CAR_HOUSEHOLD_RATIO,
    whole(
        microcell, 'CAR_TOP_SPEED_MEAN', 0.01, [-1, null],
        round(180 + 9 * noisy(microcell, 'CAR_TOP_SPEED_MEAN', 0.5 * cell_wealth))
    ) as CAR_TOP_SPEED_MEAN,
    ordinal(microcell, 'CAR_TRAILER_SHARE', -0.7 * cell_urban, 5, 0.025, [-1, null]) as CAR_TRAILER_SHARE,
    ordinal(
        microcell, 'CAR_MOTORCYCLE_SHARE', 0.5 * cell_mobility, 5, 0.03, [null, -1]
    ) as CAR_MOTORCYCLE_SHARE,
    amount(
        microcell, 'MICROCELL_HOUSEHOLDS', 0.6 * cell_urban, 260, 0, [-1, null]
    ) as MICROCELL_HOUSEHOLDS,
    ordinal(
        microcell, 'MICROCELL_INCOME_CLASS', cell_wealth, 7, 0, [-1, 9, null]
    ) as MICROCELL_INCOME_CLASS,
    ordinal(
        microcell, 'MICROCELL_INCOME_CLASS',
        cell_wealth + 0.1 * normal(microcell, 'MICROCELL_INCOME_CLASS_FINE'), 20, 0.005, [null, -1]
    ) as MICROCELL_INCOME_CLASS_FINE,
    percent(
        microcell, 'MICROCELL_SINGLE_SHARE', 0.7 * cell_urban - 0.6 * cell_family, 38, 0.01, [-1, null]
    ) as MICROCELL_SINGLE_SHARE,
    percent(
        microcell, 'MICROCELL_FAMILY_SHARE', cell_family, 30, 0.04, [-1, null]
    ) as MICROCELL_FAMILY_SHARE,
    ordinal(
        microcell, 'MICROCELL_FAMILY_SHARE',
        cell_family + 0.1 * normal(microcell, 'MICROCELL_FAMILY_CLASS'), 5, 0.015, [null, -1, 9]
    ) as MICROCELL_FAMILY_CLASS,
    percent(
        microcell, 'MICROCELL_OVER_65_SHARE', cell_age, 21, 0.02, [-1, null]
    ) as MICROCELL_OVER_65_SHARE,
    percent(
        microcell, 'MICROCELL_UNDER_25_SHARE', -0.9 * cell_age, 18, 0.01, [-1, null]
    ) as MICROCELL_UNDER_25_SHARE,
    percent(
        microcell, 'MICROCELL_FOREIGN_SHARE', 0.8 * cell_urban, 11, 0.025, [null, -1]
    ) as MICROCELL_FOREIGN_SHARE,
    percent(
        microcell, 'MICROCELL_ONE_FAMILY_HOUSE_SHARE', -1.2 * cell_urban, 52, 0.03, [-1, null]
    ) as MICROCELL_ONE_FAMILY_HOUSE_SHARE,
    ordinal(
        microcell, 'MICROCELL_ONE_FAMILY_HOUSE_SHARE',
        -1.2 * cell_urban + 0.1 * normal(microcell, 'MICROCELL_ONE_FAMILY_HOUSE_CLASS'), 4, 0,
        [-1, 0, null]
    ) as MICROCELL_ONE_FAMILY_HOUSE_CLASS,
    ordinal(
        microcell, 'MICROCELL_TOWER_BLOCK_CLASS', cell_urban, 4, 0, [null, -1, 0]
    ) as MICROCELL_TOWER_BLOCK_CLASS,
    ordinal(
        microcell, 'MICROCELL_GREEN_SPACE_CLASS', -0.7 * cell_urban + 0.3 * cell_wealth, 5, 0.005,
        [-1, null]
    ) as MICROCELL_GREEN_SPACE_CLASS,
    ordinal(
        microcell, 'MICROCELL_MAIL_ORDER_CLASS', -0.5 * cell_urban + 0.4 * cell_age, 5, 0.01, [-1, null]
    ) as MICROCELL_MAIL_ORDER_CLASS,
    nominal(
        microcell, 'MICROCELL_TYPE', cell_urban - 0.4 * cell_wealth, 8, 0.04, [null, -1, 0]
    ) as MICROCELL_TYPE,
    amount(
        microcell, 'MICROCELL_BUSINESSES', 0.9 * cell_urban, 24, 0.015, [-1, null]
    ) as MICROCELL_BUSINESSES,
    -- postcode level
    amount(
        postcode, 'POSTCODE_INHABITANTS', 0.7 * postcode_urban, 12000, 0.02, [-1, null]
    ) as POSTCODE_INHABITANTS,
    amount(
        postcode, 'POSTCODE_INHABITANTS',
        0.7 * postcode_urban + 0.1 * normal(postcode, 'POSTCODE_HOUSEHOLDS'), 5800, 0.01, [null, -1]
    ) as POSTCODE_HOUSEHOLDS,
    ordinal(
        postcode, 'POSTCODE_INHABITANTS',
        0.7 * postcode_urban + 0.1 * normal(postcode, 'POSTCODE_SIZE_CLASS'), 6, 0.025, [-1, 9, null]
    ) as POSTCODE_SIZE_CLASS,
    ordinal(
        postcode, 'POSTCODE_DENSITY_CLASS', postcode_urban, 8, 0.03, [-1, null]
    ) as POSTCODE_DENSITY_CLASS,
    ordinal(
        postcode, 'POSTCODE_PURCHASING_POWER', postcode_wealth, 7, 0, [null, -1, 9]
    ) as POSTCODE_PURCHASING_POWER,
    whole(
        postcode, 'POSTCODE_PURCHASING_POWER', 0.01, [-1, null],
        round(98 + 9 * noisy(postcode, 'POSTCODE_PURCHASING_POWER', postcode_wealth))
    ) as POSTCODE_PURCHASING_POWER_INDEX,
    ordinal(
        postcode, 'POSTCODE_ONE_FAMILY_HOUSES', -1 * postcode_urban, 5, 0, [-1, 0, null]
    ) as POSTCODE_ONE_FAMILY_HOUSES,
    ordinal(
        postcode, 'POSTCODE_THREE_TO_FIVE_FAMILY_HOUSES', 0.3 * postcode_urban, 5, 0.005, [-1, 0, null]
    ) as POSTCODE_THREE_TO_FIVE_FAMILY_HOUSES,
    ordinal(
        postcode, 'POSTCODE_SIX_TO_TEN_FAMILY_HOUSES', 0.7 * postcode_urban, 5, 0.01, [null, -1, 0]
    ) as POSTCODE_SIX_TO_TEN_FAMILY_HOUSES,
    ordinal(
        postcode, 'POSTCODE_TOWER_HOUSES', postcode_urban, 5, 0.04, [-1, 0, null]
    ) as POSTCODE_TOWER_HOUSES,
    percent(
        postcode, 'POSTCODE_VACANCY_SHARE', -0.6 * postcode_wealth, 5, 0.015, [-1, null]
    ) as POSTCODE_VACANCY_SHARE,
    amount(
        postcode, 'POSTCODE_LAND_PRICE', 1.2 * postcode_wealth, 210, 0.02, [null, -1]
    ) as POSTCODE_LAND_PRICE,
    ordinal(
        postcode, 'POSTCODE_LAND_PRICE',
        1.2 * postcode_wealth + 0.1 * normal(postcode, 'POSTCODE_LAND_PRICE_CLASS'), 6, 0.01,
        [-1, 9, null]
    ) as POSTCODE_LAND_PRICE_CLASS,
    ordinal(
        postcode, 'POSTCODE_MAIL_ORDER_CLASS', -0.5 * postcode_urban, 5, 0.025, [-1, null]
    ) as POSTCODE_MAIL_ORDER_CLASS,
    ordinal(
        postcode, 'POSTCODE_PARCEL_SHOPS_CLASS', postcode_urban, 4, 0.03, [null, -1]
    ) as POSTCODE_PARCEL_SHOPS_CLASS,
    amount(
        postcode, 'POSTCODE_RETAIL_AREA', postcode_urban, 14000, 0, [-1, null]
    ) as POSTCODE_RETAIL_AREA,
    percent(
        postcode, 'POSTCODE_COMMUTER_SHARE', -0.7 * postcode_urban, 46, 0, [-1, null]
    ) as POSTCODE_COMMUTER_SHARE,
    percent(
        postcode, 'POSTCODE_STUDENT_SHARE', postcode_urban, 4, 0.005, [null, -1]
    ) as POSTCODE_STUDENT_SHARE,
    ordinal(
        postcode, 'POSTCODE_NEW_BUILDINGS_CLASS', 0.5 * postcode_wealth, 5, 0.01, [-1, 9, null]
    ) as POSTCODE_NEW_BUILDINGS_CLASS,
    nominal(postcode, 'POSTCODE_TYPE', postcode_urban, 5, 0.04, [-1, 0, null]) as POSTCODE_TYPE,
    cast(1 as smallint) as POSTCODE_COUNTRY,
    -- region level
    known(
        region, 'REGION_FORMER_EAST', 0.005, ['-1', 'X', null],
        case when region_is_east(region) then 'O' else 'W' end
    ) as REGION_FORMER_EAST,
    ordinal(region, 'REGION_URBANITY', region_urban, 9, 0.015, [null, -1]) as REGION_URBANITY,
    amount(
        region, 'REGION_INHABITANTS', 0.9 * region_urban, 190000, 0.02, [-1, null]
    ) as REGION_INHABITANTS,
    ordinal(
        region, 'REGION_INHABITANTS', 0.9 * region_urban + 0.1 * normal(region, 'REGION_SIZE_CLASS'), 7,
        0.01, [-1, 0, null]
    ) as REGION_SIZE_CLASS,
    percent(
        region, 'REGION_UNEMPLOYMENT_SHARE', -1 * region_wealth, 6, 0.025, [null, -1]
    ) as REGION_UNEMPLOYMENT_SHARE,
    ordinal(
        region, 'REGION_UNEMPLOYMENT_SHARE',
        -1 * region_wealth + 0.1 * normal(region, 'REGION_UNEMPLOYMENT_CLASS'), 5, 0.03, [-1, 9, null]
    ) as REGION_UNEMPLOYMENT_CLASS,
    ordinal(
        region, 'REGION_PURCHASING_POWER', region_wealth, 9, 0, [-1, 0, null]
    ) as REGION_PURCHASING_POWER,
    amount(region, 'REGION_CAR_COUNT', 0.8 * region_urban, 82000, 0, [null, -1]) as REGION_CAR_COUNT,
    ordinal(
        region, 'REGION_CAR_DENSITY_CLASS', -0.6 * region_urban, 5, 0.005, [-1, null]
    ) as REGION_CAR_DENSITY_CLASS,
    ordinal(
        region, 'REGION_GROWTH_CLASS', 0.6 * region_wealth + 0.4 * region_urban, 5, 0.01, [-1, null]
    ) as REGION_GROWTH_CLASS,
    ordinal(
        region, 'REGION_TOURISM_CLASS', -0.3 * region_urban, 5, 0.04, [null, -1, 9]
    ) as REGION_TOURISM_CLASS,
    percent(
        region, 'REGION_FARMING_SHARE', -1 * region_urban, 4, 0.015, [-1, null]
    ) as REGION_FARMING_SHARE,
    percent(
        region, 'REGION_INDUSTRY_SHARE', 0.4 * region_wealth, 24, 0.02, [-1, null]
    ) as REGION_INDUSTRY_SHARE,
    percent(
        region, 'REGION_SERVICE_SHARE', 0.7 * region_urban, 62, 0.01, [null, -1]
    ) as REGION_SERVICE_SHARE,
    ordinal(
        region, 'REGION_HOSPITAL_DENSITY', 0.4 * region_urban, 4, 0.025, [-1, null]
    ) as REGION_HOSPITAL_DENSITY,
    ordinal(
        region, 'REGION_BROADBAND_CLASS', 0.7 * region_urban, 5, 0.03, [-1, null]
    ) as REGION_BROADBAND_CLASS,
    nominal(region, 'REGION_TYPE', region_urban, 6, 0, [null, -1, 0]) as REGION_TYPE,
    amount(
        region, 'REGION_HOUSE_PRICE', 0.9 * region_wealth, 310000, 0, [-1, null]
    ) as REGION_HOUSE_PRICE,
    ordinal(
        region, 'REGION_HOUSE_PRICE',
        0.9 * region_wealth + 0.1 * normal(region, 'REGION_HOUSE_PRICE_CLASS'), 6, 0.005, [-1, 9, null]
    ) as REGION_HOUSE_PRICE_CLASS,
    ordinal(
        region, 'REGION_SCHOOLS_CLASS', 0.5 * region_urban, 5, 0.01, [null, -1]
    ) as REGION_SCHOOLS_CLASS,
    ordinal(
        region, 'REGION_DOCTORS_CLASS', 0.5 * region_urban + 0.3 * region_wealth, 5, 0.04, [-1, null]
    ) as REGION_DOCTORS_CLASS,
    -- not in the dictionary
    ordinal(person, 'PANEL_Q_01', 0.7 * culture - 0.3 * ordering, 5, 0.015, [null]) as PANEL_Q_01,
    ordinal(person, 'PANEL_Q_02', 0.7 * adventure - 0.3 * mobility, 9, 0.02, [null]) as PANEL_Q_02,
    ordinal(person, 'PANEL_Q_03', 0.7 * online - 0.3 * status, 4, 0.01, [null]) as PANEL_Q_03,
    ordinal(person, 'PANEL_Q_04', 0.7 * tradition - 0.3 * thrift, 7, 0.025, [null]) as PANEL_Q_04,
    ordinal(person, 'PANEL_Q_05', 0.7 * age, 5, 0.03, [null]) as PANEL_Q_05,
    ordinal(person, 'PANEL_Q_06', 0.7 * thrift - 0.3 * tradition, 9, 0, [-1, null]) as PANEL_Q_06,
    ordinal(person, 'PANEL_Q_07', 0.7 * status - 0.3 * online, 4, 0.42, [null]) as PANEL_Q_07,
    ordinal(person, 'PANEL_Q_08', 0.7 * mobility - 0.3 * adventure, 7, 0, [null]) as PANEL_Q_08,
    ordinal(person, 'PANEL_Q_09', 0.7 * ordering - 0.3 * culture, 5, 0.005, [null]) as PANEL_Q_09,
    ordinal(person, 'PANEL_Q_10', 0.7 * family - 0.3 * wealth, 9, 0.01, [null]) as PANEL_Q_10,
    ordinal(person, 'PANEL_Q_11', 0.7 * green, 4, 0.04, [null]) as PANEL_Q_11,
    ordinal(person, 'PANEL_Q_12', 0.7 * wealth - 0.3 * family, 7, 0.015, [-1, null]) as PANEL_Q_12,
    ordinal(person, 'PANEL_Q_13', 0.7 * culture - 0.3 * ordering, 5, 0.02, [null]) as PANEL_Q_13,
    ordinal(person, 'PANEL_Q_14', 0.7 * adventure - 0.3 * mobility, 9, 0.01, [null]) as PANEL_Q_14,
    ordinal(person, 'PANEL_Q_15', 0.7 * online - 0.3 * status, 4, 0.025, [null]) as PANEL_Q_15,
    ordinal(person, 'PANEL_Q_16', 0.7 * tradition - 0.3 * thrift, 7, 0.58, [null]) as PANEL_Q_16,
    ordinal(person, 'PANEL_Q_17', 0.7 * age, 5, 0.03, [null]) as PANEL_Q_17,
    ordinal(person, 'PANEL_Q_18', 0.7 * thrift - 0.3 * tradition, 9, 0, [-1, null]) as PANEL_Q_18,
    ordinal(person, 'PANEL_Q_19', 0.7 * status - 0.3 * online, 4, 0, [null]) as PANEL_Q_19,
    ordinal(person, 'PANEL_Q_20', 0.7 * mobility - 0.3 * adventure, 7, 0.005, [null]) as PANEL_Q_20,
    percent(microcell, 'CELL_ZR_01', 0.8 * cell_wealth, 20, 0.01, [null]) as CELL_ZR_01,
    ordinal(microcell, 'CELL_ZR_02', 0.8 * cell_age, 5, 0.04, [null]) as CELL_ZR_02,
    percent(microcell, 'CELL_ZR_03', 0.8 * cell_family, 20, 0.015, [null]) as CELL_ZR_03,
    ordinal(microcell, 'CELL_ZR_04', 0.8 * cell_mobility, 5, 0.02, [null]) as CELL_ZR_04,
    percent(microcell, 'CELL_ZR_05', 0.8 * cell_urban, 20, 0.01, [null]) as CELL_ZR_05,
    ordinal(microcell, 'CELL_ZR_06', 0.8 * cell_wealth, 5, 0.025, [null]) as CELL_ZR_06,
    percent(microcell, 'CELL_ZR_07', 0.8 * cell_age, 20, 0.03, [null]) as CELL_ZR_07,
    ordinal(microcell, 'CELL_ZR_08', 0.8 * cell_family, 5, 0, [null]) as CELL_ZR_08,
    percent(microcell, 'CELL_ZR_09', 0.8 * cell_mobility, 20, 0, [null]) as CELL_ZR_09,
    ordinal(microcell, 'CELL_ZR_10', 0.8 * cell_urban, 5, 0.005, [null]) as CELL_ZR_10,
    percent(microcell, 'CELL_ZR_11', 0.8 * cell_wealth, 20, 0.01, [null]) as CELL_ZR_11,
    ordinal(microcell, 'CELL_ZR_12', 0.8 * cell_age, 5, 0.04, [null]) as CELL_ZR_12,
    percent(microcell, 'CELL_ZR_13', 0.8 * cell_family, 20, 0.015, [null]) as CELL_ZR_13,
    ordinal(microcell, 'CELL_ZR_14', 0.8 * cell_mobility, 5, 0.02, [null]) as CELL_ZR_14,
    amount(building, 'BUILDING_KT_1', 0.6 * cell_wealth, 12, 0.01, [null]) as BUILDING_KT_1,
    flag(building, 'BUILDING_KT_2', 0.6 * building_size, 0.3, 0.025, [null]) as BUILDING_KT_2,
    amount(building, 'BUILDING_KT_3', 0.6 * cell_wealth, 12, 0.03, [null]) as BUILDING_KT_3,
    flag(building, 'BUILDING_KT_4', 0.6 * building_size, 0.3, 0, [null]) as BUILDING_KT_4,
    amount(building, 'BUILDING_KT_5', 0.6 * cell_wealth, 12, 0.37, [null]) as BUILDING_KT_5,
    flag(building, 'BUILDING_KT_6', 0.6 * building_size, 0.3, 0, [null]) as BUILDING_KT_6,
    amount(person, 'SCORE_V1', 0.5 * online + 0.4 * thrift, 100, 0.005, [null]) as SCORE_V1,
    amount(person, 'SCORE_V2', 0.5 * thrift + 0.4 * status, 200, 0.01, [null]) as SCORE_V2,
    amount(person, 'SCORE_V3', 0.5 * ordering + 0.4 * mobility, 300, 0.04, [null]) as SCORE_V3,
    amount(person, 'SCORE_V4', 0.5 * wealth + 0.4 * ordering, 400, 0.33, [null]) as SCORE_V4,
    amount(person, 'SCORE_V5', 0.5 * online + 0.4 * family, 500, 0.015, [null]) as SCORE_V5,
    amount(person, 'SCORE_V6', 0.5 * thrift + 0.4 * green, 600, 0.02, [null]) as SCORE_V6,
    amount(person, 'AGE_CLASS', age + 0.1 * normal(person, 'AGE_RAW_K'), 40, 0.01, [null]) as AGE_RAW_K,
    percent(
        person, 'STATUS_CLASS', wealth + 0.3 * culture + 0.1 * normal(person, 'STAT_K'), 50, 0.025, [null]
    ) as STAT_K,
    amount(
        household, 'HOUSEHOLD_INCOME_CLASS', wealth + 0.3 * family + 0.1 * normal(household, 'HH_INC_K'),
        2400, 0.03, [null]
    ) as HH_INC_K,
    percent(person, 'ONLINE_AFFINITY', online + 0.1 * normal(person, 'ONL_K'), 50, 0, [null]) as ONL_K,
    amount(
        microcell, 'MICROCELL_INCOME_CLASS', cell_wealth + 0.1 * normal(microcell, 'CELL_INC_K'), 2600, 0,
        [null]
    ) as CELL_INC_K,
    amount(
        postcode, 'POSTCODE_DENSITY_CLASS', postcode_urban + 0.1 * normal(postcode, 'PC_DENS_K'), 340,
        0.005, [null]
    ) as PC_DENS_K,
    word(person, 'REGISTER_KEY', 0.4 * age, ['A', 'B', 'C1', 'C2', 'D'], 0.01, [null]) as REGISTER_KEY,
    word(person, 'SOURCE_MARK', 0.5 * ordering, ['KX', 'KY', 'M', 'Z7'], 0.04, [null]) as SOURCE_MARK,
    word(
        household, 'HH_PATTERN', 0.6 * family, ['S', 'SP', 'F1', 'F2', 'F3', 'G'], 0.015, [null]
    ) as HH_PATTERN,
    word(
        building, 'STREET_MARK', 0.6 * cell_urban, ['HS', 'NS', 'PL', 'WG'], 0.02, [null]
    ) as STREET_MARK,
    word(
        microcell, 'CELL_TYP', 0.7 * cell_wealth, ['I', 'II', 'III', 'IV', 'V'], 0.01, [null]
    ) as CELL_TYP,
    word(
        region, 'ZONE', 0.5 * region_urban, ['N1', 'N2', 'E1', 'S1', 'S2', 'W1', 'W2'], 0.025, [null]
    ) as ZONE,
    cast(3 as smallint) as SET_NO,
    'Q' as BATCH_MARK,
    whole(household, 'EXT_FLAG', 0.02, [null], 0) as EXT_FLAG,
    ordinal(postcode, 'AREA_GH_1', 0.7 * postcode_urban, 6, 0.03, [null]) as AREA_GH_1,
    ordinal(postcode, 'AREA_GH_2', 0.7 * postcode_wealth, 6, 0, [null]) as AREA_GH_2,
    ordinal(region, 'AREA_GH_3', 0.6 * region_wealth, 6, 0, [null]) as AREA_GH_3,
    ordinal(region, 'AREA_GH_4', 0.6 * region_urban, 6, 0.005, [null]) as AREA_GH_4
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
