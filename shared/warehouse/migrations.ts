// The changes of the pipeline's own tables. New tables are made in their newest shape (ledger-schema.ts); a migration
// changes tables that an older version made, and copes with each of them missing. Its number is its place in the list:
// migrations are only ever added at the end, and never edited.

/**
 * The default of an object's id: microseconds since 1970 times 1,000, and a sequence within each microsecond. Rows keep the
 * id of their object even where the ledger is dropped or restored from a backup, so an id must never be given again: a
 * sequence alone would begin at 1, or at where the backup was.
 */
export const idsFromClock = [
  'create sequence if not exists starlift.object_number',
  'alter sequence starlift.object_number owned by starlift.object.object_id',
  `alter table starlift.object alter column object_id
     set default (extract(epoch from clock_timestamp()) * 1000000)::int8 * 1000
       + nextval('starlift.object_number') % 1000`,
];

/**
 * Ids come from the clock, an entry keeps when it was entered, and every table has a primary key.
 *
 * Loads of the older version may still be at work: they go on, for they name no column that is gone.
 */
const idsAndPrimaryKeys = `
do $migration$
declare parked record;
begin
  if to_regclass('starlift.object') is not null then
    alter table starlift.object alter column object_id drop identity if exists;
    ${idsFromClock.join(';\n    ')};
    alter table starlift.object add column if not exists entered_at timestamptz;
    update starlift.object set entered_at = loaded_at where entered_at is null;
    alter table starlift.object alter column entered_at set default clock_timestamp(),
      alter column entered_at set not null;
  end if;
  if to_regclass('starlift.binding') is not null and not exists (
    select from pg_constraint where conrelid = to_regclass('starlift.binding') and contype = 'p')
  then
    alter table starlift.binding add primary key (warehouse_id);
  end if;
  for parked in
    select c.oid::regclass as "table", k.conname,
           (select string_agg(quote_ident(attname), ', ' order by array_position(k.conkey, attnum))
              from pg_attribute where attrelid = c.oid and attnum = any (k.conkey)) as columns
      from pg_constraint k join pg_class c on c.oid = k.conrelid
     where k.connamespace = 'starlift'::regnamespace and k.contype = 'u' and c.relname like 'parked\\_%'
  loop
    execute format('alter table %s drop constraint %I, add primary key (%s)',
                   parked."table", parked.conname, parked.columns);
  end loop;
end
$migration$`;

/** In their order; the first has the number 1. */
export const migrations = [idsAndPrimaryKeys];
