import { backfillKey } from '../../shared/object-store/object-key.ts';
import type { ObjectStore } from '../../shared/object-store/object-store.ts';
import { formatModelReplay } from '../../shared/queue/model-replay.ts';
import type { PublishedModel } from '../../shared/records/published-model.ts';
import { readNotedBackfill } from '../project/noted-backfill.ts';
import type { Site } from '../site/site.ts';
import { formatObjects } from '../terminal/wording.ts';
import { replay } from './replay.ts';

/**
 * Sends the ingested objects of the tables that are noted to be transformed by the model in force, which makes a new revision
 * of each. A row that the source has changed since keeps its newer version. The messages name the model: a transform that
 * knows an older one alone would fill nothing.
 */
export async function sendBackfill(
  site: Pick<Site, 'ingested' | 'processed' | 'sqs' | 'queueUrl' | 'connectWarehouse'>,
  { model, number }: Pick<PublishedModel, 'model' | 'number'>,
): Promise<Backfill> {
  const noted = await readNotedBackfill(site.ingested);
  const tables = noted.filter((name) => model.tables.some((table) => table.name === name));
  const sources = new Set(
    model.tables.flatMap((table) =>
      table.kind !== 'calendar' && tables.includes(table.name) ? [table.source.name] : [],
    ),
  );
  const sent =
    sources.size === 0
      ? []
      : (
          await replay(
            site,
            model,
            { tables: { sources: [...sources], tables }, zone: 'ingested' },
            { id: formatModelReplay(number) },
          )
        ).tables;
  if (noted.length > 0) await site.ingested.delete(backfillKey);
  const [objects, lost] = [sent.map((each) => each.objects), sent.map((each) => each.lost ?? 0)];
  return { tables, objects: sum(objects), lost: sum(lost) };
}

const sum = (counts: readonly number[]): number => counts.reduce((total, count) => total + count, 0);

export interface Backfill {
  /** None where nothing is noted. */
  tables: readonly string[];
  /** That are sent again. */
  objects: number;
  /** That were loaded once, and that S3 no longer has: what was in them alone stays as it is. */
  lost: number;
}

/** Called where all that tables lack has been sent by other means. */
export const forgetBackfill = (ingested: Pick<ObjectStore, 'delete'>): Promise<void> =>
  ingested.delete(backfillKey);

/** One line about what was sent, and what could not be. */
export function describeBackfill({ tables, objects, lost }: Backfill): string {
  const sent = `${tables.join(', ')}: ${formatObjects(objects)} in S3 sent again, to fill what is new in the model`;
  if (lost === 0) return sent;
  return `${sent}. ${formatObjects(lost)} that ${lost === 1 ? 'was' : 'were'} loaded, and ${lost === 1 ? 'is' : 'are'} no longer in S3, cannot fill it: rows that were in no other object lack it`;
}
