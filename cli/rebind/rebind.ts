import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readBinding, replaceBinding } from '../../shared/ledger/binding.ts';
import { migrateLedger } from '../../shared/ledger/schema/ledger-relations.ts';
import { makeResyncRequest, putResyncRequest } from '../../shared/records/plan/resync-request.ts';
import { readRemembered, rememberConnections } from '../configuration/remembered.ts';
import { connect } from '../database/connect.ts';
import type { NamedDatabases } from '../database/database-url.ts';
import { planRebinding, type Rebinding, rebindFolder } from '../embedded/bind.ts';
import { startStack } from '../embedded/stack.ts';
import type { Site } from '../site/site.ts';
import { UsageError } from '../terminal/usage-error.ts';

export interface RebindOptions extends NamedDatabases {
  data: string;
  /** Holds the star schema's tables. */
  schema: string;
  /** Asked with what is bound and what would be; false: nothing is changed. */
  confirm(rebinding: Pick<Rebinding, 'before' | 'now'>): Promise<boolean>;
}

const reason = 'the source or the warehouse was bound anew';

/**
 * Accepts that the source or the warehouse of a data folder is the same data in a new place, or that the folder takes over
 * the warehouse. The next plan begins a new generation and reads everything in full: the transaction ids of a moved source
 * say nothing of what was captured before.
 *
 * What the folder remembers of the ledger stays (`state/loaded.json`), so the next run notices what a warehouse in a new
 * place lacks.
 *
 * @throws {UsageError | StackError} the folder does not exist or is in use, or a database cannot be reached
 */
export async function rebindData(options: RebindOptions): Promise<'bound' | 'as before' | 'declined'> {
  const { data, schema, source: sourceUrl, warehouse: warehouseUrl, confirm } = options;
  if (!existsSync(data)) throw new UsageError(`--data ${data} does not exist: there is nothing to bind anew`);
  const stack = await startStack({ data, source: sourceUrl, warehouse: warehouseUrl });
  try {
    const source = await connect(stack.sourceUrl, 'source');
    const warehouse = await connect(stack.warehouseUrl, 'warehouse').catch(async (error: unknown) => {
      await source.end();
      throw error;
    });
    try {
      const rebinding = await planRebinding(stack, { source, warehouse, schema });
      if (rebinding.isBound) return 'as before';
      if (!(await confirm(rebinding))) return 'declined';
      await migrateLedger(warehouse);
      // First: without it, the capture state would be applied to a source that it may not describe.
      await putResyncRequest(stack.ingested, makeResyncRequest(reason, new Date()));
      await rebindFolder(stack.folder, rebinding.binding, warehouse);
      rememberConnections(stack.folder, stack.named, {
        schema,
        project: readRemembered(stack.folder.path).project,
      });
      return 'bound';
    } finally {
      await Promise.all([source.end(), warehouse.end()]);
    }
  } finally {
    await stack.stop();
  }
}

/**
 * Hands a warehouse over to a stage. Loads of whoever had it end within a minute.
 *
 * @throws {UsageError} the stage has never loaded, and nobody else has
 */
export async function rebindStage(
  site: Pick<Site, 'ingested' | 'connectWarehouse' | 'warehouseSchema'>,
  confirm: RebindOptions['confirm'],
): Promise<'bound' | 'as before' | 'declined'> {
  const { bucket } = site.ingested;
  const warehouse = await site.connectWarehouse();
  try {
    const known = await readBinding(warehouse);
    if (known === undefined) {
      throw new UsageError("nobody loads the stage's warehouse yet: its first load binds it");
    }
    const { warehouseSchema: schema } = site;
    if (known.ingestedBucket === bucket && known.schema === schema) return 'as before';
    const describe = (by: string | null, of: string | null) =>
      `loaded by ${by ?? 'a data folder'}, schema ${of ?? 'unknown'}`;
    const rebinding = {
      before: {
        source: known.sourceId ?? 'unknown',
        warehouse: describe(known.ingestedBucket, known.schema),
      },
      now: { source: "the stage's", warehouse: describe(bucket, schema) },
    };
    if (!(await confirm(rebinding))) return 'declined';
    await migrateLedger(warehouse);
    await putResyncRequest(site.ingested, makeResyncRequest(reason, new Date()));
    await replaceBinding(warehouse, {
      warehouseId: randomUUID(),
      sourceId: null,
      schema,

      ingestedBucket: bucket,
    });
    return 'bound';
  } finally {
    await warehouse.end();
  }
}
