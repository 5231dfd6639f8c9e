import { drawRows, type ForeignModel, hostileTexts, insertRows } from './foreign-model.ts';

const users = 120;
const posts = 200;
const comments = 400;

const quotedName = 'a "quoted" name, and more';

export const web: ForeignModel = {
  name: 'web',
  fill: async (source, seed) => {
    const ids: Record<string, string[]> = {};
    const put = async (table: string, rows: Record<string, unknown>[]) => {
      ids[table] = rows.map((row) => String(row.id));
      await insertRows(source, table, rows);
    };
    const idOf = (table: string, index: number): string => ids[table]?.[index] ?? '';

    await put('schema_migrations', [{ version: '20240101000000', applied_at: '2024-01-01 00:00:00+00' }]);
    await put(
      'organisations',
      drawRows(seed, 'organisations', 15, (row, random) => ({
        id: random.uuid(row),
        slug: `${random.word()}-${row}`,
        name: random.text(2),
        plan: random.one(['free', 'paid']),
        settings: {
          colour: random.word(),
          seats: random.below(90),
          nested: { list: [1, '2', null, random.text()] },
        },
        created_at: random.moment(),
        updated_at: random.moment(),
        deleted_at: random.oneIn(5) ? random.moment() : null,
      })),
    );
    await put(
      'users',
      drawRows(seed, 'users', users, (row, random) => ({
        id: random.uuid(row),
        email: `${random.one(['Mixed.Case', 'lower', 'UPPER'])}${row}@Example.org`,
        password_hash: `$2b$${random.digits(40)}`,
        display_name: random.maybe(random.text(2)),
        locale: random.maybe(random.one(['de', 'en-GB', 'ﬁ'])),
        last_seen_from: random.maybe(
          random.one(['10.0.0.0/8', `192.168.1.${random.below(255)}`, '2001:db8::1', '::/0']),
        ),
        labels: random.one([[], [random.word(), null], ['a,b', '"', '\\', '{}', 'NULL', '']]),
        created_at: random.moment(),
        updated_at: random.moment(),
        deleted_at: random.oneIn(8) ? random.moment() : null,
      })),
    );
    await put(
      'memberships',
      drawRows(seed, 'memberships', users, (row, random) => ({
        organisation_id: idOf('organisations', row % 15),
        user_id: idOf('users', row),
        role: random.one(['owner', 'editor', 'guest']),
        joined_at: random.moment(),
      })),
    );
    await put(
      'posts',
      drawRows(seed, 'posts', posts, (row, random) => ({
        id: random.uuid(row),
        organisation_id: idOf('organisations', random.below(15)),
        author_id: random.maybe(idOf('users', random.below(users))),
        title: random.text(),
        body: random.maybe(random.text(40)),
        attributes: random.maybe({ b: 1, a: [random.text(), 1.5, 12345678901234] }),
        reading_time: random.maybe(
          random.one(['1 day 02:03:04.000005', '-1 mons +2 days', '00:00:00', '99 years']),
        ),
        created_at: random.moment(),
        published_at: random.maybe(random.moment()),
        deleted_at: random.oneIn(9) ? random.moment() : null,
      })),
    );
    const made: string[] = [];
    await put(
      'comments',
      drawRows(seed, 'comments', comments, (row, random) => {
        const id = random.uuid(row);
        const parent = row > 0 && random.oneIn(2) ? made[random.below(row)] : null;
        made.push(id);
        return {
          id,
          post_id: idOf('posts', random.below(posts)),
          parent_id: parent,
          author_id: random.maybe(idOf('users', random.below(users))),
          body: random.text(9),
          created_at: random.moment(),
          deleted_at: random.oneIn(9) ? random.moment() : null,
        };
      }),
    );
    await put(
      '"PurchaseOrder"',
      drawRows(seed, 'PurchaseOrder', 250, (row, random) => ({
        orderId: row + 1,
        buyerId: idOf('users', random.below(users)),
        organisationId: random.maybe(idOf('organisations', random.below(15))),
        totalCents: `9007199254${random.digits(6)}`,
        taxRate: random.maybe(random.one([0.1, 19.25, 1e-7, 'NaN', '-0'])),
        exchangeRate: random.maybe(random.one([0.1, 1 / 3, 1.7976931348623157e308, 'Infinity', '5e-324'])),
        placedAt: random.moment(),
        updatedAt: random.moment(),
        select: random.maybe(random.oneIn(2)),
        [quotedName]: random.maybe(random.text()),
      })),
    );
    await put(
      '"OrderLine"',
      drawRows(seed, 'OrderLine', 750, (row, random) => ({
        orderId: 1 + Math.floor(row / 3),
        lineNo: row % 3,
        sku: `${random.word()}-${random.digits(3)}`,
        quantity: random.between(1, 9),
        unitCents: random.below(100_000),
      })),
    );
    await put(
      'feature_flags',
      drawRows(seed, 'feature_flags', hostileTexts.length, (row, random) => ({
        // A key may be of any text.
        key: (hostileTexts[row] ?? '').slice(0, 60),
        enabled: random.oneIn(2),
        share: random.maybe(random.one([0.5, 1, 0.333333])),
        rules: random.maybe([{ role: random.word() }]),
      })),
    );
    await put(
      'api_clients',
      drawRows(seed, 'api_clients', 20, (row, random) => ({
        id: row,
        user_id: idOf('users', random.below(users)),
        label: random.text(1),
        secret_key: `\\x${random.digits(32)}`,
        allowed_from: random.maybe('10.1.0.0/16'),
        expires_at: random.maybe(random.one([random.moment(), 'infinity'])),
      })),
    );
    await put(
      'page_views',
      drawRows(seed, 'page_views', 50, (_, random) => ({
        seen_at: random.moment(),
        user_id: random.maybe(idOf('users', random.below(users))),
        path: `/${random.word()}`,
      })),
    );
    await put(
      'sign_ins',
      drawRows(seed, 'sign_ins', 200, (row, random) => ({
        user_id: idOf('users', row % users),
        signed_in_at: random.moment(),
        browser: random.maybe(random.text(2)),
        took: random.maybe(`${random.decimal(9, 6)} seconds`),
      })),
    );
  },

  change: async (source) => {
    const texts = `(array[${hostileTexts.map((_, index) => `$${index + 1}::text`).join(', ')}])`;
    const count = hostileTexts.length;
    const numbered = (table: string) =>
      `(select id as own, row_number() over (order by id) as n from ${table}) o`;
    for (const update of [
      `update users set display_name = ${texts}[1 + n % ${count}], labels = ${texts}, updated_at = now()
         from ${numbered('users')} where id = own and n % 2 = 0`,
      `update posts set title = ${texts}[1 + n % ${count}], body = null,
              attributes = to_json(${texts}[1 + n % ${count}]) from ${numbered('posts')} where id = own and n % 3 = 0`,
      `update comments set body = ${texts}[1 + n % ${count}] from ${numbered('comments')} where id = own and n % 4 = 0`,
    ]) {
      await source.query(update, [...hostileTexts]);
    }
    await source.query(`
      -- Rows that are marked as deleted, and some that are not any more.
      update posts set deleted_at = now() where deleted_at is null and reading_time is null;
      update users set deleted_at = null where deleted_at is not null;
      update comments set deleted_at = '2024-12-31 23:59:59.999999+00' where parent_id is not null and author_id is null;
      -- The text of a json value is its own: spaces, doubled keys and the order of keys.
      update posts set attributes = E'{"b":1,\\n  "a" : 1e400, "a":2}' where attributes is null;
      update organisations set settings = 'null', name = '' where plan = 'free';
      update organisations set settings = '{"n": 123456789012345678901234567890.1}', updated_at = now() where plan = 'paid';
      update memberships set role = 'owner', joined_at = joined_at + interval '1 microsecond' where role <> 'owner';
      update users set email = upper(email::text), last_seen_from = null where locale = 'de';
      -- Stamps that stay as they are, and one that goes back.
      update "PurchaseOrder" set "select" = not "select", "a ""quoted"" name, and more" = null where "orderId" % 5 = 0;
      update "PurchaseOrder" set "updatedAt" = '1999-12-31 23:59:59+00', "totalCents" = -9223372036854775808
       where "orderId" % 17 = 0;
      -- Two rows exchange their keys.
      begin;
      update "OrderLine" set "lineNo" = -1 where "orderId" = 1 and "lineNo" = 0;
      update "OrderLine" set "lineNo" = 0 where "orderId" = 1 and "lineNo" = 1;
      update "OrderLine" set "lineNo" = 1 where "orderId" = 1 and "lineNo" = -1;
      commit;
      update feature_flags set key = key, share = 0.1, rules = '[{"a": "\\t"}]';
      -- New rows below new rows.
      insert into organisations (id, slug, name, plan, created_at, updated_at)
        values ('ffffffff-ffff-7fff-bfff-ffffffffffff', 'new', 'New', 'paid', '2024-12-31 23:00:00-05', now());
      insert into users (id, email, password_hash, created_at, updated_at)
        values ('00000000-0000-0000-0000-000000000000', 'New@Example.org', 'x', now(), now());
      insert into memberships values ('ffffffff-ffff-7fff-bfff-ffffffffffff', '00000000-0000-0000-0000-000000000000', 'guest', now());
      insert into posts (id, organisation_id, title, created_at, published_at)
        select gen_random_uuid(), 'ffffffff-ffff-7fff-bfff-ffffffffffff', 'New ' || n, now(), null from generate_series(1, 30) n;
      insert into comments (id, post_id, parent_id, body, created_at)
        select gen_random_uuid(), p.id, (select id from comments order by id limit 1), 'New', '2024-06-30 22:30:00-04'
          from posts p where p.title like 'New %';
      insert into "PurchaseOrder" ("orderId", "buyerId", "totalCents", "placedAt", "updatedAt")
        select -n, '00000000-0000-0000-0000-000000000000', n, '2024-12-31 20:00:00-08', now() from generate_series(0, 20) n;
      insert into "OrderLine" select -n, 32767, 'new', 2147483647, -2147483648 from generate_series(0, 20) n;
      insert into sign_ins values ('00000000-0000-0000-0000-000000000000', '2024-12-31 23:59:59.999999+00', null, null);
      insert into page_views values (now(), null, '/new');
      update api_clients set allowed_from = '::/0', label = '', secret_key = '\\x', expires_at = '-infinity' where id < 5`);
  },

  moveKeys: async (source) => {
    await source.query(`
      update "OrderLine" set "lineNo" = 100 + "lineNo" where "orderId" = 7;
      update sign_ins set signed_in_at = signed_in_at + interval '1 year' where user_id = (select user_id from sign_ins
        group by 1 order by count(*) desc, user_id limit 1)`);
    return { fact_OrderLine: 3, fact_sign_ins: 2 };
  },

  queries: {
    dim_users: `
      select id, email, display_name, locale, last_seen_from, labels, created_at, updated_at, deleted_at from users`,
    dim_posts: `
      select id, organisation_id, author_id, title, body, attributes, reading_time, created_at, published_at, deleted_at
        from posts`,
    fact_comments: `
      select id, post_id, parent_id, author_id, body, created_at, (created_at at time zone 'UTC')::date as created_date,
             deleted_at from comments`,
    fact_memberships: `
      select organisation_id, user_id, role, joined_at, date(joined_at at time zone 'UTC') as joined_date from memberships`,
    fact_sign_ins: `
      select user_id, signed_in_at, substr((signed_in_at at time zone 'UTC')::text, 1, 10) as signed_in_date, browser, took
        from sign_ins`,
    fact_PurchaseOrder: `
      select o.*, ("placedAt" at time zone 'UTC')::date as "placedDate" from "PurchaseOrder" o`,
    fact_OrderLine: 'select "orderId", "lineNo", sku, quantity, "unitCents" from "OrderLine"',
  },
  copies: {
    dim_api_clients: 'api_clients',
    dim_organisations: 'organisations',
    fact_feature_flags: 'feature_flags',
  },
  histories: { fact_PurchaseOrder: ['orderId', 'updatedAt'] },
};
