import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { verifyWarehouse } from '../../cli/verify/verify-warehouse.ts';
import { makeShop, openShop } from '../helpers/inline-road/shop.ts';
import { totesys } from '../helpers/models/totesys.ts';
import { type PostgresServer, startTemporaryPostgres } from '../helpers/postgres/temporary-postgres.ts';
import {
  canSampleProcesses,
  type ProcessSample,
  sampleProcesses,
} from '../helpers/processes/process-sample.ts';
import { spawnStarlift, starlift } from '../helpers/processes/starlift.ts';

const isLong = process.env.RELIABILITY === 'long';
const leastRuns = isLong ? 2000 : 160;
/** The first full collection may come late, and memory rises until then. What leaks grows in the second half of these, too. */
const mostRuns = isLong ? 2000 : 600;
/** The SDK keeps the sockets of its busiest moment open, which may be a moment later than the warm-up's. */
const idleSockets = 4;
const mostGrowth = 1.1;
const minutes = 60_000;

/** What was held at the end of one run. */
interface Sample {
  processes: Map<number, ProcessSample>;
  connections: number;
}

describe('a watch that goes on for long', () => {
  const data = mkdtempSync(join(tmpdir(), 'starlift-soak-'));
  let server: PostgresServer;
  let source: pg.Client;
  let warehouse: pg.Client;

  beforeAll(async () => {
    server = await startTemporaryPostgres();
    source = new pg.Client(await server.createDatabase('shop'));
    warehouse = new pg.Client(await server.createDatabase('warehouse'));
    for (const client of [source, warehouse]) await client.connect();
    await makeShop(source);
    await openShop(source);
  });
  afterAll(async () => {
    for (const client of [source, warehouse]) await client.end();
    await server.stop();
    rmSync(data, { recursive: true, force: true });
  });

  const urls = () => ['--source', server.url('shop'), '--warehouse', server.url('warehouse')];

  /** Runs of one process, each of which finds something new. */
  const watch = async (): Promise<Sample[]> => {
    const child = spawnStarlift(['run', ...urls(), '--data', data, '--watch', '--every', '0.001', '--json']);
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
    let errors = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      errors += chunk.toString();
    });
    const samples: Sample[] = [];
    let isEnding = false;
    for await (const line of createInterface({ input: child.stdout as Readable })) {
      if (isEnding) continue;
      if (!JSON.parse(line).ok) {
        child.kill('SIGTERM');
        await ended;
        throw new Error(`run ${samples.length + 1} is not well: ${errors}`);
      }
      samples.push({ processes: sampleProcesses(child.pid ?? 0), connections: await countConnections() });
      isEnding = samples.length === mostRuns || (samples.length >= leastRuns && growsNoMore(samples));
      if (isEnding) child.kill('SIGTERM');
      else await source.query(oneMoreOrder(samples.length));
    }
    if ((await ended) !== 0 || !isEnding) throw new Error(`it ended after ${samples.length} runs: ${errors}`);
    return samples;
  };

  const countConnections = async (): Promise<number> => {
    const sessions = `select from pg_stat_activity where application_name like 'starlift%'`;
    return (await warehouse.query(sessions)).rowCount ?? 0;
  };

  const itOnLinux = canSampleProcesses ? it : it.skip;
  itOnLinux(
    'holds no more memory, connections or file handles',
    async () => {
      const samples = await watch();
      for (const { pid, memory, handles } of growthOf(samples)) {
        tell(`soak: process ${pid}: ${memory.join(' -> ')} KiB, ${handles.join(' -> ')} handles`);
        expect(memory[1]).toBeLessThanOrEqual(memory[0] * mostGrowth);
        expect(handles[1]).toBeLessThanOrEqual(handles[0] + idleSockets);
      }
      const connections = [warmUpOf(samples), lateOf(samples)].map((part) =>
        Math.max(...part.map((each) => each.connections)),
      );
      tell(`soak: ${samples.length} runs, ${connections.join(' -> ')} connections`);
      expect(connections[1]).toBeLessThanOrEqual(connections[0] ?? 0);
      // A watch plans on its interval: what the last plans have found may still be on its way.
      const { code } = await starlift(['run', ...urls(), '--data', data]);
      expect(code).toBe(0);
      expect(
        await verifyWarehouse({ source, warehouse, warehouseSchema: 'public', model: totesys }),
      ).toMatchObject({
        ok: true,
      });
    },
    60 * minutes,
  );
});

/** Caches fill, connections open, code is compiled. */
const warmUpOf = (samples: Sample[]): Sample[] => samples.slice(0, samples.length / 2);
const lateOf = (samples: Sample[]): Sample[] => samples.slice(-samples.length / 8);

/**
 * The most of the warm-up, and the least of the last samples: memory rises between two collections, and only what no
 * collection frees lifts that least.
 */
function growthOf(samples: Sample[]) {
  const pids = [...(warmUpOf(samples).at(-1)?.processes.keys() ?? [])];
  return pids.map((pid) => {
    const of = (key: keyof ProcessSample, part: Sample[]) =>
      part.map(({ processes }) => processes.get(pid)?.[key] ?? Number.NaN);
    const growth = (key: keyof ProcessSample): [number, number] => [
      Math.max(...of(key, warmUpOf(samples))),
      Math.min(...of(key, lateOf(samples))),
    ];
    return { pid, memory: growth('residentKib'), handles: growth('handles') };
  });
}

const growsNoMore = (samples: Sample[]): boolean =>
  growthOf(samples).every(({ memory }) => memory[1] <= memory[0] * mostGrowth);

const oneMoreOrder = (n: number): string => `
  insert into sales_order
  select ${n} + 1000, 1, 1, 1, ${n}, 1.25, 1, '2024-04-01', '2024-05-01', 1, now_at, now_at
    from (select timestamp '2024-09-01' + ${n} * interval '1 minute' as now_at) clock`;

/** On stderr at once, where Jest would add its own frame. */
const tell = (line: string): void => void process.stderr.write(`${line}\n`);
