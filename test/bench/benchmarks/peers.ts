import { join } from 'node:path';
import { type Benchmark, compare, withFolder } from '../benchmark.ts';
import type { Subject } from '../measure/alternate.ts';
import { installPeers } from '../peers/install-peers.ts';
import { dltCopy, findSling, peerTables, slingCopy } from '../peers/peer-commands.ts';
import { assertSums, type SalesSums, sumsOfSource, sumsOfTable } from '../sales-sums.ts';
import { emptyFolder } from '../setup/empty-folder.ts';
import type { BenchServers } from '../setup/servers.ts';
import { ordersDatabase } from '../setup/source-databases.ts';
import { freshDatabase } from '../setup/warehouses.ts';
import { wholeRun } from './whole.ts';

export const benchmark: Benchmark = {
  name: 'peers',
  about: '`starlift run` next to Sling and dlt, which copy one table and do nothing else',
  run: async (context) => {
    const { servers, rows } = context;
    const programs = await installPeers();
    if (programs === undefined) return [];
    const source = await ordersDatabase(servers.source, rows);
    const expected = await sumsOfSource(source);
    const sling = findSling(programs);
    return withFolder((folder) => {
      const subjects = [
        ...(sling === undefined ? [] : [slingBare(sling, servers, source, expected)]),
        dltBare(programs, servers, { source, folder: join(folder, 'dlt') }, expected),
        wholeRun(servers, source, join(folder, 'data'), expected),
      ];
      return compare('peers', subjects, context, { rows });
    });
  },
};

function slingBare(sling: string, { warehouse }: BenchServers, source: string, expected: SalesSums): Subject {
  const target = warehouse.url('bare');
  return {
    name: 'Sling, bare copy',
    prepare: async () => void (await freshDatabase(warehouse, 'bare')),
    run: () => slingCopy(sling, { source, target }, 'full'),
    check: async () => assertSums(await sumsOfTable(target, peerTables.Sling), expected),
  };
}

function dltBare(
  programs: string,
  { warehouse }: BenchServers,
  { source, folder }: { source: string; folder: string },
  expected: SalesSums,
): Subject {
  const target = warehouse.url('bare');
  return {
    name: 'dlt, bare copy',
    prepare: async () => {
      await emptyFolder(folder);
      await freshDatabase(warehouse, 'bare');
    },
    run: () => dltCopy(programs, { source, target }, folder, 'full'),
    check: async () => assertSums(await sumsOfTable(target, peerTables.dlt), expected),
  };
}
