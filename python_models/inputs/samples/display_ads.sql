-- A sample of devices with their interests; which of them convert is rare. Run once per part: devices
-- ${first} to ${last} of ${size}. A row depends on its device's number alone, so parts can be written
-- in any order; they stream, without a sort, and no more than one part is held at a time.
--
-- True probability: logistic(score), see `score` below, of what the interests' texts show:
--     weights of six short-term topics (strong) and six long-term topics (weaker),
--     weights of two top-level topics, long- and short-term, with all topics under them,
--     the number of interests.
-- 6 in 10,000 devices convert in weeks 1 to 8. From week 9 on it's half of that: the logit's intercept
-- falls by ln(2). In weeks 11 and 12 the outcome isn't known yet: has_converted is null.

-- The tree of topics: 24 top-level topics with 8 topics of 6 topics each, and one with 6 of 6; that is
-- 24 * (1 + 8 + 48) + (1 + 6 + 36) = 1,411. A top-level topic's block of numbers starts with itself,
-- then comes its second level, then its third.
create or replace temp table top_topics as
select
    generate_subscripts(tops, 1) - 1 as top_number,
    unnest(tops, recursive := true),
from (
    select [
        {
            'top': 'Arts & Entertainment', 'kind': 'read',
            'names': 'Movies|Music|Television|Theatre|Comics|Painting|Museums|Radio',
        },
        {
            'top': 'Autos & Vehicles', 'kind': 'buy',
            'names': 'Cars|Motorcycles|Vans|Electric Vehicles|Classic Cars|Tyres|Camper Vans|Trailers',
        },
        {
            'top': 'Beauty & Fitness', 'kind': 'buy',
            'names': 'Skin Care|Hair Care|Make-Up|Perfume|Gym Gear|Nail Care|Shaving|Sun Care',
        },
        {
            'top': 'Books & Literature', 'kind': 'read',
            'names': 'Crime Novels|Poetry|Biographies|Fantasy|'
                || 'Romance|Audiobooks|Short Stories|Travelogues',
        },
        {
            'top': 'Business & Industry', 'kind': 'work',
            'names': 'Advertising|Logistics|Farming|Construction|Retail|Start-Ups|Manufacturing|Energy',
        },
        {
            'top': 'Computers & Software', 'kind': 'buy',
            'names': 'Laptops|Tablets|Printers|Antivirus|Office Software|Storage|Monitors|Keyboards',
        },
        {
            'top': 'Dating & Relationships', 'kind': 'life',
            'names': 'First Dates|Marriage|Friendship|Long Distance|'
                || 'Divorce|Matchmaking|Anniversaries|Family Ties',
        },
        {
            'top': 'Education', 'kind': 'work',
            'names': 'Universities|Languages|Primary School|Distance Learning|'
                || 'Vocational Training|Exams|Scholarships|Libraries',
        },
        {
            'top': 'Fashion', 'kind': 'buy',
            'names': 'Shoes|Dresses|Jackets|Jewellery|Watches|Handbags|Sportswear|Hats',
        },
        {
            'top': 'Finance', 'kind': 'work',
            'names': 'Credit Cards|Insurance|Mortgages|Investing|Savings|Taxes|Loans|Pensions',
        },
        {
            'top': 'Food & Drink', 'kind': 'life',
            'names': 'Baking|Coffee & Tea|Vegetarian Cooking|Barbecue|'
                || 'Seafood|Breakfast|Desserts|Soft Drinks',
        },
        {
            'top': 'Games', 'kind': 'do',
            'names': 'Puzzle Games|Card Games|Board Games|Racing Games|'
                || 'Role-Playing Games|Chess|Console Games|Quizzes',
        },
        {
            'top': 'Health', 'kind': 'life',
            'names': 'Nutrition|Sleep|Dental Care|Eye Care|Allergies|Vitamins|Back Pain|First Aid',
        },
        {
            'top': 'Hobbies & Leisure', 'kind': 'do',
            'names': 'Photography|Knitting|Fishing|Model Trains|'
                || 'Stamp Collecting|Pottery|Birdwatching|Juggling',
        },
        {
            'top': 'Home & Garden', 'kind': 'buy',
            'names': 'Furniture|Kitchens|Garden Tools|Lighting|Bedding|Bathrooms|Paint|House Plants',
        },
        {
            'top': 'Internet & Phones', 'kind': 'buy',
            'names': 'Smartphones|Mobile Plans|Broadband|Headsets|'
                || 'Messaging|Smart Watches|Webcams|Web Hosting',
        },
        {
            'top': 'Jobs & Careers', 'kind': 'work',
            'names': 'Vacancies|Interviews|Apprenticeships|Freelancing|'
                || 'Part-Time Work|Work Abroad|Management|Volunteering',
        },
        {
            'top': 'News', 'kind': 'read',
            'names': 'Local News|World News|Business News|Weather|'
                || 'Politics|Science News|Celebrity News|Opinion',
        },
        {
            'top': 'Parenting', 'kind': 'life',
            'names': 'Babies|Toddlers|Teenagers|Pregnancy|Toys|Childcare|Adoption|School Lunches',
        },
        {
            'top': 'Pets & Animals', 'kind': 'life',
            'names': 'Dogs|Cats|Aquariums|Horses|Birds|Rabbits|Reptiles|Wildlife',
        },
        {
            'top': 'Real Estate', 'kind': 'work',
            'names': 'Renting|Buying a House|Moving|Holiday Homes|'
                || 'Office Space|Land|House Sharing|Surveying',
        },
        {
            'top': 'Science', 'kind': 'read',
            'names': 'Astronomy|Biology|Chemistry|Geology|Mathematics|Physics|Oceans|Robotics',
        },
        {
            'top': 'Shopping', 'kind': 'buy',
            'names': 'Coupons|Gifts|Auctions|Department Stores|'
                || 'Flowers|Stationery|Luxury Goods|Party Supplies',
        },
        {
            'top': 'Sports', 'kind': 'do',
            'names': 'Football|Tennis|Running|Cycling|Swimming|Basketball|Skiing|Climbing',
        },
        {
            'top': 'Travel', 'kind': 'life',
            'names': 'Hotels|Flights|Beaches|City Breaks|Cruises|Camping',
        },
    ] as tops
);
create or replace temp table third_level as
select unnest(
    [
        {'kind': 'read', 'thirds': 'Reviews|New Releases|Awards|Classics|Magazines|Podcasts'},
        {'kind': 'buy', 'thirds': 'Reviews|Special Offers|Brands|Accessories|Second-Hand|Repairs'},
        {'kind': 'work', 'thirds': 'Advice|Courses|Comparisons|Rules & Law|Software|Beginners'},
        {'kind': 'life', 'thirds': 'Tips|Budget|Luxury|Forums|Guides|Events'},
        {'kind': 'do', 'thirds': 'Beginners|Clubs|Equipment|Competitions|Videos|Rules'},
    ],
    recursive := true
);
copy (
    with second_level as (
        select
            *,
            unnest(string_split(names, '|')) as second,
            generate_subscripts(string_split(names, '|'), 1) as second_number,
            len(string_split(names, '|')) as second_count,
        from top_topics
        join third_level using (kind)
    ),

    topics as (
        select 57 * top_number + 1 as topic_id, '/' || top as topic_path
        from top_topics
        union all
        select 57 * top_number + 1 + second_number, concat_ws('/', '', top, second)
        from second_level
        union all
        select
            57 * top_number + 1 + second_count + 6 * (second_number - 1)
            + generate_subscripts(string_split(thirds, '|'), 1),
            concat_ws('/', '', top, second, unnest(string_split(thirds, '|'))),
        from second_level
    )

    from topics
    order by topic_id
) to '${folder}/interest_topics.csv' (format csv, header);

