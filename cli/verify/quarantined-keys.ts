import type { Model } from '../../shared/model/model.ts';
import type { QuarantinedRow } from '../../shared/records/quarantine-file.ts';
import { listQuarantine } from '../quarantine/list-quarantine.ts';
import type { Site } from '../site/site.ts';

/** The rows that broke the contract, those that an operator has dropped among them. */
export interface QuarantinedKeys {
  /** @param version a fact's last_updated as Postgres writes it; empty for other tables */
  has(table: string, key: string, version: string): boolean;
}

/**
 * To be called after the snapshot of the warehouse: a row that it lacks for this reason is in quarantine by then. Rows for
 * which a file had no room cannot be told from lost ones.
 */
export async function readQuarantinedKeys(site: Site, model: Model): Promise<QuarantinedKeys> {
  const known = new Set<string>();
  const facts = new Set(model.tables.filter(({ kind }) => kind === 'fact').map(({ name }) => name));
  const names = model.tables.map(({ name }) => name);
  for (const { table, rows, dropped } of await listQuarantine(site, model, names)) {
    for (const row of [...rows, ...dropped]) {
      const fields = parseRow(row);
      const version = facts.has(table) ? versionOf(fields) : '';
      known.add(JSON.stringify([table, String(row.key), version]));
      // The calendar has no day that only such a row names.
      const { calendar } = model;
      if (facts.has(table) && calendar !== undefined)
        for (const day of daysOf(fields)) known.add(JSON.stringify([calendar.name, day, '']));
    }
  }
  return {
    has: (table, key, version) =>
      known.has(JSON.stringify([table, key, version])) || known.has(JSON.stringify([table, key, anyVersion])),
  };
}

/** Of a row whose text the file had no room for. */
const anyVersion = null;

/** The ingested zone has a T between date and time. */
const versionOf = (fields: Record<string, unknown> = {}): string | null =>
  typeof fields.last_updated === 'string' ? fields.last_updated.replace('T', ' ') : anyVersion;

function parseRow({ row }: QuarantinedRow): Record<string, unknown> | undefined {
  try {
    return Object(JSON.parse(row ?? 'null')) as Record<string, unknown>;
  } catch {
    // It may be in quarantine because it is not JSON.
    return undefined;
  }
}

const daysOf = (fields: Record<string, unknown> = {}): string[] =>
  Object.values(fields).flatMap((value) =>
    typeof value === 'string' ? (/^\d{4}-\d\d-\d\d(?=$|T)/.exec(value) ?? []) : [],
  );
