import type { SQSRecord } from 'aws-lambda';
import { toPipelineError } from '../../shared/classify-error.ts';
import { type PipelineError, TerminalError, TransientError } from '../../shared/errors.ts';
import { type ProcessedKey, parseObjectKey } from '../../shared/object-store/object-key.ts';
import { type ObjectReference, parseObjectCreated } from '../../shared/queue/object-created.ts';
import { type LoadDeps, type LoadResult, loadObject } from './load.ts';

export interface MessageDeps extends LoadDeps {
  processedBucket: string;
}

/**
 * Loads the objects that one message names, each whatever becomes of the others. Where some fail the message has
 * failed: transiently as long as trying again helps any of them.
 *
 * @throws {TransientError} trying again can help
 * @throws {TerminalError} the message is no event of the processed bucket, or an object cannot be loaded
 */
export async function loadMessage(
  record: Pick<SQSRecord, 'body' | 'messageAttributes'>,
  deps: MessageDeps,
): Promise<LoadResult[]> {
  const replay = record.messageAttributes.replay?.stringValue;
  const results: LoadResult[] = [];
  const failures: PipelineError[] = [];
  for (const reference of parseObjectCreated(record.body)) {
    try {
      const key = parseProcessedKey(reference, deps.processedBucket);
      results.push(await loadObject(key, deps, replay === undefined ? {} : { replay }));
    } catch (error) {
      failures.push(toPipelineError(error, { key: reference.key }));
    }
  }
  const failure = failures.find((candidate) => candidate instanceof TransientError) ?? failures[0];
  if (failure !== undefined) throw failure;
  return results;
}

function parseProcessedKey({ bucket, key }: ObjectReference, processedBucket: string): ProcessedKey {
  if (bucket !== processedBucket) {
    throw new TerminalError(`the event is of the bucket ${bucket}, not of ${processedBucket}`, { key });
  }
  const parsed = parseObjectKey(key);
  if (parsed.zone !== 'processed') throw new TerminalError('not the key of a processed object', { key });
  return parsed;
}
