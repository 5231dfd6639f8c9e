import type { MessageAttributeValue } from '@aws-sdk/client-sqs';
import { TerminalError } from '../errors.ts';
import { textAttribute } from './send-all.ts';

/** The ledger's column is an int. */
const maxRevision = 2 ** 31 - 1;

/**
 * The attribute by which the sender of a transform's message names the least revision to put. The transform cannot ask
 * the ledger, and an object under a name that the ledger has is never loaded.
 *
 * @returns no attribute for 0, the revision that every object begins with
 */
export const formatLeastRevision = (revision: number): Record<string, MessageAttributeValue> =>
  revision === 0 ? {} : { leastRevision: textAttribute(String(revision)) };

/**
 * @param text the attribute's value; undefined if the message has none
 * @throws {TerminalError} it is not a revision
 */
export function parseLeastRevision(text: string | undefined): number {
  if (text === undefined) return 0;
  if (!/^\d{1,10}$/.test(text) || Number(text) > maxRevision) {
    throw new TerminalError(`the message's leastRevision is ${JSON.stringify(text)}, which is no revision`);
  }
  return Number(text);
}
