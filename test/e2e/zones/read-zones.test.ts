import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { type PostgresServer, startTemporaryPostgres } from '../../helpers/postgres/temporary-postgres.ts';
import { runCommand } from '../../helpers/processes/inline-command.ts';
import {
  ask,
  assertExact,
  makeDataFolder,
  makeShop,
  optionsOf,
  type Road,
  removeFolder,
  runClean,
} from '../road.ts';
import { findReaders, readStatements, runPython, runSql } from './readers.ts';

// Environments are made, and the machine may be busy.
jest.setTimeout(600_000);

const statements = readStatements();
const python = await findReaders();
(python === undefined ? describe.skip : describe)('the statements of docs/zones.md', () => {
  let server: PostgresServer;
  let folder: string;
  let road: Road;
  beforeAll(async () => {
    server = await startTemporaryPostgres({});
    folder = await makeDataFolder();
    await mkdir(join(folder, '.starlift'));
    road = {
      source: await makeShop(server, 'shop'),
      warehouse: await server.createDatabase('warehouse'),
      data: join(folder, '.starlift'),
    };
    await runClean(road);
    await ask(
      road.source,
      `update staff set first_name = 'Renamed' where staff_id = 3;
       update payment set payment_amount = 77.77, last_updated = '2031-01-01 10:00:00' where payment_id in (1, 2)`,
    );
    await runClean(road);
    // A revision, which must not count twice, and an old one must not win.
    const replay = await runCommand(['replay', '--table', 'staff', '--zone', 'ingested', ...optionsOf(road)]);
    expect(replay).toMatchObject({ code: 0 });
    await runClean(road);
    await assertExact(road);
  });
  afterAll(async () => {
    await server.stop();
    await removeFolder(folder);
  });

  const sql = (name: string) => runSql(String(python), String(statements[`sql ${name}`]), folder);
  const script = (name: string) => runPython(String(python), String(statements[name]), folder);
  const toTexts = (rows: unknown[][]) => rows.map((row) => row.map(String));

  /** By currency, of the latest version of each payment. */
  const amounts = async (): Promise<Record<string, string>> =>
    Object.fromEntries(
      await ask(
        road.warehouse,
        'select currency_id, sum(payment_amount) from fact_payment_current group by currency_id',
      ),
    ) as Record<string, string>;

  it('are all tested here, but for those of programs that are no Python', () => {
    expect(Object.keys(statements).toSorted()).toEqual([
      'python ndjson',
      'python pandas',
      'python polars',
      'spark',
      'sql every-version',
      'sql latest-dimension',
      'sql latest-fact',
    ]);
  });

  it('show every version of the source by DuckDB', async () => {
    const rows = await sql('every-version');
    const [[name] = []] = await ask(road.warehouse, 'select count(*) from dim_staff_current');
    expect(rows).toHaveLength(Number(name) + 1);
    const versions = rows.filter(([id]) => id === 3);
    expect(versions.map(([, first]) => first)).toEqual([expect.any(String), 'Renamed']);
    expect(versions[0]?.[1]).not.toBe('Renamed');
  });

  it('find the latest version of each fact by DuckDB', async () => {
    const expected = await ask(
      road.warehouse,
      `select currency_id, count(*), sum(payment_amount) from fact_payment_current
       group by currency_id order by currency_id`,
    );
    expect(toTexts(await sql('latest-fact'))).toEqual(expected);
  });

  it('find the latest state of a dimension by DuckDB, whatever was loaded again', async () => {
    const expected = await ask(
      road.warehouse,
      'select staff_id, first_name, last_name, department_name from dim_staff_current order by staff_id',
    );
    expect(expected).toContainEqual(expect.arrayContaining(['3', 'Renamed']));
    expect(toTexts(await sql('latest-dimension'))).toEqual(expected);
  });

  it.each(['python pandas', 'python polars'])('find the latest version of each fact by %s', async (name) => {
    expect(await script(name)).toEqual(await amounts());
  });

  it('read the ingested zone by pandas', async () => {
    const counts = await script('python ndjson');
    expect(counts).toMatchObject({ 2: '1', 3: '2', 4: '1' });
  });
});
