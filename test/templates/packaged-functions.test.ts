import { statSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Databases, makeDatabases } from '../helpers/inline-road/databases.ts';
import { type PostgresServer, startTemporaryPostgres } from '../helpers/postgres/temporary-postgres.ts';
import { actionsInBundle } from './bundled-commands.ts';
import { comparePermissions } from './compare-permissions.ts';
import { makeEveryCall } from './every-call.ts';
import { readFunctions, services, zipPath } from './packaged.ts';
import { type PackagedRoad, startPackagedRoad } from './packaged-road.ts';

const functions = readFunctions();

describe('the packaged functions, each from its zip in an empty folder', () => {
  let server: PostgresServer;
  let databases: Databases;
  let road: PackagedRoad;

  beforeAll(async () => {
    server = await startTemporaryPostgres();
    databases = await makeDatabases(server);
    road = await startPackagedRoad(databases);
    await makeEveryCall(road, databases);
  });
  afterAll(async () => {
    await road?.end();
    await databases?.end();
    await server?.stop();
  });

  it.each(functions.map(({ name }) => name))('%s starts and does its work', (name) => {
    const { importMs = 0, firstMs = 0 } = road.functions.get(name)?.timings() ?? {};
    const times = `${Math.round(importMs)} ms to import, ${Math.round(firstMs)} ms for the first event`;
    process.stderr.write(`${name}: ${times}\n`);
    expect(firstMs).toBeGreaterThan(0);
  });

  it.each(functions.map(({ name }) => name))(
    'the role of %s allows what its code calls, and no more',
    (name) => {
      const packaged = functions.find((each) => each.name === name);
      const calls = road.proxy.calls.filter(({ caller }) => caller === name);
      expect(packaged && comparePermissions(packaged, calls)).toEqual({ missing: [], spare: [] });
    },
  );

  it.each(functions.map(({ name }) => name))('%s was seen to call all that its code could', (name) => {
    const called = new Set(
      road.proxy.calls.filter(({ caller }) => caller === name).map(({ action }) => action),
    );
    const possible = actionsInBundle(road.functions.get(name)?.code ?? '');
    expect(possible.size).toBeGreaterThan(0);
    expect([...called].filter((action) => !possible.has(action))).toEqual([]);
    // The object store comes whole: of it each function uses what its role says.
    const unseen = [...possible].filter((action) => !action.startsWith('s3:') && !called.has(action));
    expect(unseen).toEqual([]);
  });

  it('the look at freshness writes the lag of all tables in the embedded metric format', () => {
    const lines = road.functions.get('loading-freshness')?.output().split('\n') ?? [];
    const metrics = lines.filter((line) => line.includes('"LagSeconds"')).map((line) => JSON.parse(line));
    expect(metrics).toHaveLength(11);
    expect(metrics[0]._aws.CloudWatchMetrics[0]).toMatchObject({ Namespace: 'Starlift' });
  });

  // But for a stage in a VPC and for traces, whose actions know nothing narrower: services/common.yml.
  it('no role names every resource', () => {
    const all = functions.flatMap(({ name, statements }) => statements.map((each) => ({ name, ...each })));
    expect(all.filter(({ resources }) => resources.includes('*'))).toEqual([]);
  });

  it.each(services)('the zip of %s is below 5 MB', (service) => {
    expect(statSync(zipPath(service)).size).toBeLessThan(5 * 2 ** 20);
  });
});
