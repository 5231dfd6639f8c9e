import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { formatObjectKey, parseObjectKey } from '../../shared/object-store/object-key.ts';
import type { ObjectStore } from '../../shared/object-store/object-store.ts';
import { formatObjectCreated } from '../../shared/queue/object-created.ts';
import type { StarSchema } from '../../shared/star-schema/assemble.ts';

export interface ResumeDeps {
  ingested: ObjectStore;
  processed: ObjectStore;
  sqs: SQSClient;
  transformQueueUrl: string;
  loadQueueUrl: string;
  /** Keys of the objects that the warehouse has loaded. */
  loadedKeys: ReadonlySet<string>;
  /** Keys of dead-lettered objects: an operator sends those again, when they are mended. */
  deadKeys: ReadonlySet<string>;
  model: StarSchema;
}

/**
 * After a kill: sends again what is ingested without processed, or processed without a ledger row.
 *
 * What is on a queue already is sent twice by this, which changes nothing.
 *
 * @returns how many objects were sent again
 */
export async function resumeWork(deps: ResumeDeps): Promise<number> {
  const processedKeys = new Set(await listKeys(deps.processed));
  const untransformed = (await listKeys(deps.ingested)).filter(
    (key) => !deps.deadKeys.has(key) && !isTransformed(key, processedKeys, deps.model),
  );
  const unloaded = [...processedKeys].filter((key) => !deps.loadedKeys.has(key) && !deps.deadKeys.has(key));
  await sendAll(deps.sqs, deps.transformQueueUrl, deps.ingested.bucket, untransformed);
  await sendAll(deps.sqs, deps.loadQueueUrl, deps.processed.bucket, unloaded);
  return untransformed.length + unloaded.length;
}

async function listKeys(store: ObjectStore): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list('')) {
    if (isObjectKey(key)) keys.push(key);
  }
  return keys;
}

const isObjectKey = (key: string): boolean =>
  /\.(ndjson\.zst|parquet)$/.test(key) && !/^(state|failed|quarantine)\//.test(key);

function isTransformed(key: string, processed: ReadonlySet<string>, model: StarSchema): boolean {
  const { table, run, slice } = parseObjectKey(key);
  const source = model.sources.find(({ name }) => name === table);
  return (source?.feeds ?? []).every((fed) =>
    processed.has(formatObjectKey({ zone: 'processed', table: fed, run, slice, revision: 0 })),
  );
}

async function sendAll(sqs: SQSClient, queueUrl: string, bucket: string, keys: string[]): Promise<void> {
  for (const key of keys) {
    await sqs.send(
      new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: formatObjectCreated({ bucket, key }) }),
    );
  }
}
