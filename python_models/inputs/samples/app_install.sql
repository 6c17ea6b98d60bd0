-- A sample of mobile subscribers, their top-ups and the ads they saw, from 2026-01-01 to 2026-06-30:
-- which of them installs the app after a click on an ad?
--
-- True probability of a click, about 2 % on average: logistic(
--     -4.27
--     + 0.80 * data appetite           what a subscriber spends on data, and how often, follows from it
--     - 0.025 * (age - 32)
--     + handset                        basic phone -1.2, iPhone 0.5, high-end Android 0.4, mid-range 0.1
--     + region                         Nairobi 0.2, North Eastern -0.2
--     + ad category                    games 0.7, video 0.4, music 0.3,
--                                      education -0.3, health -0.4, news -0.5
--     + 0.4 * evening                  1 at 20:00, falling to -1 at 8:00 along a cosine
--     - 0.12 * earlier clicks          the subscriber's earlier clicks without an install
-- )
-- A subscriber may install the app again, say on a new handset.

-- A value of a list, drawn by a number in [0, 1). Lists repeat what is more frequent.
create temp macro one_of(choices, draw) as choices[1 + cast(floor(len(choices) * draw) as integer)];

-- Raw text is as various as its writers: three spellings of a number, by 40, 40 and 20 %.
create temp macro spelled(msisdn, draw) as case
    when draw < 0.4 then '+254' || msisdn
    when draw < 0.8 then '0' || msisdn
    else '254 ' || msisdn[1:3] || ' ' || msisdn[4:6] || ' ' || msisdn[7:9]
end;
-- and three of a time and of a date: 85 %, 10 % day first, 5 % without signs
create temp macro time_text(moment, draw) as case
    when draw < 0.85 then strftime(moment, '%Y-%m-%d %H:%M:%S')
    when draw < 0.95 then strftime(moment, '%d/%m/%Y %H:%M')
    else strftime(moment, '%Y%m%dT%H%M%S')
end;
create temp macro date_text(day, draw) as case
    when draw < 0.85 then strftime(day, '%Y-%m-%d')
    when draw < 0.95 then strftime(day, '%d/%m/%Y')
    else strftime(day, '%Y%m%d')
end;
-- 0.1 % of the numbers in transactions and ad events can't be read
create temp macro number_text(msisdn, id, term) as case
    when uniform(id, term || ' unreadable number') < 0.001
        then one_of(['', 'n/a', '12345'], uniform(id, term || ' unreadable as'))
    else spelled(msisdn, uniform(id, term || ' spelling'))
end;

-- A moment within the 181 days: few at night, most in the evening.
create temp macro drawn_moment(id, term) as
    timestamp '2026-01-01 00:00:00'
    + to_days(cast(floor(181 * uniform(id, term || ' day')) as integer))
    + to_hours(one_of(
        [
            0, 1, 5, 6, 6, 7, 7, 7, 8, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 12, 13, 13, 13, 14, 14, 15,
            15, 16, 16, 17, 17, 17, 18, 18, 18, 19, 19, 19, 19, 20, 20, 20, 20, 21, 21, 21, 22, 22, 23,
        ],
        uniform(id, term || ' hour')
    ))
    + to_seconds(floor(3600 * uniform(id, term || ' second')));
-- what is recorded later isn't in the files
create temp macro end_of_records() as timestamp '2026-07-01 00:00:00';

create temp table people as
with traits as (
    select
        range as person,
        normal(range, 'data appetite') as data_appetite,
        0.3 * normal(range, 'data appetite') + 0.95 * normal(range, 'airtime appetite')
            as airtime_appetite,
        18 + cast(floor(52 * uniform(range, 'age') ** 1.7) as integer) as age,
    from range(1, ${size} + 1)
)

select
    *,
    -- nine digits from 7; multiplied modulo a prime, so that no two are equal
    cast(700000000 + (person * 48271391) % 99999989 as varchar) as msisdn,
    one_of(['M', 'F'], uniform(person, 'gender')) as gender,
    one_of(
        [
            'Nairobi', 'Nairobi', 'Nairobi', 'Central', 'Central', 'Coast', 'Coast', 'Eastern',
            'Nyanza', 'Nyanza', 'Rift Valley', 'Rift Valley', 'Western', 'North Eastern',
        ],
        uniform(person, 'region')
    ) as region,
    -- who uses more data buys a better handset
    case
        when handset_rank < -0.7 then 'basic phone'
        when handset_rank < 0.1 then 'entry Android'
        when handset_rank < 0.9 then 'mid-range Android'
        when handset_rank < 1.4 then 'high-end Android'
        else 'iPhone'
    end as handset,
    one_of(
        ['prepaid daily', 'prepaid daily', 'prepaid monthly', 'hybrid', 'postpaid'],
        uniform(person, 'tariff')
    ) as tariff,
    date '2025-12-31' - cast(floor(2500 * uniform(person, 'activated') ** 2) as integer)
        as activated_on,
    concat(
        one_of(
            ['Testa', 'Sampla', 'Fauxine', 'Dummo', 'Mocka', 'Pseudon'],
            uniform(person, 'first name')
        ),
        ' ',
        one_of(
            ['Specimen', 'Placeholder', 'Inventado', 'Notreal', 'Exampleson', 'Madeup', 'Standin'],
            uniform(person, 'last name')
        )
    ) as full_name,
