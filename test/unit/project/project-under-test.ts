import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { formatFinding } from '../../../cli/configuration/yaml-file.ts';
import { judgeProject } from '../../../cli/project/check/judge.ts';
import type { Compiled } from '../../../cli/project/compile/compile.ts';
import { readProject } from '../../../cli/project/files/read-project.ts';

/** What a lock says of a table, in short: a type with `?` may be null. */
interface ShortTable {
  columns: Record<string, string>;
  primaryKey?: string[];
  uniqueKeys?: string[][];
  foreignKeys?: { columns: string[]; table: string; to: string[] }[];
}

/** A shop that rents things out: the lock of its tables. */
export const rentalShop: Record<string, ShortTable> = {
  rental: {
    columns: {
      rental_id: 'bigint',
      customer_id: 'integer',
      paid_by: 'integer?',
      rented_at: 'timestamp without time zone',
      returned_on: 'date?',
      day_code: 'text',
      amount: 'numeric(8,2)',
      currency_code: 'character varying(3)',
      tags: 'text[]?',
      modified_at: 'timestamp with time zone',
    },
    primaryKey: ['rental_id'],
    foreignKeys: [{ columns: ['customer_id'], table: 'customer', to: ['customer_id'] }],
  },
  customer: {
    columns: {
      customer_id: 'integer',
      full_name: 'text',
      email: 'text?',
      home_id: 'integer',
      billing_id: 'integer?',
    },
    primaryKey: ['customer_id'],
    uniqueKeys: [['email']],
    foreignKeys: [
      { columns: ['home_id'], table: 'address', to: ['address_id'] },
      { columns: ['billing_id'], table: 'address', to: ['address_id'] },
    ],
  },
  address: {
    columns: { address_id: 'integer', city: 'text', country_code: 'character(2)' },
    primaryKey: ['address_id'],
    foreignKeys: [{ columns: ['country_code'], table: 'country', to: ['code'] }],
  },
  country: { columns: { code: 'character(2)', name: 'text' }, primaryKey: ['code'] },
  stock: {
    columns: { shop: 'integer', item: 'integer', count: 'smallint' },
    primaryKey: ['shop', 'item'],
  },
  log: { columns: { at: 'timestamp without time zone', line: 'text?' } },
};

export const dimCustomer = 'dimension: dim_customer\nfrom: customer\n';

/** The files of a project: by name, with what they hold. */
export type Files = Record<string, string>;

export function formatLock(tables: Record<string, ShortTable> = rentalShop): string {
  const locked = Object.entries(tables).map(
    ([name, { columns, primaryKey, uniqueKeys = [], foreignKeys = [] }]) => [
      name,
      {
        columns: Object.fromEntries(
          Object.entries(columns).map(([column, type]) => [
            column,
            { type: type.replace(/\?$/, ''), nullable: type.endsWith('?') },
          ]),
        ),
        ...(primaryKey !== undefined && { primaryKey }),
        uniqueKeys: [...(primaryKey === undefined ? [] : [primaryKey]), ...uniqueKeys],
        foreignKeys,
      },
    ],
  );
  return JSON.stringify({ version: 1, offered: [], tables: Object.fromEntries(locked) });
}

/** Works in a folder of its own with these files, and removes it. */
export function inProject<T>(files: Files, work: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'project-'));
  try {
    for (const [name, text] of Object.entries({ 'starlift.lock.json': formatLock(), ...files })) {
      const path = join(folder, name);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, text);
    }
    return work(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Compiles the files and puts the tables together. */
export const compile = (files: Files): Compiled =>
  inProject({ 'starlift.yml': 'name: shop\n', ...files }, (folder) => {
    const { project, findings } = readProject(folder);
    if (project === undefined) throw new Error(findings.map(formatFinding).join('\n'));
    const compiled = judgeProject(project);
    return { ...compiled, findings: [...findings, ...compiled.findings] };
  });

/** What is wrong with the files, as the lines that a user sees. */
export const findingsOf = (files: Files): string[] =>
  inProject({ 'starlift.yml': 'name: shop\n', ...files }, (folder) => {
    const { project, findings } = readProject(folder);
    return [...findings, ...(project === undefined ? [] : judgeProject(project).findings)].map(formatFinding);
  });
