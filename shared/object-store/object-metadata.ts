import { TerminalError } from '../errors.ts';
import { parseJsonRecord } from '../records/json-record.ts';
import type { SliceId } from '../records/plan/slices.ts';

/** What an ingested object says of itself, in S3 user metadata. */
export interface IngestedMetadata {
  version: ObjectVersion;
  rows: number;
  /** When its rows were read, by the source's clock, ISO 8601; absent where an older version of Starlift has put it. */
  readAt?: string;
  /** The number of the model that it was made by; absent where an older version of Starlift has put it. */
  model?: number;
  /** The hash of its layout; absent where an older version of Starlift has put it, and of a census. */
  layout?: string;
  /** Of a census alone. */
  census?: CensusMetadata;
}

/** What the object of a census says beyond its keys. */
export interface CensusMetadata {
  /** How long the source was read for. */
  seconds: number;
  /** The run of the census that it was judged against; absent for a table's first. */
  previous?: string;
  /** The part of that census; absent where an older version has put it. */
  previousSlice?: SliceId;
  /** The range of the keys, where it has not all of the table's. */
  from?: readonly string[];
  to?: readonly string[];
  /** Why it is not to be applied unless an operator says so, as a clause; absent where nothing speaks against it. */
  held?: string;
}

/** What a processed object says of itself, in S3 user metadata. */
export interface ProcessedMetadata {
  version: ObjectVersion;
  /** Rows in this object. */
  rows: number;
  /** Rows of the ingested object that went to quarantine instead. */
  quarantined: number;
  /** As of an ingested object. */
  readAt?: string;
  /** As of an ingested object. */
  model?: number;
  /** As of an ingested object. */
  census?: CensusMetadata;
}

/** The inverse of `parseIngestedMetadata`. */
export const formatIngestedMetadata = ({
  version,
  rows,
  readAt,
  model,
  layout,
  census,
}: IngestedMetadata): Record<string, string> => ({
  version: formatObjectVersion(version),
  rows: String(rows),
  ...(readAt !== undefined && { 'read-at': readAt }),
  ...(model !== undefined && { model: String(model) }),
  ...(layout !== undefined && { layout }),
  ...(census !== undefined && { census: toAscii(JSON.stringify(census)) }),
});

/** S3 keeps metadata as headers. */
const toAscii = (json: string): string =>
  json.replaceAll(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);

/** The inverse of `parseProcessedMetadata`. */
export const formatProcessedMetadata = (metadata: ProcessedMetadata): Record<string, string> => ({
  ...formatIngestedMetadata(metadata),
  quarantined: String(metadata.quarantined),
});

/** @throws {TerminalError} the metadata lacks a field or holds a malformed one: the object was not put by Starlift */
export function parseIngestedMetadata(key: string, metadata: Record<string, string>): IngestedMetadata {
  return {
    version: parseObjectVersion(metadata.version ?? ''),
    rows: parseCount(key, 'rows', metadata.rows),
    ...(metadata['read-at'] !== undefined && { readAt: parseInstant(key, metadata['read-at']) }),
    ...(metadata.model !== undefined && { model: parseCount(key, 'model', metadata.model) }),
    ...(metadata.layout !== undefined && { layout: parseHash(key, 'layout', metadata.layout) }),
    ...(metadata.census !== undefined && { census: parseCensus(key, metadata.census) }),
  };
}

/** @throws {TerminalError} as `parseIngestedMetadata` */
export function parseProcessedMetadata(key: string, metadata: Record<string, string>): ProcessedMetadata {
  return {
    ...parseIngestedMetadata(key, metadata),
    quarantined: parseCount(key, 'quarantined', metadata.quarantined),
  };
}

function parseCount(key: string, name: string, text: string | undefined): number {
  if (text === undefined || !/^\d{1,15}$/.test(text)) {
    throw new TerminalError(`the object's metadata has no valid ${name}`, { key });
  }
  return Number(text);
}

function parseInstant(key: string, text: string): string {
  if (!Number.isNaN(Date.parse(text))) return text;
  throw new TerminalError("the object's metadata has no valid instant of its read", { key });
}

function parseCensus(key: string, text: string): CensusMetadata {
  const malformed = (cause?: unknown) =>
    new TerminalError("the object's metadata has no valid census", { key, cause });
  const census = parseJsonRecord(text, (_, cause) => malformed(cause));
  const { seconds, previous, previousSlice, held, from, to } = census;
  const areTexts = [previous, previousSlice, held].every((each) =>
    ['string', 'undefined'].includes(typeof each),
  );
  const areBounds = [from, to].every((each) => each === undefined || isTexts(each));
  if (typeof seconds !== 'number' || !areTexts || !areBounds) throw malformed();
  return census as unknown as CensusMetadata;
}

const isTexts = (value: unknown): boolean =>
  Array.isArray(value) && value.every((each) => typeof each === 'string');

function parseHash(key: string, name: string, text: string): string {
  if (!/^[0-9a-f]{64}$/.test(text)) {
    throw new TerminalError(`the object's metadata has no valid ${name}`, { key });
  }
  return text;
}

/**
 * How new an object's rows are: the snapshot in which its own extract read them. Compared from left to right.
 * All are decimal digits of an int8; xids are 64 bits wide (xid8).
 */
export interface ObjectVersion {
  /** Goes up when the source's identity changes, because xids then start again. */
  generation: string;
  /** pg_snapshot_xmax: the first xid not yet assigned as complete. */
  xmax: string;
  /** pg_snapshot_xmin: at one xmax, the snapshot with the higher xmin is the later one. */
  xmin: string;
  /** On a primary minus the number of xids in progress, on a standby the replay LSN as a number. */
  tie: string;
}

const pattern = /^(\d+):(\d+):(\d+):(-?\d+)$/;

/** The inverse of `parseObjectVersion`. */
export const formatObjectVersion = ({ generation, xmax, xmin, tie }: ObjectVersion): string =>
  `${generation}:${xmax}:${xmin}:${tie}`;

/** @throws {TerminalError} the text is not a version */
export function parseObjectVersion(text: string): ObjectVersion {
  const [, generation, xmax, xmin, tie] = pattern.exec(text) ?? [];
  if (generation === undefined || xmax === undefined || xmin === undefined || tie === undefined) {
    throw new TerminalError(`not an object version: ${JSON.stringify(text)}`);
  }
  return { generation, xmax, xmin, tie };
}
