import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type pg from 'pg';
import { connect, withUser } from '../helpers/inline-road/databases.ts';
import {
  type PostgresServer,
  startInstalledPostgres,
  startTemporaryPostgres,
} from '../helpers/postgres/temporary-postgres.ts';
import { type CommandResult, lastJson, starlift } from '../helpers/processes/starlift.ts';
import {
  compareTables,
  countMarked,
  type SeenVersions,
  type TableDifference,
} from '../models/compare-tables.ts';
import { damageTables } from '../models/damage.ts';
import { type ForeignModel, makeTables } from '../models/foreign-model.ts';
import { hostileSettings } from '../models/hostile-settings.ts';
import { rental } from '../models/rental.ts';
import { tpch } from '../models/tpch.ts';
import { web } from '../models/web.ts';
import { ask, removeFolder, type VerifyResult } from './road.ts';

// Whole runs in processes of their own, and the machine may be busy.
jest.setTimeout(300_000);

const seed = 20260229;

/** A project that init has written, between two databases. */
interface ForeignRoad {
  model: ForeignModel;
  source: pg.Client;
  sourceUrl: string;
  warehouseUrl: string;
  folder: string;
  seen: SeenVersions;
}

interface Servers {
  source: PostgresServer;
  warehouse: PostgresServer;
}

async function openForeignRoad(
  servers: Servers,
  model: ForeignModel,
  settings: Record<string, string>,
): Promise<ForeignRoad> {
  const sourceUrl = await servers.source.createDatabase(`source_${model.name}`);
  const warehouseUrl = await servers.warehouse.createDatabase(`warehouse_${model.name}`);
  const source = await connect(sourceUrl);
  await makeTables(source, model.name);
  await model.fill(source, seed);
  // The product may read the one and make its tables in the other, and nothing else.
  const { rows } = await source.query<{ grants: string }>(`
    select string_agg(format('grant usage on schema %1$I to reader; grant select on all tables in schema %1$I to reader', nspname), ';') as grants
      from pg_namespace where nspname !~ '^pg_' and nspname <> 'information_schema'`);
  await source.query(`create role reader login; ${rows[0]?.grants}`);
  await ask(warehouseUrl, `create role loader login; alter database warehouse_${model.name} owner to loader`);
  for (const [name, value] of Object.entries(settings)) {
    await source.query(`alter database source_${model.name} set ${name} = '${value}'`);
    await ask(warehouseUrl, `alter database warehouse_${model.name} set ${name} = '${value}'`);
  }
  const folder = await mkdtemp(join(tmpdir(), 'starlift-foreign-'));
  return {
    model,
    source,
    sourceUrl: withUser(sourceUrl, 'reader'),
    warehouseUrl: withUser(warehouseUrl, 'loader'),
    folder,
    seen: new Map(),
  };
}

/** A command of the product as the project's owner types it. */
const command = ({ folder, sourceUrl, warehouseUrl }: ForeignRoad, ...args: string[]) =>
  starlift(args, { SOURCE_URL: sourceUrl, WAREHOUSE_URL: warehouseUrl }, undefined, folder);

const assertDone = (result: CommandResult): void => {
  if (result.code !== 0) throw new Error(`exit ${result.code}:\n${result.stdout}\n${result.stderr}`);
};

const compare = ({ model, sourceUrl, warehouseUrl, seen }: ForeignRoad): Promise<TableDifference[]> =>
  compareTables(model, sourceUrl, warehouseUrl, seen);

const countRows = (
  differences: readonly TableDifference[],
  kind: 'missing' | 'extra',
): Record<string, number> =>
  Object.fromEntries(differences.map((difference) => [difference.table, difference[kind].length]));

/** What verify finds wrong, by table and kind. */
async function findWrong(road: ForeignRoad): Promise<Record<string, Record<string, number>>> {
  const result = await command(road, 'verify', '--json');
  expect(result.code).toBe(1);
  const { tables } = lastJson<VerifyResult>(result);
  return Object.fromEntries(
    tables.flatMap((report) => {
      const kinds = ['missing', 'extra', 'doubled', 'different'].flatMap((kind) =>
        report[kind] === 0 ? [] : [[kind, report[kind]]],
      );
      expect(report.problem).toBeUndefined();
      return kinds.length === 0 ? [] : [[report.table, Object.fromEntries(kinds)]];
    }),
  );
}

