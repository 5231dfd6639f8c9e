import { drawRows, type ForeignModel, hostileTexts, insertRows } from './foreign-model.ts';

const films = 120;
const customers = 150;
const copies = 300;

/** Every address with its city and country. */
const places = `
  select a.*, c.name as city_name, c.place, n.name as country_name, n.iso
    from persons.address a
    join persons.city c using (city_id)
    join persons.country n on n.country_id = c.country_id`;

export const rental: ForeignModel = {
  name: 'rental',
  fill: async (source, seed) => {
    const rowsOf: Record<string, Record<string, unknown>[]> = {};
    const put = async (table: string, rows: Record<string, unknown>[]) => {
      rowsOf[table] = rows;
      await insertRows(source, table, rows);
    };
    const column = (table: string, name: string) => (rowsOf[table] ?? []).map((row) => row[name]);

    await put(
      'persons.country',
      drawRows(seed, 'country', 12, (row, random) => ({
        country_id: row - 2,
        name: random.text(2),
        iso: row < 9 ? `C${row}` : null,
      })),
    );
    await put(
      'persons.city',
      drawRows(seed, 'city', 40, (row, random) => ({
        city_id: row,
        name: random.text(1),
        country_id: random.one(column('persons.country', 'country_id')),
        place: random.maybe(`(${random.decimal(90, 7)},-${random.decimal(180, 3)})`),
      })),
    );
    await put(
      'persons.address',
      drawRows(seed, 'address', 160, (row, random) => ({
        address_id: random.uuid(row),
        street: random.text(),
        street_2: random.maybe(random.text(2)),
        postcode: random.maybe(random.digits(5)),
        city_id: random.one(column('persons.city', 'city_id')),
        phone: random.maybe(random.digits(10)),
      })),
    );
    await put(
      'persons.customer',
      drawRows(seed, 'customer', customers, (row, random) => ({
        customer_id: random.uuid(row),
        full_name: random.text(2),
        email: random.maybe(`${random.word()}.${row}@example.org`),
        birthday: random.maybe(`19${60 + random.below(40)}-0${1 + random.below(9)}-1${random.below(9)}`),
        address_id: random.maybe(random.one(column('persons.address', 'address_id'))),
        preferences: { note: random.text(), sizes: [random.below(9), null], deep: { 'a"b': true } },
        is_active: !random.oneIn(6),
        modified_at: random.moment(),
      })),
    );
    await source.query(`
      update persons.customer c set referred_by = o.customer_id
        from (select customer_id, row_number() over (order by customer_id) as nth from persons.customer) o,
             (select customer_id, row_number() over (order by customer_id) as nth from persons.customer) own
       where own.customer_id = c.customer_id and own.nth % 3 = 0 and o.nth = own.nth / 3`);
    await put(
      'persons.clerk',
      drawRows(seed, 'clerk', 8, (row, random) => ({
        clerk_id: row,
        full_name: random.text(2),
        badge: random.maybe(`B${row}`),
        manager_id: row === 0 ? null : random.below(row),
        address_id: random.maybe(random.one(column('persons.address', 'address_id'))),
        portrait: random.maybe(`\\x00${random.digits(40)}0aff5c`),
        shift: random.maybe(`0${random.below(10)}:30:00.25+0${random.below(9)}:30`),
      })),
    );
    await put(
      'films.language',
      drawRows(seed, 'language', 6, (row, random) => ({ language_id: `l${row}`, name: random.word() })),
    );
    await put(
      'films.film',
      drawRows(seed, 'film', films, (row, random) => ({
        film_id: row + 1,
        title: random.text(3),
        blurb: random.maybe(random.text(12)),
        made_in: random.maybe(random.between(1900, 2024)),
        language_id: random.one(column('films.language', 'language_id')),
        original_language_id: random.oneIn(3) ? random.one(column('films.language', 'language_id')) : null,
        sequel_of: row > 0 && random.oneIn(4) ? random.between(1, row) : null,
        minutes: random.maybe(random.between(40, 240)),
        daily_rate: random.decimal(9),
        audience: random.maybe(random.one(['everyone', 'teens', 'adults', `it's "odd", \\ {really}`])),
        features: random.maybe([random.text(1), null, '', 'NULL', `"${random.word()}",{}\\`]),
        facts: random.maybe({ stars: random.below(5), huge: '1e400', [random.word()]: [[]] }),
        modified_at: random.moment().slice(0, -3),
      })),
    );
    await put(
      'films.actor',
      drawRows(seed, 'actor', 60, (row, random) => ({
        actor_id: random.uuid(row),
        first_name: random.word(),
        last_name: random.word(),
      })),
    );
    await put(
      'films.film_actor',
      drawRows(seed, 'film_actor', films * 3, (row, random) => ({
        film_id: 1 + Math.floor(row / 3),
        actor_id: column('films.actor', 'actor_id')[(row * 7) % 60],
        billing: random.maybe(random.between(1, 20)),
      })),
    );
    await put(
      'trade.store',
      drawRows(seed, 'store', 9, (row, random) => ({
        country_id: (row % 3) - 1,
        store_no: row,
        name: random.text(1),
        opened_on: random.maybe(random.date()),
      })),
    );
    await put(
      'trade.copy',
      drawRows(seed, 'copy', copies, (row, random) => {
        const store = random.below(9);
        return {
          copy_id: 5_000_000_000 + row,
          film_id: random.between(1, films),
          country_id: (store % 3) - 1,
          store_no: store,
          bought_for: random.maybe(
            random.one(['NaN', random.decimal(40, 9), '0.10', `-1${random.digits(45)}.5`]),
          ),
        };
      }),
    );
    await put(
      'trade.rental',
      drawRows(seed, 'rental', 900, (row, random) => ({
        rental_id: row + 1,
        copy_id: 5_000_000_000 + random.below(copies),
        customer_id: random.one(column('persons.customer', 'customer_id')),
        clerk_id: random.maybe(random.below(8)),
        rented_at: random.moment(),
        returned_at: random.maybe(random.one([random.moment(), 'infinity'])),
        lent_for: random.one(['empty', '["2024-02-03 04:05:06.7+02",)', '(,"2024-03-01 00:00:00+00"]']),
        remark: random.oneIn(3) ? random.text() : null,
        modified_at: random.moment(),
      })),
    );
    await put(
      'trade.payment',
      drawRows(seed, 'payment', 700, (row, random) => ({
        payment_id: row + 1,
        paid_on: random.date(),
        rental_id: random.maybe(random.between(1, 900)),
        customer_id: random.one(column('persons.customer', 'customer_id')),
        amount: random.decimal(20),
        tip: random.maybe(random.decimal(3)),
      })),
    );
  },

  change: async (source) => {
    const text = hostileTexts.map((_, index) => `$${index + 1}::text`).join(', ');
    // Hostile values in every text of some rows.
    for (const update of [
      `update persons.customer c set full_name = t.texts[1 + n % ${hostileTexts.length}],
              preferences = jsonb_build_object(t.texts[1 + n % ${hostileTexts.length}], n), modified_at = now()
         from (select customer_id, row_number() over (order by customer_id) as n from persons.customer) o,
              (select array[${text}] as texts) t
        where o.customer_id = c.customer_id and n % 2 = 0`,
      `update films.film f set title = t.texts[1 + film_id % ${hostileTexts.length}], features = t.texts,
              modified_at = now() from (select array[${text}] as texts) t where film_id % 3 = 0`,
      `update trade.rental r set remark = t.texts[1 + rental_id % ${hostileTexts.length}]
         from (select array[${text}] as texts) t where rental_id % 5 = 0`,
    ]) {
      await source.query(update, [...hostileTexts]);
    }
    await source.query(`
      -- Nulls where there were values, and the other way round.
      update persons.address set street_2 = case when street_2 is null then 'new' end, phone = null where city_id % 2 = 0;
      update films.film set blurb = null, facts = null, audience = null, minutes = null where film_id % 7 = 0;
      update films.film set facts = '{"a": 1, "b": "\\u0041\\n", "n": 1e400}' where film_id % 7 = 1;
      -- Far tables of joins, two and three steps away.
      update persons.country set name = name || ' changed' where country_id < 3;
      update persons.city set name = 'moved', country_id = 3, place = null where city_id < 5;
      update films.language set name = name || ' 2';
      update persons.clerk set manager_id = null, portrait = '\\x' where clerk_id = 3;
      update persons.customer set address_id = null, modified_at = modified_at + interval '1 hour'
       where customer_id in (select customer_id from persons.customer order by customer_id limit 5);
      -- A row is written without its stamp, and one with an earlier one than it had.
      update trade.rental set returned_at = null where rental_id % 11 = 0;
      update trade.rental set modified_at = modified_at - interval '400 days' where rental_id % 13 = 0;
      -- Rows are written anew under their keys, and two rows exchange theirs.
      update films.film_actor set billing = -billing where film_id <= 10;
      begin;
      create temporary table pair on commit drop as select * from films.film_actor where film_id in (1, 2);
      delete from films.film_actor where film_id in (1, 2);
      insert into films.film_actor select film_id, actor_id, coalesce(billing, 0) + 100 from pair;
      commit;
      begin;
      create temporary table keys on commit drop as
        select payment_id, paid_on from trade.payment where payment_id in (11, 12);
      update trade.payment set payment_id = -payment_id where payment_id in (11, 12);
      update trade.payment p set payment_id = k.payment_id, paid_on = k.paid_on
        from keys k where k.payment_id = 23 + p.payment_id and p.payment_id in (-11, -12);
      commit;
      -- New rows, and a new partition.
      create table trade.payment_2025 partition of trade.payment for values from ('2025-01-01') to ('2026-01-01');
      insert into trade.payment (payment_id, paid_on, rental_id, customer_id, amount, tip)
        select 10000 + n, date '2025-01-01' + n, null, (select min(customer_id::text)::uuid from persons.customer), n, null
          from generate_series(1, 60) n;
      insert into trade.payment (payment_id, paid_on, rental_id, customer_id, amount)
        select 20000 + n, date '2024-06-20' + n, n, (select max(customer_id::text)::uuid from persons.customer), -n
          from generate_series(1, 30) n;
      create table trade.payment_other partition of trade.payment default;
      insert into trade.payment (payment_id, paid_on, rental_id, customer_id, amount)
        select 30000 + n, date '2031-12-30' + n, n, (select max(customer_id::text)::uuid from persons.customer), -n
          from generate_series(1, 3) n;
      insert into persons.country values (99, 'Newland', 'NEW');
      insert into persons.city values (99, 'Newtown', 99, null);
      insert into persons.address values ('ffffffff-ffff-4fff-bfff-ffffffffffff', 'New street', null, null, 99, null);
      insert into persons.customer values ('00000000-0000-0000-0000-000000000000', 'Nil', null, null,
        'ffffffff-ffff-4fff-bfff-ffffffffffff', '00000000-0000-0000-0000-000000000000', 'null', true, now());
      insert into trade.store values (99, 1, 'new', '2024-12-31');
      insert into trade.copy values (9007199254740993, 1, 99, 1, 'NaN');
      insert into trade.rental values (9223372036854775807, 9007199254740993, '00000000-0000-0000-0000-000000000000',
        null, '2024-12-31 23:59:59.999999+00', '-infinity', '(,)', null, now())`);
  },

  moveKeys: async (source) => {
    await source.query(`
      update trade.payment set paid_on = '2025-12-31' where payment_id between 1 and 4;
      update films.film_actor set actor_id = (select max(actor_id::text)::uuid from films.actor)
       where (film_id, actor_id) = (select film_id, actor_id from films.film_actor
         where film_id not in (select film_id from films.film_actor
           where actor_id = (select max(actor_id::text)::uuid from films.actor)) limit 1)`);
    return { fact_payment: 4, fact_film_actor: 1 };
  },

  queries: {
    dim_film: `
      select f.film_id, f.title, f.blurb, f.made_in, f.language_id, f.original_language_id, f.sequel_of, f.minutes,
             f.daily_rate, f.audience, f.features, f.facts, f.found_by, f.modified_at, spoken.name as language_name,
             (select name from films.language o where o.language_id = f.original_language_id) as original_language_name
        from films.film f join films.language spoken using (language_id)`,
    dim_customer: `
      select c.customer_id, c.full_name, c.email, c.birthday, c.address_id, c.referred_by, c.preferences, c.is_active,
             c.modified_at, a.street as address_street, a.street_2 as address_street_2, a.postcode as address_postcode,
             a.phone as address_phone, a.city_name, a.place as city_place, a.country_name, a.iso as country_iso
        from persons.customer c left join (${places}) a using (address_id)`,
    dim_clerk: `
      select c.clerk_id, c.full_name, c.badge, c.manager_id, c.address_id, c.portrait, c.shift,
             a.street as address_street, a.street_2 as address_street_2, a.postcode as address_postcode,
             a.phone as address_phone, a.city_name, a.place as city_place, a.country_name, a.iso as country_iso
        from persons.clerk c left join (${places}) a using (address_id)`,
    dim_copy: `
      select c.*, s.name as store_name, s.opened_on as store_opened_on, n.name as country_name, n.iso as country_iso
        from trade.copy c
        join trade.store s on s.country_id = c.country_id and s.store_no = c.store_no
        join persons.country n on n.country_id = s.country_id`,
    fact_rental: `
      select r.*, (r.rented_at at time zone 'UTC')::date as rented_date from trade.rental r`,
    fact_payment: `
      select payment_id, paid_on, rental_id, customer_id, amount, tip::numeric from only trade.payment_2024_h1
      union all select payment_id, paid_on, rental_id, customer_id, amount, tip::numeric from trade.payment
       where tableoid <> 'trade.payment_2024_h1'::regclass`,
  },
  copies: { dim_actor: 'films.actor', fact_film_actor: 'films.film_actor' },
  histories: { fact_rental: ['rental_id', 'modified_at'] },
};
