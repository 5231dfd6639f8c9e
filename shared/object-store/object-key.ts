import { TerminalError } from '../errors.ts';
import { type SliceId, sliceIdPattern } from '../records/plan/slices.ts';

/**
 * A run's id: the UTC time of its plan, to the millisecond, and four characters against a tie. A later run's id is greater,
 * also where the clock was set back: then its time is the one after the last run's.
 */
export type RunId = string;

export interface IngestedKey {
  zone: 'ingested';
  /** The source table. */
  table: string;
  run: RunId;
  slice: SliceId;
  /** The object is a census: it has keys, and no rows. */
  census?: true;
}

export interface ProcessedKey {
  zone: 'processed';
  /** The warehouse table. */
  table: string;
  run: RunId;
  slice: SliceId;
  /** 0 until the object is transformed again. */
  revision: number;
  /** As of an ingested object. */
  census?: true;
}

export type ObjectKey = IngestedKey | ProcessedKey;

export const ingestedSuffix = '.ndjson.zst';
export const processedSuffix = '.parquet';

const run = '(?<run>(?<year>\\d{4})(?<month>\\d{2})(?<day>\\d{2})T\\d{9}Z[0-9a-f]{4})';
/** Holds the censuses of both zones: no table's name encodes to it. */
export const censusFolder = '.census/';
const path = `^(?<census>\\.census/)?(?<table>[^/]+)/\\d{4}/\\d{2}/\\d{2}/${run}-(?<slice>${sliceIdPattern})`;
const ingestedPattern = new RegExp(`${path}\\.ndjson\\.zst$`);
const processedPattern = new RegExp(`${path}-r(?<revision>\\d+)\\.parquet$`);

/**
 * `<table>/<yyyy>/<mm>/<dd>/<run>-<slice>.ndjson.zst` or `…-r<revision>.parquet`, the day being the run's. That of a census is
 * below `.census/`.
 */
export function formatObjectKey(key: ObjectKey): string {
  return key.zone === 'ingested'
    ? `${formatSlicePrefix(key)}${ingestedSuffix}`
    : `${formatRevisionPrefix(key)}${key.revision}${processedSuffix}`;
}

/** The prefix of the keys of a slice's processed objects, in every revision. */
export const formatRevisionPrefix = ({
  table,
  run,
  slice,
  census,
}: Omit<ProcessedKey, 'zone' | 'revision'>): string =>
  `${formatSlicePrefix({ table, run, slice, ...isCensus(census) })}-r`;

const isCensus = (census: true | undefined) => (census === undefined ? {} : { census });

/** The prefix of the keys of a table's objects of one run. */
export const formatRunPrefix = (table: string, run: RunId): string =>
  `${formatTableFolder(table)}${dayOf(run)}/${run}-`;

/** The prefix of the keys of a table's objects whose runs were planned on this day (UTC). */
export const formatDayFolder = (table: string, day: Date): string =>
  `${formatTableFolder(table)}${dayOf(formatRunId(day, ''))}/`;

/** The prefix of the keys of all of a table's objects. */
export const formatTableFolder = (table: string): string => `${encodeTable(table)}/`;

/** The prefix of the keys of all censuses of a table. */
export const formatCensusFolder = (table: string): string => `${censusFolder}${formatTableFolder(table)}`;

/** As `formatDayFolder`, of the table's censuses. */
export const formatCensusDayFolder = (table: string, day: Date): string =>
  `${censusFolder}${formatDayFolder(table, day)}`;

const dayOf = (run: RunId): string => `${run.slice(0, 4)}/${run.slice(4, 6)}/${run.slice(6, 8)}`;

/** The prefix of the keys of a slice's ingested objects: its own, and those of the halves that it was cut into. */
export const formatSlicePrefix = ({ table, run, slice, census }: Omit<IngestedKey, 'zone'>): string =>
  `${census === undefined ? '' : censusFolder}${formatRunPrefix(table, run)}${slice}`;

/** @throws {TerminalError} the text is not the key of an object in either zone */
export function parseObjectKey(text: string): ObjectKey {
  const groups = (ingestedPattern.exec(text) ?? processedPattern.exec(text))?.groups;
  if (groups === undefined)
    throw new TerminalError('not the key of an ingested or processed object', { key: text });
  const { table = '', run = '', slice = '', revision, census } = groups;
  const named = {
    table: decodeTable(table, text),
    run,
    slice,
    ...(census !== undefined && { census: true as const }),
  };
  const key: ObjectKey =
    revision === undefined
      ? { zone: 'ingested', ...named }
      : { zone: 'processed', ...named, revision: Number(revision) };
  if (formatObjectKey(key) !== text) {
    throw new TerminalError('the day in the key is not the day of its run', { table: key.table, key: text });
  }
  return key;
}

/** @returns undefined for a key that is not Starlift's */
export function parseKnownKey(text: string): ObjectKey | undefined {
  try {
    return parseObjectKey(text);
  } catch {
    return undefined;
  }
}

