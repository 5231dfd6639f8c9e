import pg from 'pg';
import { RowRandom } from '../../../models/totesys/sample/random.ts';
import { defineIngestedOnly } from '../../../shared/model/define.ts';
import { assembleModel } from '../../../shared/model/model.ts';
import { calendar } from '../../helpers/models/calendar.ts';
import type { PostgresServer } from '../../helpers/postgres/temporary-postgres.ts';
import { seen } from '../../helpers/seen.ts';

/** A large table and ten small ones. */
export const largeTable = 'sale';
export const smallTables = Array.from({ length: 10 }, (_, index) => `code_${index}`);
export const tables = [largeTable, ...smallTables];

export const weekModel = assembleModel({
  name: 'week',
  tables: [
    { ...calendar },
    ...tables.map((table) => {
      const definition = defineIngestedOnly({
        table,
        key: [`${table}_id`],
        columns: { [`${table}_id`]: 'int4', note: 'varchar', units: 'int4', last_updated: 'timestamp' },
      });
      return { ...definition, source: { ...definition.source, changed: 'last_updated' } };
    }),
  ],
});

/** What the source offers for looks that do not read a whole table. */
export interface Offered {
  counters: boolean;
  index: boolean;
  summaries: boolean;
}

const smallRows = 50;
export const settings = { autovacuum: 'off', summarize_wal: 'on', checkpoint_timeout: '1h' };

/** Makes the tables as of an instant; the role `reader` may read them, and ask what is offered. */
export async function makeWeekSource(
  server: PostgresServer,
  { name, rows, opened, offered }: { name: string; rows: number; opened: Date; offered: Offered },
): Promise<string> {
  const url = await server.createDatabase(name);
  const client = new pg.Client(url);
  await client.connect();
  const make = (table: string, count: number) => `
    create table ${table} (${table}_id int primary key, note text not null, units int not null, last_updated timestamp not null)
      with (fillfactor = 90);
    insert into ${table}
      select n, repeat('x', 40), n, timestamp '${at(opened)}' - (${count} - n) * interval '1 second' from generate_series(1, ${count}) n;`;
  await client.query(`
    do $$ begin create role reader login; exception when duplicate_object then null; end $$;
    ${make(largeTable, rows)}
    ${smallTables.map((table) => make(table, smallRows)).join('')}
    grant select on all tables in schema public to reader;
    ${offered.index ? `create index on ${largeTable} (last_updated);` : ''}
    ${offered.counters ? '' : 'revoke execute on function pg_stat_get_tuples_inserted(oid) from public;'}
    ${offered.summaries ? '' : 'revoke execute on function pg_available_wal_summaries() from public;'}`);
  await client.query(`vacuum (freeze, analyze) ${tables.join(', ')}`);
  await client.end();
  return url;
}

/** As the columns hold it. */
export const at = (instant: Date): string => instant.toISOString().replace('T', ' ').replace('Z', '');

export interface Shop {
  /** Changes of five minutes that end at this instant. */
  trade(until: Date): Promise<void>;
  end(): Promise<void>;
}

/**
 * Trades from Monday to Saturday, 8 to 20 h: rows come, change and change without a new timestamp; transactions commit late, and
 * once a day everything of one kind changes at once. Else hardly anything happens.
 */
export async function openShop(url: string, { rows, seed }: { rows: number; seed: number }): Promise<Shop> {
  const client = new pg.Client(url);
  const late = new pg.Client(url);
  await Promise.all([client.connect(), late.connect()]);
  const random = new RowRandom(seed, 'week').at(0);
  let last = rows;
  let lateLeft = 0;
  const anyId = () => random.between(1, last);
  const change = (sets: string, ids: readonly number[]) =>
    `update ${largeTable} set ${sets} where ${largeTable}_id = any('{${ids.join(',')}}');`;
  const insert = (moment: string) =>
    `insert into ${largeTable} values (${++last}, repeat('y', 40), ${last}, ${moment});`;
  const report = 'select pg_stat_force_next_flush()';
  const trade = async (until: Date) => {
    const moment = `timestamp '${at(new Date(until.getTime() - 1000 * random.between(1, 299)))}'`;
    const isOpen = until.getUTCDay() !== 0 && until.getUTCHours() >= 8 && until.getUTCHours() < 20;
    const statements: string[] = [];
    if (isOpen) {
      for (let n = 0; n < 5; n++) statements.push(insert(moment));
      statements.push(change(`units = units + 1, last_updated = ${moment}`, [anyId(), anyId(), anyId()]));
      statements.push(change('units = units + 1', [anyId()]));
      const small = smallTables[random.below(smallTables.length)];
      if (random.oneIn(3)) statements.push(`update ${small} set units = units + 1 where ${small}_id = 1;`);
      if (random.oneIn(144)) {
        const first = random.between(1, Math.max(1, rows - 500));
        const ids = Array.from({ length: 500 }, (_, index) => first + index);
        statements.push(change(`units = 0, last_updated = ${moment}`, ids));
      }
    } else if (random.oneIn(24)) statements.push(insert(moment));
    if (statements.length > 0) await client.query(`begin; ${statements.join(' ')} commit`);
    if (lateLeft > 0) {
      lateLeft--;
      if (lateLeft === 0) await late.query(`commit; ${report}`);
    } else if (isOpen && random.oneIn(12)) {
      await late.query(`begin; ${insert(moment)} savepoint a; ${insert(moment)}`);
      lateLeft = random.between(1, 6);
    }
    await client.query(report);
  };
  return {
    trade,
    end: async () => {
      await late.query(lateLeft > 0 ? 'commit' : 'select 1');
      await Promise.all([client.end(), late.end()]);
    },
  };
}

/** Has the server summarize its log until now, as after a checkpoint. @returns the position up to which it has */
export async function checkpoint(client: pg.Client): Promise<string> {
  const { rows } = await client.query<{ lsn: string }>('select pg_current_wal_insert_lsn()::text as lsn');
  const lsn = rows[0]?.lsn ?? '';
  await client.query('checkpoint');
  await seen(async () => {
    const { rowCount } = await client.query(
      'select from pg_available_wal_summaries() where end_lsn >= $1::pg_lsn limit 1',
      [lsn],
    );
    return rowCount === 1;
  });
  return lsn;
}
