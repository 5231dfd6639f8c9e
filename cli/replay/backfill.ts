import { backfillKey } from '../../shared/object-store/object-key.ts';
import type { ObjectStore } from '../../shared/object-store/object-store.ts';
import { formatModelReplay } from '../../shared/queue/model-replay.ts';
import type { PublishedModel } from '../../shared/records/published-model.ts';
import { readNotedBackfill } from '../project/noted-backfill.ts';
import type { Site } from '../site/site.ts';
import { formatCount } from '../terminal/wording.ts';
import { replay } from './replay.ts';

/**
 * Sends the ingested objects of the tables that are noted to be transformed by the model in force, which makes a new revision
 * of each. A row that the source has changed since keeps its newer version. The messages name the model: a transform that
 * knows an older one alone would fill nothing.
 *
 * @returns the tables and their number of objects; none where nothing is noted
 */
export async function sendBackfill(
  site: Pick<Site, 'ingested' | 'processed' | 'sqs' | 'queueUrl' | 'connectWarehouse'>,
  { model, number }: Pick<PublishedModel, 'model' | 'number'>,
): Promise<{ tables: string[]; objects: number }> {
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
  return { tables, objects: sent.reduce((sum, { objects }) => sum + objects, 0) };
}

/** Called where all that tables lack has been sent by other means. */
export const forgetBackfill = (ingested: Pick<ObjectStore, 'delete'>): Promise<void> =>
  ingested.delete(backfillKey);

/** One line about what was sent. */
export const describeBackfill = ({
  tables,
  objects,
}: {
  tables: readonly string[];
  objects: number;
}): string =>
  `${tables.join(', ')}: ${objects === 1 ? '1 object' : `${formatCount(objects)} objects`} in S3 sent again, to fill what is new in the model`;