from traits, lateral (select 0.5 * data_appetite + 0.85 * normal(person, 'handset') as handset_rank);

-- 3 % of numbers are missing in the list of subscribers
create temp table listed as
select
    person,
    spelled(msisdn, uniform(person, 'listed spelling')) as msisdn,
    full_name,
    lower(replace(full_name, ' ', '.')) || person
    || one_of(['@example.com', '@example.org'], uniform(person, 'email')) as email,
    -- 4 % of ages unknown
    case
        when uniform(person, 'age unknown') < 0.04
            then one_of(['', '-1', '0', '999'], uniform(person, 'age code'))
        else cast(age as varchar)
    end as age,
    -- 5 % of genders unknown, the others in any of three ways
    case
        when uniform(person, 'gender unknown') < 0.05
            then one_of(['unknown', ''], uniform(person, 'gender code'))
        when gender = 'M' then one_of(['M', 'M', 'M', 'male', 'm'], uniform(person, 'gender code'))
        else one_of(['F', 'F', 'F', 'Female'], uniform(person, 'gender code'))
    end as gender,
    -- 3 % of regions and 3 % of handsets unknown
    case
        when uniform(person, 'region unknown') < 0.03
            then one_of(['', 'unknown', 'n/a'], uniform(person, 'region code'))
        else region
    end as region,
    case
        when uniform(person, 'handset unknown') < 0.03
            then one_of(['', 'unknown', 'n/a'], uniform(person, 'handset code'))
        else handset
    end as handset,
    tariff,
    date_text(activated_on, uniform(person, 'activated format')) as activated_on,
from people
where uniform(person, 'unlisted') >= 0.03;

copy (
    with written as (
        from listed
        union all
        -- 0.5 % come twice in equal rows, 0.5 % with another spelling of the number
        from listed
        where uniform(person, 'twice') < 0.005
        union all
        select listed.* replace (
            case
                when listed.msisdn[1] = '0' then '+254' || people.msisdn
                else '0' || people.msisdn
            end as msisdn
        ),
        from listed
        join people using (person)
        where uniform(person, 'twice') between 0.005 and 0.01
    )

    select * exclude (person)
    from written
    order by hash(person), msisdn
) to '${folder}/subscribers.csv' (format csv, header);

-- Top-ups: five of airtime and five of data on average, skewed by the appetites.
create temp table top_ups as
with kinds as (
    select person, msisdn, 'airtime' as kind, airtime_appetite as appetite, 0 as first_number
    from people
    union all
    select person, msisdn, 'data', data_appetite, 5000
    from people
),

numbered as (
    select
        *,
        10000 * person + first_number + unnest(range(cast(floor(
            -- exp(-0.245) makes 1 of the mean of exp(0.7 * appetite)
            5 * exp(0.7 * appetite - 0.245) * (0.5 + uniform(person, kind || ' count')) + 0.5
        ) as integer))) as top_up,
    from kinds
)

select
    top_up,
    msisdn,
    kind,
    -- in steps of 5, from 5
    5 * greatest(1, round(exp(
        case kind when 'data' then 2.6 else 1.8 end
        + 0.5 * appetite + 0.5 * normal(top_up, 'amount')
    ))) as amount,
    drawn_moment(top_up, 'top-up') as occurred_at,
from numbered;

create temp table transactions as
with happened as (
    from top_ups
    union all
    -- 0.3 % are reversals, up to two days after what they reverse
    select
        -top_up,
        msisdn,
        kind,
        -amount,
        occurred_at + to_seconds(60 + floor(172800 * uniform(top_up, 'reversed after'))),
    from top_ups
    where uniform(top_up, 'reversed') < 0.003
)

select
    *,
    -- seconds later, but 2 % one to ten days late
    occurred_at + case
        when uniform(top_up, 'late') < 0.02
            then to_seconds(86400 + floor(777600 * uniform(top_up, 'late by')))
        else to_seconds(1 + floor(30 * uniform(top_up, 'recorded after')))
    end as recorded_at,
from happened;

copy (
    with written as (
        from transactions
        union all
        -- 0.5 % come twice, in equal rows
        from transactions
        where uniform(top_up, 'twice') < 0.005
    )

    select
        format('t{:016x}', hash(xor(hash(top_up), 2864434397))) as transaction_id,
        number_text(msisdn, top_up, 'top-up') as msisdn,
        kind,
        -- 0.05 % of amounts can't be read: half is an unknown code, half not a number
        case
            when uniform(top_up, 'amount unreadable') < 0.00025 then 'N/A'
            when uniform(top_up, 'amount unreadable') < 0.0005
                then cast(cast(amount as integer) as varchar) || ',50 KES'
            else cast(cast(amount as decimal(12, 2)) as varchar)
        end as amount,
        time_text(occurred_at, uniform(top_up, 'occurred format')) as occurred_at,
        time_text(recorded_at, uniform(top_up, 'recorded format')) as recorded_at,
    from written
    where written.recorded_at < end_of_records()
    order by written.recorded_at, written.top_up
) to '${folder}/transactions.parquet' (format parquet, compression zstd);