/** The same from the counts of each kind by table. */
function countWrong(kinds: Record<string, Record<string, number>>): Record<string, Record<string, number>> {
  const byTable: Record<string, Record<string, number>> = {};
  for (const [kind, counts] of Object.entries(kinds)) {
    for (const [table, count] of Object.entries(counts)) {
      if (count > 0) byTable[table] = { ...byTable[table], [kind]: count };
    }
  }
  return byTable;
}

/** A busy machine may not answer in the three seconds that status waits: then it is asked again. */
async function assertGreen(road: ForeignRoad): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    const status = await command(road, 'status', '--json');
    const { ok, troubles } = lastJson<{ ok: boolean; troubles: { kind: string }[] }>(status);
    if (status.code === 0 && ok) return;
    if (attempt === 5 || troubles.some(({ kind }) => kind !== 'unanswered')) throw new Error(status.stdout);
  }
}

/** Which databases are of the Postgres that the machine has installed, where it has one. */
type Old = 'none' | 'source' | 'warehouse' | 'both';

interface Case {
  model: ForeignModel;
  settings: Record<string, string>;
  options: string[];
  old: Old;
}

const cases: Case[] = [
  { model: rental, settings: hostileSettings, options: [], old: 'source' },
  { model: web, settings: hostileSettings, options: [], old: 'warehouse' },
  { model: tpch, settings: {}, options: [], old: 'none' },
  { model: tpch, settings: {}, options: ['--mirror'], old: 'both' },
];

async function startServers(old: Old): Promise<Servers> {
  const installed = old === 'none' ? undefined : await startInstalledPostgres();
  if (old !== 'none' && installed === undefined)
    console.warn('NOT TESTED: an older Postgres; this machine has no installed server');
  if (installed !== undefined && old === 'both') return { source: installed, warehouse: installed };
  const server = await startTemporaryPostgres();
  return {
    source: (old === 'source' ? installed : undefined) ?? server,
    warehouse: (old === 'warehouse' ? installed : undefined) ?? server,
  };
}

describe.each(cases)('the database $model.name, init $options', ({ model, settings, options, old }) => {
  let servers: Servers;
  let road: ForeignRoad;
  beforeAll(async () => {
    servers = await startServers(old);
    road = await openForeignRoad(servers, model, settings);
  });
  afterAll(async () => {
    await road?.source.end();
    for (const server of new Set(Object.values(servers ?? {}))) await server.stop();
    if (road !== undefined) await removeFolder(road.folder);
  });

  it('lands exactly in what init makes of it without an edit, and so do its changes', async () => {
    assertDone(await command(road, 'init', '--source', road.sourceUrl, ...options));
    assertDone(await command(road, 'check'));
    assertDone(await command(road, 'check', '--source', road.sourceUrl));
    assertDone(await command(road, 'run'));
    expect(await compare(road)).toEqual([]);
    await model.change(road.source);
    assertDone(await command(road, 'run'));
    expect(await compare(road)).toEqual([]);
    const verified = await command(road, 'verify', '--json');
    assertDone(verified);
    expect(lastJson<VerifyResult>(verified).ok).toBe(true);
    await assertGreen(road);
    const again = await command(road, 'run');
    assertDone(again);
    expect(again.stdout).toContain('Nothing new in the source');

    // Secrets stay where they are, and every table that was made was compared.
    const columns = await ask(
      road.warehouseUrl,
      "select attname from pg_attribute where attrelid in (select oid from pg_class where relnamespace = 'public'::regnamespace)",
    );
    expect(columns.flat().filter((name) => /password|secret/.test(name ?? ''))).toEqual([]);

    // What has another key now leaves its old one behind, which is marked as gone.
    const left = await model.moveKeys(road.source, options.includes('--mirror'));
    // An update may be of a key, which is looked for from time to time, and now.
    assertDone(await command(road, 'resync', '--all'));
    assertDone(await command(road, 'run'));
    expect(await compare(road)).toEqual([]);
    expect(await countMarked(road.warehouseUrl)).toEqual(left);
    assertDone(await command(road, 'verify', '--json'));
    await assertGreen(road);

    // A value of any type that is another one in the warehouse is found, too.
    const damaged = await damageTables(model, road.warehouseUrl);
    const different = countRows(await compare(road), 'missing');
    // A row that is left behind has nothing in the source that it could differ from.
    for (const [table, rows] of Object.entries(damaged)) {
      expect(different[table] ?? 0).toBeGreaterThanOrEqual(rows - (left[table] ?? 0));
    }
    expect(await findWrong(road)).toEqual(countWrong({ different }));
  });
});
