import { toPipelineError } from '../classify-error.ts';
import { type FailureSubject, type PipelineError, TransientError } from '../errors.ts';
import type { ObjectReference } from '../queue/object-created.ts';

/**
 * Handles the objects that one message names, and tries each even if others fail. If some fail, the message has failed. It
 * fails transiently if a retry can help any of them, because the retry brings back all of them.
 *
 * @param handle takes one object
 * @param subjectOf names what a failure is about, where `handle` has not
 * @returns what `handle` returned, in the message's order
 * @throws {TransientError} a retry can help one of the objects
 * @throws {TerminalError} some of the objects failed, and no retry can help
 */
export async function handleEachObject<T>(
  references: readonly ObjectReference[],
  handle: (reference: ObjectReference) => Promise<T>,
  subjectOf: (reference: ObjectReference) => FailureSubject = ({ key }) => ({ key }),
): Promise<T[]> {
  const results: T[] = [];
  const failures: PipelineError[] = [];
  for (const reference of references) {
    try {
      results.push(await handle(reference));
    } catch (error) {
      failures.push(toPipelineError(error, subjectOf(reference)));
    }
  }
  const failure = failures.find((each) => each instanceof TransientError) ?? failures[0];
  if (failure !== undefined) throw failure;
  return results;
}
