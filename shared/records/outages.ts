import { outageFolder, planAttemptsKey } from '../object-store/object-key.ts';
import type { ObjectStore } from '../object-store/object-store.ts';
import { parseStateRecord } from './json-record.ts';

/** One of the two databases. */
export type Side = 'source' | 'warehouse';

/** The content of `state/outages/<side>.json`: the side's last outage. */
export interface Outage {
  side: Side;
  /** ISO 8601. */
  since: string;
  /** Why the first attempt failed; without values and passwords. */
  reason: string;
  /**
   * The key of the retried message that was refused in the middle of its work, as by a full disk, or of `state/plans.json`
   * where it was a plan. The side answers all the while, and other work may need no room, so that nothing but the end of
   * this work is the outage's.
   */
  message?: string;
  /** ISO 8601; absent while the outage lasts. */
  endedAt?: string;
}

type Store = Pick<ObjectStore, 'get' | 'replace'>;

export const formatOutageKey = (side: Side): string => `${outageFolder}${side}.json`;

/** @throws {TerminalError} the object is not what Starlift writes; the message names its key and what to do */
export async function readOutage(
  ingested: Pick<ObjectStore, 'get'>,
  side: Side,
): Promise<Outage | undefined> {
  return (await read(ingested, side))?.outage;
}

/**
 * Notes that a side refuses, where no outage is noted yet.
 *
 * @returns the outage where this is its beginning, undefined where somebody has noted it before
 */
export async function beginOutage(
  ingested: Store,
  outage: Omit<Outage, 'endedAt'>,
): Promise<Outage | undefined> {
  const known = await read(ingested, outage.side);
  if (known !== undefined && known.outage.endedAt === undefined) return undefined;
  return (await write(ingested, outage, known?.etag)) ? outage : undefined;
}

/**
 * Notes that a side answers again.
 *
 * @param done the key of the work that is done, where the outage may have begun with it
 *
 * @returns the outage that this has ended; `none` where there is none, or somebody else has noted its end; `lasts` where
 * the message that it began with still waits
 */
export async function endOutage(
  ingested: Store,
  side: Side,
  now: Date,
  done?: string,
): Promise<Outage | 'none' | 'lasts'> {
  const known = await read(ingested, side);
  if (known === undefined || known.outage.endedAt !== undefined) return 'none';
  const { message } = known.outage;
  if (message !== undefined && message !== done && (await isUnfinished(ingested, message))) return 'lasts';
  const ended = { ...known.outage, endedAt: now.toISOString() };
  return (await write(ingested, ended, known.etag)) ? ended : 'none';
}

/** The record of a plan is always there. */
const isUnfinished = async (ingested: Pick<ObjectStore, 'get'>, message: string): Promise<boolean> =>
  message === planAttemptsKey || (await ingested.get(message)) !== undefined;

async function read(
  ingested: Pick<ObjectStore, 'get'>,
  side: Side,
): Promise<{ outage: Outage; etag: string } | undefined> {
  const key = formatOutageKey(side);
  const object = await ingested.get(key);
  if (object === undefined) return undefined;
  const outage = parseStateRecord(key, object.body, isOutage) as unknown as Outage;
  return { outage, etag: object.etag };
}

const write = (ingested: Store, outage: Outage, etag: string | undefined): Promise<boolean> =>
  ingested.replace(
    formatOutageKey(outage.side),
    Buffer.from(JSON.stringify({ version: 1, ...outage })),
    etag,
  );

const isOutage = ({ side, since, reason, endedAt, message }: Record<string, unknown>): boolean =>
  (side === 'source' || side === 'warehouse') &&
  typeof since === 'string' &&
  typeof reason === 'string' &&
  [endedAt, message].every((value) => ['string', 'undefined'].includes(typeof value));
