import { join } from 'node:path';
import type { Subject } from '../measure/alternate.ts';
import { installPeers } from '../peers/install-peers.ts';
import { type CopyMode, dltCopy, findSling, peerTables, slingCopy } from '../peers/peer-commands.ts';
import { copyCommand, referenceName, runInShell } from '../reference/copy-command.ts';
import { copyFactIn, copyFactOut } from '../reference/fact-sql.ts';
import { assertSums, sumsOfFact, sumsOfTable } from '../sales-sums.ts';
import { assertVerified, runStarlift } from '../setup/starlift-run.ts';

/** A source whose sales orders change from round to round. */
export interface ChangingShop {
  source: string;
  /** Sales orders. */
  rows: number;
  /** The last_updated before the last change. */
  since: string;
  folder: string;
}

/** The product, with all of the shop taken over already. */
export async function starliftSubject({ source, folder }: ChangingShop, warehouse: string): Promise<Subject> {
  const target = { source, warehouse, data: join(folder, 'data') };
  await runStarlift(target);
  return {
    name: 'starlift run',
    run: () => runStarlift(target),
    check: () => assertVerified(target),
  };
}

/** What somebody who trusts last_updated would do, all rows taken over already. */
export async function pipeSubject(shop: ChangingShop, target: string, verified: string): Promise<Subject> {
  const pipe = (where: string) =>
    runInShell(`${copyCommand(shop.source, copyFactOut(where))} | ${copyCommand(target, copyFactIn)}`);
  await pipe('true');
  return {
    name: `${referenceName} binary pipe`,
    run: () => pipe(`last_updated > '${shop.since}'`),
    check: async () => assertSums(await sumsOfFact(target), await sumsOfFact(verified)),
  };
}

/** They add each change to a bare copy, which so has the rows that the fact has. */
export async function peerSubjects(shop: ChangingShop, target: string, verified: string): Promise<Subject[]> {
  const programs = await installPeers();
  if (programs === undefined) return [];
  const sling = findSling(programs);
  const folder = join(shop.folder, 'dlt');
  const databases = { source: shop.source, target };
  const copies = [
    ...(sling === undefined ? [] : [makeCopy('Sling', (mode) => slingCopy(sling, databases, mode))]),
    makeCopy('dlt', (mode) => dltCopy(programs, databases, folder, mode)),
  ];
  for (const { copy } of copies) await copy('new');
  return copies.map(({ name, table, copy }) => ({
    name: `${name}, bare copy`,
    run: () => copy('new'),
    check: async () => assertSums(await sumsOfTable(target, table), await sumsOfFact(verified)),
  }));
}

const makeCopy = (name: 'Sling' | 'dlt', copy: (mode: CopyMode) => Promise<void>) => ({
  ...{ name, copy },
  table: peerTables[name],
});
