import pg from 'pg';

// A copy of sales_order as it is often written: what is newer than the newest that is there, inserted or updated.
const [source = '', target = ''] = process.argv.slice(2);
const [from, to] = [new pg.Client(source), new pg.Client(target)];
await Promise.all([from.connect(), to.connect()]);
await to.query('create schema if not exists loop');
const { rows: found } = await from.query<{ definition: string }>(`
  select string_agg(format('%I %s', attname, format_type(atttypid, atttypmod)), ', ' order by attnum) as definition
    from pg_attribute where attrelid = 'sales_order'::regclass and attnum > 0 and not attisdropped`);
await to.query(
  `create table if not exists loop.sales_order (${found[0]?.definition}, primary key (sales_order_id))`,
);
const { rows: seen } = await to.query<{ watermark: string | null }>(
  'select max(last_updated)::text as watermark from loop.sales_order',
);
const watermark = seen[0]?.watermark ?? '-infinity';
const { rows: columns } = await to.query<{ name: string }>(
  `select attname as name from pg_attribute where attrelid = 'loop.sales_order'::regclass and attnum > 0`,
);
const set = columns.map(({ name }) => `${name} = excluded.${name}`).join(', ');
await from.query('begin');
await from.query(
  `declare changed cursor for select to_json(o)::text as row from sales_order o where last_updated > '${watermark}'`,
);
for (;;) {
  const { rows } = await from.query<{ row: string }>('fetch 10000 from changed');
  if (rows.length === 0) break;
  await to.query(
    `insert into loop.sales_order select * from json_populate_recordset(null::loop.sales_order, $1)
         on conflict (sales_order_id) do update set ${set}`,
    [`[${rows.map(({ row }) => row).join()}]`],
  );
}
await Promise.all([from.end(), to.end()]);
