import { toPipelineError } from '../../../shared/classify-error.ts';
import type { Model } from '../../../shared/model/model.ts';
import type { ObjectStore } from '../../../shared/object-store/object-store.ts';
import { collectProcessed, isTransformed, listTables } from '../../../shared/sweep/find-lost.ts';
import { type SweepDeps, type SweepResult, sweepZone, sweptSince } from '../../../shared/sweep/sweep-zone.ts';

export interface IngestedSweepDeps extends SweepDeps {
  ingested: Pick<ObjectStore, 'bucket' | 'list' | 'get' | 'delete'>;
  processed: Pick<ObjectStore, 'list'>;
  model: Model;
}

/**
 * Sends the event again of each ingested object that was not processed.
 *
 * @throws {TransientError} S3 or SQS does not answer
 */
export async function sweepIngested(deps: IngestedSweepDeps): Promise<SweepResult> {
  const { ingested, processed, model } = deps;
  const since = sweptSince(deps.now());
  try {
    const feeding = model.sources.filter(({ feeds }) => feeds.length > 0);
    const objects = await listTables(
      ingested,
      feeding.map(({ name }) => name),
      since,
    );
    // Listed after the ingested objects, so it includes what is transformed meanwhile.
    const results = await listTables(
      processed,
      feeding.flatMap(({ feeds }) => feeds),
      since,
    );
    const made = collectProcessed(results);
    const isFollowed = (key: Parameters<typeof isTransformed>[0]) => isTransformed(key, made, model);
    return await sweepZone(
      { bucket: ingested.bucket, objects, isFollowed, notes: ingested, queue: 'transform' },
      deps,
    );
  } catch (error) {
    throw toPipelineError(error);
  }
}
