import type { SQSRecord } from 'aws-lambda';
import { toPipelineError } from '../../shared/classify-error.ts';
import { type PipelineError, TerminalError, TransientError } from '../../shared/errors.ts';
import { type IngestedKey, parseObjectKey } from '../../shared/object-store/object-key.ts';
import { parseLeastRevision } from '../../shared/queue/least-revision.ts';
import { type ObjectReference, parseObjectCreated } from '../../shared/queue/object-created.ts';
import {
  type TransformDeps,
  type TransformOptions,
  type TransformResult,
  transformObject,
} from './transform.ts';

export interface MessageDeps extends TransformDeps {
  ingestedBucket: string;
}

/**
 * Transforms the objects that one message names. Each is tried whatever becomes of the others; then the first
 * failure is thrown, a transient one before a terminal one, for the message to come back with all of them.
 *
 * @throws {TransientError} trying again can help
 * @throws {TerminalError} the message is no event of the ingested bucket, or an object cannot be transformed
 */
export async function transformMessage(record: SQSRecord, deps: MessageDeps): Promise<TransformResult[]> {
  const replay = record.messageAttributes.replay?.stringValue;
  const leastRevision = parseLeastRevision(record.messageAttributes.leastRevision?.stringValue);
  const options: TransformOptions = replay === undefined ? { leastRevision } : { leastRevision, replay };
  const results: TransformResult[] = [];
  const failures: PipelineError[] = [];
  for (const reference of parseObjectCreated(record.body)) {
    try {
      const key = parseIngestedKey(reference, deps.ingestedBucket);
      results.push(await transformObject(key, deps, options));
    } catch (error) {
      failures.push(toPipelineError(error, { ...tableOf(reference), key: reference.key }));
    }
  }
  const failure = failures.find((each) => each instanceof TransientError) ?? failures[0];
  if (failure !== undefined) throw failure;
  return results;
}

function parseIngestedKey({ bucket, key }: ObjectReference, ingestedBucket: string): IngestedKey {
  if (bucket !== ingestedBucket)
    throw new TerminalError(`the event is of another bucket, ${bucket}`, { key });
  const parsed = parseObjectKey(key);
  if (parsed.zone !== 'ingested') throw new TerminalError('not the key of an ingested object', { key });
  return parsed;
}

/** A key's folder is its table, whatever the rest of it is. */
function tableOf({ key }: ObjectReference): { table?: string } {
  const [table] = key.split('/');
  return table === undefined || table === key ? {} : { table };
}