-- A drawn topic. Some top-level topics are more popular than others, scattered over the alphabet, and
-- in each the general topics more than the special ones.
create or replace temp macro popular_top(draw) as
    cast((7 * floor(25 * draw ** 1.3) + 3) % 25 as integer);
create or replace temp macro topic_under(top, draw) as
    57 * top + 1 + cast(floor((case when top = 24 then 43 else 57 end) * draw * draw) as integer);

-- A device has two favourite top-level topics: half of its topics are from the first, a quarter from
-- the second, the others from anywhere. Topics drawn twice are dropped in `interests`.
create or replace temp macro drawn_topics(number, first_top, second_top, topic_count, term) as
    list_transform(
        range(topic_count),
        lambda slot: topic_under(
            case slot % 4
                when 1 then second_top
                when 3 then popular_top(uniform(16 * number + slot, term || ' top'))
                else first_top
            end,
            uniform(16 * number + slot, term || ' topic')
        )
    );
create or replace temp macro without_repeats(topics) as
    list_filter(topics, lambda topic, place: list_position(topics, topic) = place);

-- Weights in thousandths, 1 to 999; more small ones than large ones.
create or replace temp macro weights_of(number, topics, term) as list_transform(
    topics,
    lambda topic: 1 + cast(
        floor(999 * uniform(2048 * number + topic, term || ' weight') ** 1.5) as integer
    )
);

-- What a topic's weight adds to the score: Finance and Games with all topics under them, and the
-- named topics besides.
create or replace temp macro top_effect(topic) as
    case when topic between 514 and 570 then 0.8 when topic between 628 and 684 then 0.6 else 0 end;
create or replace temp macro short_effect(topic) as
    top_effect(topic) + case topic
        when 515 then 2.0 -- /Finance/Credit Cards
        when 521 then 1.8 -- /Finance/Loans
        when 629 then 1.8 -- /Games/Puzzle Games
        when 856 then 1.8 -- /Internet & Phones
        when 1255 then 2.0 -- /Shopping
        when 1256 then 2.2 -- /Shopping/Coupons
        else 0
    end;