/** The prefix of the keys of a warehouse table's quarantine files, and of their records. */
export const formatQuarantineFolder = (table: string): string => `quarantine/${formatTableFolder(table)}`;

/** The key under which a slice's bad rows are kept; the suffix triggers no notification. */
export const formatQuarantineKey = (key: ProcessedKey): string =>
  `quarantine/${formatObjectKey(key).replace(/\.parquet$/, '.ndjson')}`;

/** The same for rows that only the load finds to be bad. */
export const formatLoadQuarantineKey = (key: ProcessedKey): string =>
  formatQuarantineKey(key).replace(/\.ndjson$/, loadQuarantineSuffix);

export const loadQuarantineSuffix = '.load.ndjson';

export const captureStateKey = 'state/capture.json';
export const sweptRunsKey = 'state/swept-runs.json';
/** The tables whose ingested objects a new model has still to be sent for. */
export const backfillKey = 'state/backfill.json';
/** @param hash of a layout */
export const formatLayoutKey = (hash: string): string => `state/layouts/${hash}.json`;
export const loadedKey = 'state/loaded.json';
export const planAttemptsKey = 'state/plans.json';
export const warehouseEvidenceKey = 'state/warehouse.json';
export const verifiedKey = 'state/verified.json';

/** There while an operator has paused the stage; its metadata says since when. */
export const pausedKey = 'state/paused.json';
export const outageFolder = 'state/outages/';
export const toldFolder = 'state/told/';
/** @param hash of a cause that an operator was told of */
export const formatToldKey = (hash: string): string => `${toldFolder}${hash}.json`;
export const retryingFolder = 'state/retrying/';
export const droppedFolder = 'state/dropped/';
/** @param key of the object that a discarded message was about */
export const formatDroppedKey = (key: string): string => `${droppedFolder}${key}.json`;
/** Records of rows that an operator has had forgotten. */
export const forgottenFolder = 'state/forgotten/';
/** @param id of a row, which says nothing of its values */
export const formatForgottenKey = (id: string): string => `${forgottenFolder}${id}.json`;
/** While a row is being forgotten. */
export const forgettingFolder = 'state/forgetting/';
export const formatForgettingKey = (id: string): string => `${forgettingFolder}${id}.json`;
export const requestFolder = 'state/requests/';
/** @param id of a resync request */
export const formatRequestKey = (id: string): string => `${requestFolder}${id}.json`;
export const runFolder = 'state/runs/';
export const formatRunKey = (id: RunId): string => `${runFolder}${id}.json`;
/** Of slices that hold nothing new. Not below `state/runs/`, whose readers take all that is there for records. */
export const emptyFolder = 'state/empty/';
export const formatEmptyFolder = (run: RunId): string => `${emptyFolder}${run}/`;
export const formatEmptyKey = (run: RunId, slice: SliceId): string =>
  `${formatEmptyFolder(run)}${slice}.json`;
/** Of a slice that was to be read by an index, and was not: the next look at its table finds what is in it. */
export const formatSkippedKey = (run: RunId, slice: SliceId): string =>
  `${formatEmptyFolder(run)}${slice}${skippedSuffix}`;
export const skippedSuffix = '.skipped.json';
export const censusRecordFolder = 'state/censuses/';
/** The key of what an operator has decided of a census that was held. */
export const formatVerdictKey = (run: RunId, slice: SliceId): string =>
  `${censusRecordFolder}verdicts/${run}-${slice}.json`;
/** The key of the record of the censuses that a plan has sent. */
export const formatCensusRecordKey = (id: RunId): string => `${censusRecordFolder}${id}.json`;
/** The key of the record that an extract has failed. */
export const formatFailedKey = (run: RunId, slice: SliceId): string =>
  `${formatFailedPrefix(run)}${slice}.json`;

/** The prefix of the keys of the records of a run's failed extracts. */
export const formatFailedPrefix = (run: RunId): string => `failed/${run}-`;

/** Percent-encodes all that S3 or a file path might not take literally, so no name can leave its folder. */
function encodeTable(table: string): string {
  return encodeURIComponent(table).replaceAll('.', '%2E');
}

function decodeTable(encoded: string, key: string): string {
  try {
    return decodeURIComponent(encoded);
  } catch (cause) {
    throw new TerminalError('the table in the key is not percent-encoded', { key, cause });
  }
}

const runPattern = new RegExp(`^${run}$`);

export const isRunId = (text: string): boolean => runPattern.test(text);

/** @param tie four hexadecimal characters that distinguish two runs of one millisecond */
export function formatRunId(startedAt: Date, tie: string): RunId {
  return `${startedAt.toISOString().replaceAll(/[-:.]/g, '')}${tie}`;
}

/** The time in a run's id: that of its plan, unless the clock was set back before it. */
export const timeOfRun = (run: RunId): Date =>
  new Date(run.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(\d{3})Z.*$/, '$1-$2-$3T$4:$5:$6.$7Z'));
