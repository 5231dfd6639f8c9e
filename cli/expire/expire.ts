import {
  type ExpiredTable,
  expireObjects,
  type Need,
  type TableToExpire,
} from '../../services/loading/expire/expire-objects.ts';
import { withClient } from '../database/with-client.ts';
import { hasLedger } from '../site/ledger.ts';
import { commandFor, type Site } from '../site/site.ts';
import { UsageError } from '../terminal/usage-error.ts';

type ExpireSite = Pick<
  Site,
  'model' | 'ingested' | 'processed' | 'connectWarehouse' | 'warehouseSchema' | 'selector'
>;

/**
 * Deletes the objects of runs that are older, as a stage with `expireAfterDays` does by itself.
 *
 * @throws {UsageError} nothing was ever loaded, or objects are needed now: a rebuild, a backfill or a migration is under way
 */
export const expire = (
  site: ExpireSite,
  options: { tables: readonly TableToExpire[]; dryRun: boolean },
): Promise<ExpiredTable[]> =>
  withClient(site.connectWarehouse(), async (warehouse) => {
    if (!(await hasLedger(warehouse)))
      throw new UsageError('nothing was ever loaded into this warehouse, so nothing can be missed');
    const { model, ingested, processed, warehouseSchema } = site;
    const deps = { readModel: async () => model, ingested, processed, warehouse, warehouseSchema };
    const { tables, need } = await expireObjects(deps, options);
    if (need !== undefined) throw refuse(site, need);
    return tables;
  });

function refuse(site: ExpireSite, need: Need): UsageError {
  if (need.kind === 'rebuild') {
    return new UsageError(
      `${need.table} is being rebuilt from S3, and needs its objects. Run first: ${commandFor(site, 'run')}`,
    );
  }
  const isMigrating = need.kind === 'migration';
  const what = isMigrating ? 'a migration' : 'a table that is new to the model';
  return new UsageError(
    `${what} is being filled from S3. First: ${commandFor(site, isMigrating ? 'migrate' : 'run')}`,
  );
}