create or replace temp macro long_effect(topic) as
    top_effect(topic) + case topic
        when 514 then 1.0 -- /Finance
        when 518 then 1.0 -- /Finance/Investing
        when 628 then 1.0 -- /Games
        when 635 then 1.0 -- /Games/Console Games
        when 1257 then 1.2 -- /Shopping/Gifts
        when 1370 then -1.0 -- /Travel/Hotels
        else 0
    end;
create or replace temp macro effects_of(effects, weights) as
    list_inner_product(cast(effects as double[]), cast(weights as double[])) / 1000;

-- Looked up, as numbers are slow to write. Three digits after the point, so that a flaw can be put
-- into a finished text by counting characters.
set variable topic_texts = list_transform(range(1, 1412), lambda topic: concat('"', topic, '": '));
set variable weight_texts = list_transform(
    range(1, 1000), lambda weight: '0.' || substr(cast(1000 + weight as varchar), 2)
);
create or replace temp macro text_of(topics, weights) as concat(
    '{',
    array_to_string(
        list_transform(
            topics,
            lambda topic, place:
                getvariable('topic_texts')[topic] || getvariable('weight_texts')[weights[place]]
        ),
        ', '
    ),
    '}'
);

-- an own table, as a range is read by one thread and a table by all
create temp table numbers as
select range as number
from range(${first}, ${last} + 1);

create temp table devices as
with favourites as (
    select
        number,
        popular_top(uniform(number, 'first top')) as first_top,
        popular_top(uniform(number, 'second top')) as second_top,
        1 + cast(floor(13 * uniform(number, 'long count') ** 1.8) as integer) as long_count,
        1 + cast(floor(7 * uniform(number, 'short count') ** 1.8) as integer) as short_count,
        cast(floor(84 * uniform(number, 'day')) as integer) as day_number,
    from numbers
),

drawn as (
    select
        *,
        drawn_topics(number, first_top, second_top, long_count, 'long') as drawn_long_topics,
        drawn_topics(number, first_top, second_top, short_count, 'short') as drawn_short_topics,
    from favourites
),

interests as (
    select
        *,
        without_repeats(drawn_long_topics) as long_topics,
        without_repeats(drawn_short_topics) as short_topics,
    from drawn
),

weighted as (
    select
        *,
        weights_of(number, long_topics, 'long') as long_weights,
        weights_of(number, short_topics, 'short') as short_weights,
    from interests
),

scored as (
    select
        *,
        -9.79
        -- half as many from week 9 on
        - case when day_number >= 56 then ln(2) else 0 end
        + 0.15 * (len(long_topics) + len(short_topics))
        + effects_of(list_transform(long_topics, lambda topic: long_effect(topic)), long_weights)
        + effects_of(list_transform(short_topics, lambda topic: short_effect(topic)), short_weights)
        as score,
    from weighted
)

select
    number,
    -- sixteen characters that tell nothing; different numbers have different hashes
    format('{:016x}', hash(xor(hash(number), 4268175309))) as device_id,
    date '2026-01-05' + day_number as observed_on,
    text_of(long_topics, long_weights) as long_text,
    text_of(short_topics, short_weights) as short_text,
    logistic(score) as true_probability,
    -- not known yet in weeks 11 and 12
    case
        when day_number < 70 then uniform(number, 'conversion') < logistic(score)
    end as has_converted,
from scored;

-- Flaws in the texts; a device's conversion comes from its interests all the same.
create or replace temp macro with_flaws(text, number, term) as case
    -- 2 % of long-term and 2 % of short-term texts say nothing
    when uniform(number, term || ' flaw') < 0.007 then null
    when uniform(number, term || ' flaw') < 0.014 then ''
    when uniform(number, term || ' flaw') < 0.020 then '{}'
    -- 0.015 % of either can't be read
    when uniform(number, term || ' flaw') < 0.020075 then '{"12": }'
    when uniform(number, term || ' flaw') < 0.020150 then 'n/a'
    -- 0.2 % of entries (0.8 % of texts) have a topic that is not in the list of topics
    when uniform(number, term || ' flaw') < 0.028150 then '{"5000' || text[3:]
    -- 0.05 % of entries weigh exactly 0, and 0.05 % more than 1
    when uniform(number, term || ' flaw') < 0.030150 then text[:-7] || '0}'
    when uniform(number, term || ' flaw') < 0.032150 then text[:-7] || '1' || text[-5:]
    else text
end;

copy (
    with written as (
        from devices
        union all
        -- 0.1 % of devices come twice, in equal rows
        from devices
        where uniform(number, 'twice') < 0.001
    )

    select
        device_id,
        observed_on,
        with_flaws(long_text, number, 'long') as long_term_interests,
        with_flaws(short_text, number, 'short') as short_term_interests,
        has_converted,
    from written
) to '${folder}/devices-${part}.parquet' (
    format parquet, compression zstd, row_group_size 122880
);

copy (
    select device_id, true_probability
    from devices
) to '${truth}/devices-${part}.parquet' (
    format parquet, compression zstd, row_group_size 122880
);

-- to make room for the next part; replaced, they would stay until their successors are whole
drop table numbers;
drop table devices;
