import type pg from 'pg';
import { isCensus, ledgerTable } from '../../../shared/ledger/schema/ledger-schema.ts';
import { timeOfRun } from '../../../shared/object-store/object-key.ts';
import { withClient } from '../../database/with-client.ts';
import { listZoneObjects } from '../../objects/list-objects.ts';
import { parseTable } from '../../options/named-tables.ts';
import { hasLedger } from '../../site/ledger.ts';
import type { Site } from '../../site/site.ts';
import { askPart } from '../../status/evidence/ask.ts';
import type { TableAnswer, TableLoad } from './api.ts';

const shownObjects = 12;

/** @throws {UsageError} the model has no such table */
export async function answerTable(site: Site, name: string, now: Date): Promise<TableAnswer> {
  const tables = parseTable(name, site.model);
  const [loads, { objects }] = await Promise.all([
    askPart(site, ({ connectWarehouse }) =>
      withClient(connectWarehouse(), async (client) =>
        (await hasLedger(client)) ? selectLoads(client, name) : [],
      ),
    ),
    listZoneObjects(
      site,
      { tables, zones: ['ingested', 'processed'], run: undefined },
      { limit: shownObjects, now },
    ),
  ]);
  return {
    table: name,
    loads: loads.answered ? loads.value : null,
    warehouse: loads.answered ? null : loads.reason,
    objects: objects.map(({ quarantined: _, ...object }) => object),
  };
}

/** A watch that plans every few seconds leaves more than a chart has pixels for. */
const shownLoads = 3000;

/** Of a run the last object counts: with it all that the run had found was there. */
async function selectLoads(client: pg.ClientBase, table: string): Promise<TableLoad[]> {
  const { rows } = await client.query<Omit<TableLoad, 'plannedAt'>>(
    `select run, sum(rows)::float8 as rows,
            to_char(max(entered_at) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as "loadedAt"
       from ${ledgerTable} o
      where warehouse_table = $1 and entered_at > now() - interval '24 hours' and not ${isCensus('o')}
      group by run order by run desc limit ${shownLoads}`,
    [table],
  );
  return rows.toReversed().map((row) => ({ ...row, plannedAt: timeOfRun(row.run).toISOString() }));
}
