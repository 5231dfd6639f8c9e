import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { connectionTo } from '../../../cli/embedded/cloud/start-cloud.ts';
import { buckets } from '../../../cli/embedded/resources.ts';
import { makeAwsClients } from '../../../shared/aws-clients.ts';
import { type PostgresServer, startTemporaryPostgres } from '../../helpers/postgres/temporary-postgres.ts';
import { runCommand } from '../../helpers/processes/inline-command.ts';
import { lastJson } from '../../helpers/processes/starlift.ts';
import { seen, seenRow } from '../../helpers/seen.ts';
import {
  ask,
  makeDataFolder,
  makeShop,
  optionsOf,
  type Road,
  type RunResult,
  removeFolder,
  runClean,
  runRoad,
} from '../road.ts';
import { startWatch, type Watch } from '../watch.ts';

describe('what happens to one table', () => {
  let server: PostgresServer;
  let road: Road;
  let watch: Watch | undefined;
  beforeAll(async () => {
    server = await startTemporaryPostgres({});
    await makeShop(server, 'shop', 50);
    await ask(server.url(), 'create role loader login');
  });
  beforeEach(async () => {
    const warehouse = new URL(await server.createDatabase('warehouse'));
    await ask(server.url(), 'alter database warehouse owner to loader');
    warehouse.username = 'loader';
    road = {
      source: await server.createDatabase('source', 'shop'),
      warehouse: warehouse.href,
      data: await makeDataFolder(),
    };
    await runClean(road);
  });
  afterEach(async () => {
    await watch?.end();
    watch = undefined;
    await removeFolder(road.data);
    for (const name of ['source', 'warehouse']) await ask(server.url(), `drop database ${name} with (force)`);
  });
  afterAll(() => server.stop());

  const rename = (name: string) =>
    ask(road.source, `update staff set first_name = '${name}' where staff_id = 2`);
  const renamed = (name: string) =>
    seenRow(road.warehouse, `select from dim_staff where first_name = '${name}'`);

  it.each([
    {
      what: 'dropped',
      sql: 'drop table fact_payment cascade',
      says: /the warehouse no longer has fact_payment: [\d,]+ rows were loaded into it$/m,
    },
    {
      what: 'emptied',
      sql: 'truncate fact_payment',
      says: /fact_payment was emptied or replaced: [\d,]+ rows were loaded, it holds 0/,
    },
    {
      what: 'given another column type',
      sql: 'drop view fact_payment_current; alter table fact_payment alter payment_amount type text',
      says: /fact_payment is not the model's/,
    },
  ])('a fact that was $what is named by each run, and the others load', async ({ what, sql, says }) => {
    await ask(server.url('warehouse'), sql);
    await rename(what);
    for (const round of ['the run that brings a change', 'a run that finds nothing new']) {
      const result = await runCommand(['run', ...optionsOf(road)]);
      expect([round, result.code, result.stderr]).toEqual([round, 1, '']);
      expect(result.stdout).toMatch(says);
      expect(result.stdout).not.toMatch(/All loaded|Nothing new/);
      if (what !== 'given another column type')
        expect(result.stdout).toMatch(/npx starlift rebuild fact_payment --data/);
      expect(result.stdout.match(/^!/gm)).toHaveLength(1);
    }
    await renamed(what);
    const json = await runRoad(road);
    expect([json.code, lastJson<RunResult>(json).ok]).toEqual([1, false]);
  });

  it.each([
    { sql: 'drop table fact_payment cascade', finding: /^! the warehouse no longer has fact_payment: / },
    { sql: 'revoke all on fact_payment from loader', finding: /^! loader may not read fact_payment / },
  ])('a fact is named once after $sql during a watch, and the watch goes on', async ({ sql, finding }) => {
    watch = startWatch(['--every', '0.5', ...optionsOf(road)]);
    const { output } = watch;
    await rename('before');
    await renamed('before');
    await ask(server.url('warehouse'), sql);
    await ask(road.source, 'update payment set paid = not paid where payment_id = 1');
    await rename('after');
    await renamed('after');
    // While the statement itself holds the table, its lock is named, and passes.
    await seen(() =>
      output()
        .split('\n')
        .some((line) => finding.test(line)),
    );
    await rename('later');
    await renamed('later');
    const lines = output()
      .split('\n')
      .filter((line) => line.startsWith('!') && line.includes('fact_payment'));
    expect(lines.filter((line) => !line.includes('locked'))).toEqual([expect.stringMatching(finding)]);
    expect(await watch.end('SIGINT')).toMatchObject({ code: 1 });
  });

  it('an object whose metadata another tool has removed ends neither a run nor a watch', async () => {
    watch = startWatch(['--every', '0.5', ...optionsOf(road)]);
    await rename('before');
    await renamed('before');
    await stripMetadata(road.data);
    const replay = await runCommand(['replay', '--table', 'dim_staff', ...optionsOf(road)]);
    expect([replay.code, replay.stderr]).toEqual([0, '']);
    await rename('after');
    await renamed('after');
    await seen(() => /dim_staff failed in load/.test(watch?.output() ?? ''));
    expect(await watch.end('SIGINT')).toMatchObject({ code: 1 });
    const run = await runCommand(['run', ...optionsOf(road)]);
    expect([run.code, run.stderr]).toEqual([1, '']);
    expect(run.stdout).toContain('dim_staff failed in load: ');
    const failures = await runCommand(['failures', '--json', ...optionsOf(road)]);
    expect(failures.stdout).toMatch(/"key":"dim_staff\/[^"]*\.parquet"/);
    expect(run.stdout).not.toContain('Nothing new');
  });
});

/** Writes the newest processed object of dim_staff again as another tool would: with its body alone. */
async function stripMetadata(data: string): Promise<void> {
  const { endpoint } = JSON.parse(await readFile(join(data, 'stack.json'), 'utf8')) as { endpoint: string };
  const { s3 } = makeAwsClients({ forcePathStyle: true, connection: connectionTo(endpoint) });
  const { Contents = [] } = await s3.send(
    new ListObjectsV2Command({ Bucket: buckets.processed, Prefix: 'dim_staff/' }),
  );
  const object = { Bucket: buckets.processed, Key: Contents.at(-1)?.Key ?? '' };
  const { Body } = await s3.send(new GetObjectCommand(object));
  const bytes = (await Body?.transformToByteArray()) ?? new Uint8Array();
  await s3.send(new PutObjectCommand({ ...object, Body: bytes }));
}
