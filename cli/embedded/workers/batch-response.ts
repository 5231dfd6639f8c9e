/**
 * Reads a function's partial batch response, `{ batchItemFailures: [{ itemIdentifier }] }`.
 *
 * Nothing, an empty object, and an empty or null list mean that all went well.
 * https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
 *
 * @param messageIds of the batch
 * @returns the ids of those that failed
 * @throws when it is anything else, names no message, or one outside the batch: the whole batch failed
 */
export function parseBatchResponse(response: unknown, messageIds: ReadonlySet<string>): Set<string> {
  if (response === undefined || response === null) return new Set();
  const failures = isRecord(response) ? (response.batchItemFailures ?? []) : undefined;
  if (!Array.isArray(failures)) throw new Error(`the response is no batch response: ${excerpt(response)}`);
  return new Set(failures.map((failure) => parseItem(failure, messageIds)));
}

function parseItem(failure: unknown, messageIds: ReadonlySet<string>): string {
  const id = isRecord(failure) ? failure.itemIdentifier : undefined;
  if (typeof id !== 'string' || !messageIds.has(id))
    throw new Error(`the response names a message that is not of its batch: ${excerpt(failure)}`);
  return id;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function excerpt(value: unknown): string {
  return (JSON.stringify(value) ?? String(value)).slice(0, 200);
}
