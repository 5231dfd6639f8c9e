import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { makeReadyWarehouse } from '../../../services/loading/ready-warehouse.ts';
import { replaceBinding } from '../../../shared/ledger/binding.ts';
import { type PostgresServer, startTemporaryPostgres } from '../../helpers/postgres/temporary-postgres.ts';
import { makeMemoryStore } from '../../helpers/rows/memory-store.ts';
import { smallModel } from '../../helpers/small-warehouse/small-model.ts';

let server: PostgresServer;
let warehouse: pg.Client;
let databases = 0;
beforeAll(async () => {
  server = await startTemporaryPostgres();
});
afterAll(async () => {
  await warehouse.end();
  await server.stop();
});
beforeEach(async () => {
  await warehouse?.end();
  warehouse = new pg.Client(await server.createDatabase(`warehouse${++databases}`));
  await warehouse.connect();
});

const database = {
  withClient: <T>(work: (client: pg.PoolClient & { host: string }) => Promise<T>) => work(warehouse as never),
};
const readModel = async () => ({ number: 1, hash: 'a', model: smallModel });
/** What each function of a stage asks before it works on the warehouse; as of a process that has just begun. */
const stageOf = (stage: string, schema = 'public') => {
  const ready = makeReadyWarehouse({
    schema,
    foreignKeys: 'declared',
    ingested: { ...makeMemoryStore(), bucket: `${stage}-ingested` },
    readModel,
    stage,
    boundForMs: 0,
  });
  return () => ready(database as never);
};
const tables = async () =>
  (
    await warehouse.query(`select from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast') and relkind = 'r'`)
  ).rowCount;

describe('a warehouse', () => {
  it('belongs to the stage that loads it first: another one waits, and is told how to take it over', async () => {
    const [first, second] = [stageOf('one'), stageOf('two')];
    await first();
    const made = await tables();
    await expect(second()).rejects.toMatchObject({
      name: 'RefusedError',
      by: 'warehouse',
      message:
        'the warehouse is loaded by another stage (bucket one-ingested). To hand it over to this one: starlift rebind --stage two',
    });
    expect(await tables()).toBe(made);
    await first();
  });

  it('that was handed over is loaded by the new stage, and by the old one no longer', async () => {
    const [first, second] = [stageOf('one'), stageOf('two')];
    await first();
    await replaceBinding(warehouse, {
      warehouseId: randomUUID(),
      sourceId: null,
      schema: 'public',
      ingestedBucket: 'two-ingested',
    });
    await second();
    await expect(first()).rejects.toMatchObject({
      name: 'RefusedError',
      message: expect.stringMatching(/bucket two-ingested/),
    });
  });

  it('that a data folder loads is refused to a stage', async () => {
    await stageOf('one')();
    await warehouse.query('update starlift.binding set ingested_bucket = null');
    await expect(stageOf('one')()).rejects.toMatchObject({
      message: expect.stringMatching(/^the warehouse is loaded by a data folder\. /),
    });
  });

  it('is loaded in one schema: nothing is made in another', async () => {
    await stageOf('one')();
    await expect(stageOf('one', 'elsewhere')()).rejects.toMatchObject({
      name: 'RefusedError',
      message: expect.stringMatching(
        /^this stage loads the schema public of the warehouse, and is configured for elsewhere\. /,
      ),
    });
    expect((await warehouse.query(`select from pg_namespace where nspname = 'elsewhere'`)).rowCount).toBe(0);
  });

  it('is bound once, however many first loads begin at the same time', async () => {
    const url = await server.createDatabase(`warehouse${++databases}`);
    const clients = await Promise.all(
      ['one', 'two', 'one', 'two'].map(async (stage) => {
        const client = new pg.Client(url);
        await client.connect();
        return { stage, client };
      }),
    );
    const outcomes = await Promise.allSettled(
      clients.map(({ stage, client }) =>
        makeReadyWarehouse({
          schema: 'public',
          foreignKeys: 'declared',
          ingested: { ...makeMemoryStore(), bucket: stage },
          readModel,
          stage,
        })({ withClient: (work: (client: never) => unknown) => work(client as never) } as never),
      ),
    );
    const ready = clients
      .filter((_, index) => outcomes[index]?.status === 'fulfilled')
      .map(({ stage }) => stage);
    expect([
      ['one', 'one'],
      ['two', 'two'],
    ]).toContainEqual(ready);
    await Promise.all(clients.map(({ client }) => client.end()));
  });
});
