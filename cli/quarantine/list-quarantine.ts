import type { Model } from '../../shared/model/model.ts';
import { collectQuarantine } from '../../shared/quarantine/collect-quarantine.ts';
import type { QuarantineFile } from '../../shared/quarantine/quarantine-file.ts';
import { withClient } from '../database/with-client.ts';
import type { Site } from '../site/site.ts';

type QuarantineSite = Pick<Site, 'ingested' | 'processed' | 'connectWarehouse' | 'warehouseSchema'>;

/**
 * Lists what is still in quarantine, by a connection to the warehouse of its own.
 *
 * @param tables warehouse tables
 */
export function listQuarantine(
  { ingested, processed, warehouseSchema, connectWarehouse }: QuarantineSite,
  model: Model,
  tables: readonly string[],
): Promise<QuarantineFile[]> {
  return collectQuarantine(
    { ingested, processed, warehouseSchema, withWarehouse: (work) => withClient(connectWarehouse(), work) },
    model,
    tables,
  );
}

/** How many rows of each warehouse table are still in quarantine; a table without any is left out. */
export async function countQuarantined(
  site: QuarantineSite,
  model: Model,
): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  const names = model.tables.map(({ name }) => name);
  for (const { table, quarantined } of await listQuarantine(site, model, names)) {
    if (quarantined > 0) counts.set(table, (counts.get(table) ?? 0) + quarantined);
  }
  return counts;
}
