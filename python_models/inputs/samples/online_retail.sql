-- The sample of a web shop for gifts and household goods: a year of invoice lines, 2025-06-01 to 2026-05-31,
-- of ${size} customers. Each customer is of one of five kinds, which decides how often they order, how much,
-- when, and of which themes; a favourite theme of their own takes part of each basket.

-- A product is a theme's object in a pattern; its price goes by the object.
create or replace table themes(theme, words, objects, prices) as
values
    (
        'kitchen', ['KITCHEN', 'COUNTRY KITCHEN', 'PANTRY'],
        ['MUG', 'TEA TOWEL', 'STORAGE JAR', 'BREAD BIN', 'APRON', 'TEAPOT', 'CHOPPING BOARD', 'EGG CUP'],
        [1.5, 2.9, 3.7, 14.9, 4.9, 7.9, 5.9, 1.2]
    ),
    (
        'christmas', ['CHRISTMAS', 'NOEL', 'ADVENT'],
        [
            'TREE DECORATION', 'GIFT WRAP', 'STOCKING', 'GARLAND', 'WREATH',
            'BAUBLE SET', 'CARD PACK', 'REINDEER'
        ],
        [0.8, 0.4, 2.9, 3.7, 6.9, 4.2, 1.2, 2.5]
    ),
    (
        'garden', ['GARDEN', 'COTTAGE GARDEN', 'ALLOTMENT'],
        [
            'PLANT POT', 'WATERING CAN', 'BIRD FEEDER', 'KNEELING PAD', 'TROWEL',
            'PARASOL', 'BUNTING', 'THERMOMETER'
        ],
        [2.1, 6.9, 3.7, 1.6, 2.9, 16.9, 4.9, 12.7]
    ),
    (
        'stationery', ['OFFICE', 'SCHOOL', 'DESK'],
        ['NOTEBOOK', 'PENCIL SET', 'RULER', 'MEMO BOARD', 'STICKERS', 'PASSPORT COVER', 'PEN', 'ERASER'],
        [1.6, 0.6, 0.8, 4.9, 0.4, 2.1, 0.8, 0.4]
    ),
    (
        'toys', ['CHILDRENS', 'NURSERY', 'CIRCUS'],
        [
            'JIGSAW', 'SKITTLES', 'DOLL', 'SPINNING TOP', 'SKIPPING ROPE',
            'BUILDING BLOCKS', 'SOFT RABBIT', 'DOMINOES'
        ],
        [1.6, 3.7, 2.9, 1.2, 1.4, 5.9, 4.2, 1.4]
    ),
    (
        'jewellery', ['BOUDOIR', 'DIAMANTE', 'PEARL'],
        ['NECKLACE', 'BRACELET', 'EARRINGS', 'BROOCH', 'RING', 'HAIR GRIP', 'JEWELLERY BOX', 'KEY RING'],
        [5.9, 3.7, 2.5, 2.1, 1.6, 1.2, 9.9, 1.4]
    ),
    (
        'bags', ['JUMBO', 'LUNCH', 'TRAVEL'],
        [
            'SHOPPER', 'LUNCH BAG', 'WASH BAG', 'SUITCASE', 'BACKPACK',
            'PURSE', 'CHARLOTTE BAG', 'SHOULDER BAG'
        ],
        [1.9, 1.6, 3.2, 10.9, 5.9, 2.9, 0.8, 3.7]
    ),
    (
        'lighting', ['LIGHTING', 'FAIRY', 'LIVING ROOM'],
        [
            'LANTERN', 'TABLE LAMP', 'NIGHT LIGHT', 'STRING LIGHTS', 'LAMPSHADE',
            'CHANDELIER', 'TORCH', 'WALL LIGHT'
        ],
        [4.9, 14.9, 2.1, 7.9, 6.9, 24.9, 1.6, 12.9]
    ),
    (
        'candles', ['SCENTED', 'CHURCH', 'VANILLA'],
        [
            'CANDLE', 'TEALIGHT HOLDER', 'PILLAR CANDLE', 'CANDLE POT', 'INCENSE',
            'CANDLESTICK', 'TEALIGHTS', 'WAX MELT'
        ],
        [1.2, 1.4, 2.9, 2.5, 0.4, 5.9, 2.1, 0.6]
    ),
    (
        'baking', ['BAKING', 'CAKE', 'PARTY'],
        [
            'CAKE STAND', 'CAKE CASES', 'CAKE TIN', 'MIXING BOWL', 'COOKIE CUTTER',
            'RECIPE BOX', 'MEASURING JUG', 'WHISK'
        ],
        [9.9, 0.5, 4.9, 6.9, 0.8, 7.9, 3.2, 1.6]
    ),
    (
        'bathroom', ['BATHROOM', 'SEASIDE', 'SPA'],
        [
            'SOAP DISH', 'TOWEL', 'BATH MAT', 'LAUNDRY BASKET', 'SOAP',
            'SPONGE', 'SHOWER CAP', 'TOOTHBRUSH MUG'
        ],
        [2.5, 5.9, 7.9, 12.9, 1.2, 0.6, 1.6, 2.1]
    ),
    (
        'vintage signs', ['VINTAGE', 'TIN', 'ENGLISH'],
        [
            'METAL SIGN', 'WALL CLOCK', 'DOOR PLATE', 'HOOK', 'DRAWER KNOB',
            'PICTURE FRAME', 'MIRROR', 'LETTER RACK'
        ],
        [2.1, 11.9, 1.6, 1.2, 1.4, 3.7, 8.9, 5.9]
    );

