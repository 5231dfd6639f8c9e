import { join } from 'node:path';
import { starlift } from '../../helpers/processes/starlift.ts';
import { type BenchContext, type Benchmark, compare, type Result, withFolder } from '../benchmark.ts';
import type { Subject } from '../measure/alternate.ts';
import { installPeers } from '../peers/install-peers.ts';
import { dltTables, findSling, slingTables } from '../peers/peer-commands.ts';
import { copyCommand, referenceName, runInShell } from '../reference/copy-command.ts';
import { emptyFolder } from '../setup/empty-folder.ts';
import { execute } from '../setup/servers.ts';
import { assertVerified, runStarlift } from '../setup/starlift-run.ts';
import { countTpch, readTpchTables, sumsOfTpch, tpchDatabase, tpchTables } from '../setup/tpch-database.ts';
import { freshDatabase } from '../setup/warehouses.ts';

/**
 * CPU seconds a million rows of TPC-H SF 1 from Postgres to Postgres, as galaxy-io/benchmarks has them of 2026-08-31: 64
 * cores, and another machine for each database.
 */
const published = 'published, 64 cores: ingestr 1.30, Filament 2.15, dlt 5.6';

export const benchmark: Benchmark = {
  name: 'tpch',
  about: 'all eight tables of TPC-H at --scale, as a mirror and as a star, next to Sling and dlt',
  isLong: true,
  run: async (context) => {
    const programs = await installPeers();
    const source = await tpchDatabase(context.servers.source, context.scale, programs);
    const rows = await countTpch(source);
    const expected = await sumsOfTpch(source, (table) => table);
    return withFolder(async (folder) => {
      const mirror = await starliftRun({ ...context, source, folder, expected }, 'mirror');
      const star = await starliftRun({ ...context, source, folder, expected }, 'star');
      const subjects = [mirror, star, ...peersOf(programs, { ...context, source, folder, expected })];
      const pipe = binaryPipe({ ...context, source, folder, expected });
      const results = await compare('tpch', [...subjects, pipe], context, { rows });
      return results.map((result) => ({ ...result, note: noteOf(result) }));
    });
  },
};

interface TpchContext extends BenchContext {
  source: string;
  folder: string;
  /** Rows and sums of the source's tables. */
  expected: string;
}

/** The product from nothing to all rows, by the project that init writes; verified each time. */
async function starliftRun({ servers, source, folder, expected }: TpchContext, kind: 'mirror' | 'star') {
  const project = join(folder, kind);
  const { code, stderr } = await starlift([
    'init',
    '--source',
    source,
    '--dir',
    project,
    ...(kind === 'mirror' ? ['--mirror'] : []),
  ]);
  if (code !== 0) throw new Error(`starlift init ended with ${code}: ${stderr}`);
  const target = { source, warehouse: servers.warehouse.url(kind), data: join(folder, 'data'), project };
  return {
    name: `starlift run, ${kind}`,
    prepare: async () => {
      await emptyFolder(target.data);
      await freshDatabase(servers.warehouse, kind);
    },
    run: () => runStarlift(target),
    check: async () => {
      if (kind === 'mirror') assertSame(await sumsOfTpch(target.warehouse, (table) => table), expected);
      await assertVerified(target);
    },
  } satisfies Subject;
}

function peersOf(
  programs: string | undefined,
  { servers, source, folder, expected }: TpchContext,
): readonly Subject[] {
  if (programs === undefined) return [];
  const target = servers.warehouse.url('bare');
  const state = join(folder, 'dlt');
  const prepare = async () => {
    await emptyFolder(state);
    await freshDatabase(servers.warehouse, 'bare');
  };
  const check = (schema: string) => async () =>
    assertSame(await sumsOfTpch(target, (table) => `${schema}.${table}`), expected);
  const dlt = {
    name: 'dlt, ConnectorX',
    prepare,
    run: () => dltTables(programs, { source, target }, state, tpchTables),
    check: check('dlt'),
  };
  const sling = findSling(programs);
  if (sling === undefined) return [dlt];
  return [
    {
      name: 'Sling',
      prepare,
      run: () => slingTables(sling, { source, target }, tpchTables),
      check: check('sling'),
    },
    dlt,
  ];
}

/** The raw limit: the same tables with their primary keys, one after the other. */
function binaryPipe({ servers, source, expected }: TpchContext): Subject {
  const target = servers.warehouse.url('reference');
  return {
    name: `${referenceName} binary pipe`,
    prepare: async () => {
      await freshDatabase(servers.warehouse, 'reference');
      // A copy of another database enforces no foreign keys.
      const tables = (await readTpchTables())
        .replaceAll(/,?\s*foreign key \([^)]*\) references \w+/g, '')
        .replaceAll(/ references \w+/g, '');
      await execute(target, [tables]);
    },
    run: async () => {
      for (const table of tpchTables) {
        const [out, into] = [
          `copy ${table} to stdout (format binary)`,
          `copy ${table} from stdin (format binary)`,
        ];
        await runInShell(`${copyCommand(source, out)} | ${copyCommand(target, into)}`);
      }
    },
    check: async () => assertSame(await sumsOfTpch(target, (table) => table), expected),
  };
}

function assertSame(found: string, expected: string): void {
  if (found !== expected) throw new Error(`the tables hold ${found}\nexpected ${expected}`);
}

const noteOf = ({ rows, summary, isReference }: Result): string => {
  const cpu = summary.clientCpu.median + summary.serverCpu.median;
  const own = [
    `${Math.round(rows / summary.seconds.median).toLocaleString('en')} rows/s`,
    `${((cpu / rows) * 1e6).toFixed(2)} CPU s a million rows, servers included`,
    `${((summary.clientCpu.median / rows) * 1e6).toFixed(2)} without`,
  ].join(', ');
  return isReference ? `${own}; ${published}` : own;
};
