import { putVerdict, type Verdict } from '../../shared/census/verdict.ts';
import { selectKnownParts, type TableCensus } from '../../shared/ledger/censuses.ts';
import { formatObjectCreated } from '../../shared/queue/object-created.ts';
import { sendAll, textAttribute } from '../../shared/queue/send-all.ts';
import { plannedSliceOf } from '../../shared/records/plan/slices.ts';
import type { NamedTables } from '../options/named-tables.ts';
import type { Site } from '../site/site.ts';

/**
 * Decides of the censuses that are held. One census of a source table is that of each warehouse table that it feeds, and is
 * decided once.
 *
 * The decision lies beside the objects, and counts for every later application; the censuses are sent again.
 *
 * @returns those that were decided of
 */
export async function decideHeld(
  site: Pick<Site, 'connectWarehouse' | 'ingested' | 'processed' | 'sqs' | 'queueUrl' | 'model'>,
  selection: NamedTables,
  verdict: Verdict,
  now: Date,
): Promise<TableCensus[]> {
  const warehouse = await site.connectWarehouse();
  const censuses = await selectKnownParts(warehouse).finally(() => warehouse.end());
  const held = censuses.filter(({ table, state }) => state === 'held' && selection.tables.includes(table));
  for (const census of held) await putVerdict(site.ingested, census, verdict, now);
  // Of the other tables that the source feeds, too: the decision is of what the source has.
  const decided = censuses.filter(
    ({ state, run, slice }) =>
      state === 'held' &&
      held.some((each) => each.run === run && plannedSliceOf(each.slice) === plannedSliceOf(slice)),
  );
  const attributes = { replay: textAttribute(verdict) };
  const bucket = site.processed.bucket;
  const messages = decided.map(({ key }) => ({ body: formatObjectCreated({ bucket, key }), attributes }));
  if (messages.length > 0) await sendAll(site.sqs, site.queueUrl('load'), messages);
  return decided;
}