create or replace table products as
with patterns as (
    select [
        'RED', 'PINK', 'IVORY', 'BLUE', 'GREEN', 'RETROSPOT', 'POLKADOT', 'STRIPED', 'FLORAL', 'PAISLEY',
        'HEARTS', 'STAR', 'SKULL', 'WOODEN', 'ENAMEL', 'GLASS', 'CERAMIC', 'ZINC', 'WICKER', 'FELT'
    ] as names
),

numbered as (
    select *, row_number() over (order by theme, rank_in_theme) as number
    from (select *, unnest(range(75)) as rank_in_theme from themes)
)

select
    theme, rank_in_theme, number,
    (20000 + 61 * number) || case
        when uniform(number, 'letter') < 0.2
            then chr(65 + cast(floor(5 * uniform(number, 'which letter')) as integer))
        else ''
    end as stock_code,
    words[1 + cast(floor(3 * uniform(number, 'word')) as integer)]
    || ' ' || names[1 + (rank_in_theme // 8 + number) % 20]
    || ' ' || objects[1 + rank_in_theme % 8] as description,
    floor(10 * prices[1 + rank_in_theme % 8] * exp(0.2 * normal(number, 'price'))) / 10 + 0.05 as price
from numbered, patterns;

-- What a kind of customer buys: a theme is drawn from the list, so one that stands there twice comes twice as
-- often. `season` is the time of the year, in days since the first, which takes `in_season` of the orders.
create or replace table kinds(kind, first, orders, lines, pieces, hour, season, in_season, bought) as
values
    (
        'christmas gift buyers', 0.00, 3.5, 20, 3.0, 13.0, [95, 190], 0.85,
        ['christmas', 'christmas', 'christmas', 'christmas', 'candles', 'toys', 'jewellery', 'stationery']
    ),
    (
        'kitchen lovers', 0.22, 4.5, 15, 2.5, 14.5, [90, 200], 0.30,
        [
            'kitchen', 'kitchen', 'kitchen', 'kitchen', 'baking',
            'baking', 'baking', 'vintage signs', 'bags'
        ],
    ),
    (
        'garden and home', 0.42, 4.5, 15, 2.5, 11.5, [270, 364], 0.55,
        [
            'garden', 'garden', 'garden', 'garden', 'lighting',
            'lighting', 'bathroom', 'vintage signs', 'candles'
        ],
    ),
    (
        'wholesalers', 0.62, 18.0, 26, 24.0, 9.5, [70, 170], 0.40,
        [
            'kitchen', 'christmas', 'garden', 'stationery', 'toys', 'jewellery', 'bags', 'bags', 'lighting',
            'candles', 'baking', 'bathroom', 'vintage signs'
        ]
    ),
    (
        'occasional', 0.70, 1.2, 6, 1.5, 15.5, [90, 200], 0.40,
        ['bags', 'bags', 'jewellery', 'stationery', 'toys', 'candles', 'bathroom', 'kitchen', 'christmas']
    );

create or replace table customers as
select
    number, kinds.*,
    12000 + 3 * number as customer_id,
    bought[1 + cast(floor(len(bought) * uniform(number, 'favourite')) as integer)] as favourite_theme,
    case
        when uniform(number, 'abroad') < 0.10 then [
            'Germany', 'Germany', 'France', 'France', 'EIRE', 'Spain', 'Netherlands', 'Belgium',
            'Switzerland', 'Portugal', 'Australia', 'Norway'
        ][1 + cast(floor(12 * uniform(number, 'country')) as integer)]
        else 'United Kingdom'
    end as country,
    -- Some order many times as often as others of their kind.
    least(200, 1 + cast(floor(orders * exp(0.8 * normal(number, 'orders') - 0.3)) as integer))
        as order_count
from unnest(range(1, ${size} + 1)) as numbers(number)
asof join kinds on uniform(number, 'kind') >= kinds.first;

create or replace table orders as
with days as (
    select
        *,
        number * 1000 + unnest(range(order_count)) as order_key,
        case
            when uniform(order_key, 'in season') < in_season
                then season[1] + floor((season[2] - season[1]) * uniform(order_key, 'day'))
            else floor(365 * uniform(order_key, 'day'))
        end as any_day,
        date '2025-06-01' + cast(any_day as integer) as any_date
    from customers
)

select
    *,
    -- The shop is closed on Saturdays and takes orders from eight to eight.
    (any_date - cast(dayofweek(any_date) = 6 as integer))::timestamp
    + to_minutes(
        cast(floor(60 * least(19.9, greatest(8, hour + 1.8 * normal(order_key, 'hour')))) as integer)
    ) as ordered_at,
    least(300, 1 + cast(floor(lines * exp(0.7 * normal(order_key, 'lines') - 0.2)) as integer))
        as line_count,
    uniform(order_key, 'no customer') < 0.2 as is_unnamed
from days;

create or replace table sold as
with lines_of_orders as (
    select *, order_key * 1000 + unnest(range(line_count)) as line_key from orders
),

lines_of_themes as (
    select
        *,
        case
            when uniform(line_key, 'of favourite') < 0.35 then favourite_theme
            else bought[1 + cast(floor(len(bought) * uniform(line_key, 'theme')) as integer)]
        end as theme,
        -- The first products of a theme are its best sellers.
        cast(floor(75 * pow(uniform(line_key, 'product'), 1.7)) as integer) as rank_in_theme
    from lines_of_orders
    -- A product stands once in an order.
    qualify row_number() over (partition by order_key, theme, rank_in_theme order by line_key) = 1
)

select
    order_key, line_key, ordered_at, country, stock_code, description, price,
    case when not is_unnamed then customer_id end as customer_id,
    case
        when kind = 'wholesalers'
            then 6 * (1 + floor(pieces / 6 * exp(0.8 * normal(line_key, 'pieces') - 0.3)))
        else 1 + floor(pieces * exp(0.8 * normal(line_key, 'pieces') - 0.3))
    end as quantity
from lines_of_themes
join products using (theme, rank_in_theme);

-- Beside what was sold: orders cancelled in part some days later, postage, discounts, sums entered by hand,
-- charges of the bank, and stock that was counted anew.
create or replace table invoice_lines as
with cancelled as (
    select
        * replace (
            -order_key as order_key, -line_key as line_key, -quantity as quantity,
            least(
                ordered_at + to_days(1 + cast(floor(20 * uniform(order_key, 'cancelled after')) as integer)),
                timestamp '2026-05-31 19:30:00'
            ) as ordered_at
        ),
        'C' as mark
    from sold
    where uniform(order_key, 'cancelled') < 0.013
        and (line_key % 1000 = 0 or uniform(line_key, 'cancelled line') < 0.5)
),

orders_at as (
    select distinct order_key, ordered_at, country, customer_id from sold
),

beside(code, text, share, pieces, middle_price, mark, is_apart) as (
    values
        ('POST', 'POSTAGE', 0.00, 1, 18.0, '', false),
        ('D', 'Discount', 0.004, -1, 12.0, 'C', true),
        ('M', 'Manual', 0.010, 1, 8.0, '', false),
        ('BANK CHARGES', 'Bank Charges', 0.002, -1, 15.0, 'C', true)
),

beside_sold as (
    select
        case when is_apart then -order_key - len(code) * 100000000000 else order_key end as order_key,
        order_key * 1000 + 990 + len(code) as line_key,
        ordered_at, country, code as stock_code, text as description,
        round(middle_price * exp(0.4 * normal(order_key, code)), 2) as price,
        customer_id, pieces as quantity, mark
    from orders_at, beside
    where uniform(order_key, code || ' beside')
        < case when code = 'POST' and country != 'United Kingdom' then 0.6 else share end
),

counted_anew as (
    select
        order_key + 500 as order_key, order_key * 1000 + 999 as line_key, ordered_at,
        'United Kingdom' as country, stock_code,
        ['damaged', 'damaged', 'lost', 'check', 'wet', null, null][
            1 + cast(floor(7 * uniform(order_key, 'why')) as integer)
        ] as description,
        0.0 as price, null as customer_id,
        -1 - floor(30 * uniform(order_key, 'how many')) as quantity, '' as mark
    from sold
    where line_key % 1000 = 0 and uniform(order_key, 'counted anew') < 0.03
),

every_line as (
    select *, '' as mark from sold
    union all by name select * from cancelled
    union all by name select * from beside_sold
    union all by name select * from counted_anew
)

select *, mark || (536364 + dense_rank() over (order by ordered_at, order_key)) as invoice_no
from every_line;

-- Written as text, with what goes wrong in such files.
copy (
    with spelled as (
        select
            ordered_at, invoice_no, line_key,
            stock_code,
            case
                when uniform(line_key, 'no description') < 0.003 then null
                when uniform(line_key, 'blanks') < 0.02 then description || '  '
                when uniform(line_key, 'question') < 0.003 then description || '?'
                else description
            end as description,
            case
                when uniform(line_key, 'unreadable') < 0.00004 then 'six'
                else cast(cast(quantity as integer) as varchar)
            end as quantity,
            case
                when uniform(line_key, 'unreadable') between 0.00004 and 0.00008 then '2025-13-45'
                -- One of the tills writes the month first.
                when uniform(order_key, 'till') < 0.10 then strftime(ordered_at, '%-m/%-d/%Y %-H:%M')
                else strftime(ordered_at, '%Y-%m-%d %H:%M:%S')
            end as invoice_date,
            case when uniform(line_key, 'given away') < 0.002 then 0.0 else price end as unit_price,
            customer_id, country,
            -- One line in a hundred is there twice.
            unnest(range(1 + cast(uniform(line_key, 'twice') < 0.01 as integer))) as repeat
        from invoice_lines
    )

    select
        invoice_no as InvoiceNo, stock_code as StockCode, description as Description, quantity as Quantity,
        invoice_date as InvoiceDate, cast(unit_price as decimal(10, 2)) as UnitPrice,
        customer_id as CustomerID, country as Country
    from spelled
    order by ordered_at, invoice_no, line_key, repeat
) to '${folder}/invoice_lines.csv' (format csv, header true);

copy (
    select customer_id as CustomerID, kind as customer_kind, favourite_theme
    from customers order by customer_id
) to '${truth}/customers.parquet' (format parquet, compression zstd);

copy (
    select stock_code as StockCode, theme from products order by stock_code
) to '${truth}/products.parquet' (format parquet, compression zstd);