-- Eight impressions on average; how many of them are clicked depends on the subscriber.
create temp table impressions as
with numbered as (
    select
        person,
        1000 * person + unnest(range(cast(floor(
            8 * exp(0.6 * normal(person, 'ads seen') - 0.18) * (0.5 + uniform(person, 'ad count')) + 0.5
        ) as integer))) as impression,
    from people
)

select
    person,
    impression,
    one_of(
        [
            'games', 'games', 'games', 'video', 'video', 'music', 'music', 'shopping', 'shopping',
            'finance', 'finance', 'sports', 'sports', 'news', 'travel', 'education', 'health',
        ],
        uniform(impression, 'category')
    ) as ad_category,
    drawn_moment(impression, 'ad') as occurred_at,
from numbered;

create temp table clicks as
with clicked as (
    select
        person,
        impression,
        ad_category,
        -- seconds to minutes after the impression
        occurred_at + to_seconds(2 + floor(300 * uniform(impression, 'clicked after') ** 3))
            as occurred_at,
    from impressions
    where uniform(impression, 'clicked') < logistic(0.9 * normal(person, 'curiosity') - 0.6)
)

select
    *,
    row_number() over (partition by person order by occurred_at, impression) as click_number,
from clicked
where occurred_at < end_of_records();

-- Click by click, as an earlier install changes the number of earlier clicks without one.
create temp table outcomes as
with recursive scored as (
    select
        person,
        click_number,
        impression,
        -4.27
        + 0.80 * data_appetite
        - 0.025 * (age - 32)
        + case handset
            when 'basic phone' then -1.2
            when 'mid-range Android' then 0.1
            when 'high-end Android' then 0.4
            when 'iPhone' then 0.5
            else 0
        end
        + case region when 'Nairobi' then 0.2 when 'North Eastern' then -0.2 else 0 end
        + case ad_category
            when 'games' then 0.7
            when 'video' then 0.4
            when 'music' then 0.3
            when 'education' then -0.3
            when 'health' then -0.4
            when 'news' then -0.5
            else 0
        end
        + 0.4 * cos((hour(occurred_at) - 20) * pi() / 12) as score,
        uniform(impression, 'install') as draw,
    from clicks
    join people using (person)
),

drawn as (
    select
        *,
        0 as earlier_clicks,
        logistic(score) as true_probability,
        draw < logistic(score) as has_installed,
    from scored
    where click_number = 1
    union all
    select
        scored.*,
        counted.earlier_clicks,
        logistic(scored.score - 0.12 * counted.earlier_clicks),
        scored.draw < logistic(scored.score - 0.12 * counted.earlier_clicks),
    from drawn
    join scored
        on drawn.person = scored.person
        and drawn.click_number + 1 = scored.click_number
    cross join lateral (
        select drawn.earlier_clicks + cast(not drawn.has_installed as integer) as earlier_clicks
    ) as counted
)

from drawn;

create temp macro click_id(impression) as format('e{:016x}', hash(xor(hash(-impression), 3735928559)));

copy (
    with events as (
        select
            format('e{:016x}', hash(xor(hash(impression), 3735928559))) as event_id,
            person,
            impression as event,
            'impression' as event_type,
            ad_category,
            occurred_at,
        from impressions
        union all
        select click_id(impression), person, -impression, 'click', ad_category, occurred_at
        from clicks
    )

    select
        event_id,
        number_text(msisdn, event, 'ad') as msisdn,
        event_type,
        ad_category,
        time_text(occurred_at, uniform(event, 'event format')) as occurred_at,
    from events
    join people using (person)
    order by events.occurred_at, event
) to '${folder}/ad_events.parquet' (format parquet, compression zstd);

copy (
    with installs as (
        select
            impression,
            person,
            -- two minutes to six days after the click, mostly under a day
            occurred_at + to_seconds(floor(
                least(518400, 120 + 7200 * exp(1.4 * normal(impression, 'installed after')))
            )) as installed_at,
        from clicks
        join outcomes using (person, impression)
        where has_installed
    )

    select
        format('i{:016x}', hash(xor(hash(impression), 305419896))) as install_id,
        spelled(msisdn, uniform(impression, 'install spelling')) as msisdn,
        time_text(installed_at, uniform(impression, 'install format')) as installed_at,
    from installs
    join people using (person)
    where installs.installed_at < end_of_records()
    order by installs.installed_at, impression
) to '${folder}/installs.csv' (format csv, header);

copy (
    select click_id(impression) as event_id, true_probability, has_installed
    from outcomes
    order by impression
) to '${truth}/clicks.parquet' (format parquet, compression zstd);
