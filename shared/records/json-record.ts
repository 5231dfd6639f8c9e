import { TerminalError, TransientError } from '../errors.ts';

/**
 * Parses the JSON object that a record in S3 holds.
 *
 * @param malformed makes the error, which names the record; its reason is a clause such as "it is not JSON"
 * @param newest the newest version of the record that its reader knows
 * @throws {Error} the body is not a JSON object: what `malformed` made
 * @throws {TransientError} a newer release has written it
 */
export function parseJsonRecord(
  body: Uint8Array | string,
  malformed: (reason: string, cause?: unknown) => Error,
  newest = 1,
): Record<string, unknown> {
  const value = parseJson(body, malformed);
  if (!isJsonObject(value)) throw malformed('it is not a JSON object');
  assertKnownVersion('a record', value, newest);
  return value;
}

/**
 * While the services of a stage are upgraded one after the other, one of them may read what a newer one has written. That
 * lasts until it is upgraded, too, and is nothing that is wrong with the record.
 *
 * @throws {TransientError} its version is above the newest
 */
export function assertKnownVersion(what: string, { version }: Record<string, unknown>, newest: number): void {
  if (!Number.isInteger(version) || Number(version) <= newest) return;
  throw new TransientError(
    `a newer release has written ${what} of version ${version}, and this one knows ${newest}: deploy all services of the stage`,
  );
}

function parseJson(
  body: Uint8Array | string,
  malformed: (reason: string, cause?: unknown) => Error,
): unknown {
  try {
    return JSON.parse(typeof body === 'string' ? body : Buffer.from(body).toString());
  } catch (cause) {
    throw malformed('it is not JSON', cause);
  }
}

export const isJsonObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Whether the value is a whole number that is written as decimal digits, such as an xid8 or an int8. */
export const isDigits = (value: unknown): value is string =>
  typeof value === 'string' && /^\d{1,20}$/.test(value);

/**
 * Parses one of the small objects below `state/` that can be deleted without a loss.
 *
 * @param isValid is given an object of version 1
 * @returns its content without the version
 * @throws {TerminalError} it is not what Starlift writes; the message names the key and what to do
 */
export function parseStateRecord(
  key: string,
  body: Uint8Array,
  isValid: (value: Record<string, unknown>) => boolean,
): Record<string, unknown> {
  const malformed = (reason: string, cause?: unknown) =>
    new TerminalError(
      `${key} is not what Starlift writes: ${reason}. Delete it: it is written again when it is needed`,
      { key, cause },
    );
  const value = parseJsonRecord(body, malformed);
  const { version, ...content } = value;
  if (version !== 1 || !isValid(content)) throw malformed('a field is missing or has another type');
  return content;
}
