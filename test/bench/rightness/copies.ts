import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installPeers } from '../peers/install-peers.ts';
import { dltMerge, findSling, slingMerge } from '../peers/peer-commands.ts';
import { quoteForShell, runInShell } from '../reference/copy-command.ts';
import type { BenchServers } from '../setup/servers.ts';
import { runStarlift } from '../setup/starlift-run.ts';
import { freshDatabase } from '../setup/warehouses.ts';
import type { OrdersCopy } from './wrong-rows.ts';

/** One that keeps a copy of the sales orders up to date, and where it does. */
export interface KeptCopy {
  /** With its settings. */
  name: string;
  copy: OrdersCopy;
  /** Brings what is new; the first time all of it. */
  increment(): Promise<void>;
  /** The last one, where it takes another command to have all that was committed. */
  complete?(): Promise<void>;
}

/** How far back dlt asks again, in seconds: longer than any transaction of the benchmark is open. */
const lagSeconds = 600;

/** The product, and what else there is on this machine: each as its own documentation sets it up for a table with a key. */
export async function keptCopies(
  { warehouse }: BenchServers,
  source: string,
  folder: string,
): Promise<KeptCopy[]> {
  const data = join(folder, 'data');
  const star = await freshDatabase(warehouse, 'right_star');
  const bare = await freshDatabase(warehouse, 'right_bare');
  const programs = await installPeers();
  const sling = programs === undefined ? undefined : findSling(programs);
  const databases = { source, target: bare };
  const ofDlt = async (name: string, dataset: string, lag: number): Promise<KeptCopy[]> => {
    if (programs === undefined) return [];
    const own = join(folder, dataset);
    await mkdir(own);
    const copy = { url: bare, relation: `${dataset}.sales_order` };
    return [{ name, copy, increment: () => dltMerge(programs, databases, own, { dataset, lag }) }];
  };
  // Its delete_missing is in its official release alone, which no package registry has.
  const ofSling = (name: string, schema: string): KeptCopy[] => {
    if (sling === undefined) return [];
    const copy = { url: bare, relation: `${schema}.sales_order` };
    return [{ name, copy, increment: () => slingMerge(sling, databases, copy.relation) }];
  };
  return [
    {
      name: 'starlift run',
      copy: { url: star, relation: 'fact_sales_order_current' },
      increment: () => runStarlift({ source, warehouse: star, data }),
      complete: () => runStarlift({ source, warehouse: star, data, isExact: true }),
    },
    ...(await ofDlt('dlt, merge by last_updated', 'dlt_plain', 0)),
    ...(await ofDlt(`dlt, the same with a lag of ${lagSeconds} s`, 'dlt_lag', lagSeconds)),
    ...ofSling('Sling, incremental by last_updated', 'sling_plain'),
    {
      name: 'watermark loop',
      copy: { url: bare, relation: 'loop.sales_order' },
      increment: () => runInShell([process.execPath, loopProgram, source, bare].map(quoteForShell).join(' ')),
    },
  ];
}

const loopProgram = fileURLToPath(new URL('../peers/watermark-loop.ts', import.meta.url));
