import { afterAll, beforeAll, expect, it } from '@jest/globals';
import pg from 'pg';
import { extractSlice } from '../../../services/ingestion/extract/extract-slice.ts';
import { planRun } from '../../../services/ingestion/plan/plan-run.ts';
import { loadObject } from '../../../services/loading/load/load.ts';
import { transformObject } from '../../../services/transformation/transform/transform.ts';
import { defineDimension, int, varchar } from '../../../shared/model/define.ts';
import { assembleModel } from '../../../shared/model/model.ts';
import { parseObjectKey } from '../../../shared/object-store/object-key.ts';
import type { ExtractMessage } from '../../../shared/records/plan/extract-message.ts';
import { makePutLayout, makeReadLayout } from '../../../shared/records/plan/layout.ts';
import { ensureWarehouse } from '../../../shared/warehouse/ensure-warehouse.ts';
import { connect } from '../../helpers/inline-road/databases.ts';
import { calendar } from '../../helpers/models/calendar.ts';
import { type PostgresServer, startTemporaryPostgres } from '../../helpers/postgres/temporary-postgres.ts';
import { makeMemoryStore } from '../../helpers/rows/memory-store.ts';

const name = 'x"; drop table canary; --';
const column = `k"', drop`;
const model = assembleModel({
  name: 'test',
  tables: [
    calendar,
    defineDimension({
      name: `dim_${name}`,
      source: { table: name, key: [column], columns: { [column]: 'int4', name: 'varchar' } },
      key: [column],
      columns: { [column]: int(column), name: varchar('name') },
    }),
  ],
});

let server: PostgresServer;
let source: pg.Client;
let warehouse: pg.Client;
const table = pg.escapeIdentifier(name);
const key = pg.escapeIdentifier(column);

beforeAll(async () => {
  server = await startTemporaryPostgres();
  source = await connect(await server.createDatabase('shop'));
  warehouse = await connect(await server.createDatabase('warehouse'));
  for (const client of [source, warehouse]) await client.query('create table canary (n int)');
  await source.query(`create table ${table} (${key} int primary key, name varchar)`);
  await ensureWarehouse(warehouse, model, { schema: 'public', foreignKeys: 'declared' });
});
afterAll(async () => {
  await Promise.all([source.end(), warehouse.end()]);
  await server.stop();
});

it('a table and a column whose names are statements go the whole road as names', async () => {
  const ingested = makeMemoryStore();
  const processed = makeMemoryStore();
  const lend = (client: pg.Client) => ({
    withClient: <T>(work: (client: pg.PoolClient) => Promise<T>) => work(client as pg.PoolClient),
  });
  const sent: ExtractMessage[] = [];
  const send = async (messages: readonly ExtractMessage[]) => void sent.push(...messages);
  const common = { model, schema: 'public', restart: 'identity', ingested, send } as const;
  const take = async () => {
    const deps = { ...common, database: lend(source) };
    await planRun({ ...deps, now: () => new Date() });
    for (const message of sent.splice(0))
      await extractSlice(message, { ...deps, putLayout: makePutLayout(ingested) });
    for (const text of [...ingested.objects.keys()].filter((each) => !each.startsWith('state/'))) {
      const parsed = parseObjectKey(text);
      if (parsed.zone !== 'ingested') throw new Error(text);
      await transformObject(parsed, {
        ingested,
        readLayout: makeReadLayout(ingested),
        processed,
        model,
        notify: async () => {},
        warn: () => {},
      });
    }
    for (const text of processed.objects.keys()) {
      const parsed = parseObjectKey(text);
      if (parsed.zone !== 'processed') throw new Error(text);
      const database = lend(warehouse);
      await loadObject(parsed, { database, processed, notify: async () => {}, model, schema: 'public' });
    }
  };
  await source.query(`insert into ${table} values (1, 'a'), (2, '''; drop table canary')`);
  await take();
  await source.query(`update ${table} set name = 'b' where ${key} = 1`);
  await take();
  const { rows } = await warehouse.query(
    `select ${key} as id, name from ${pg.escapeIdentifier(`dim_${name}`)} order by 1`,
  );
  expect(rows).toEqual([
    { id: 1, name: 'b' },
    { id: 2, name: "'; drop table canary" },
  ]);
  for (const client of [source, warehouse]) {
    expect((await client.query('select n from canary')).rows).toEqual([]);
  }
});
