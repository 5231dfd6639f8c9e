import type { Dimension, Fact } from '../../shared/model/model.ts';
import { commandFor, type Site } from '../site/site.ts';
import { formatDuration, formatTime } from '../terminal/time.ts';
import type { ExplainedWait } from '../waiting/explain-waits.ts';
import {
  askFailures,
  askQuarantine,
  askSides,
  completeObjects,
  readCauses,
  type SidesAnswer,
} from './gather.ts';
import type { FoundRow } from './read-sides.ts';
import type {
  RowTexts,
  Trace,
  TracedDeletion,
  TracedFailure,
  TracedQuarantine,
  Verdict,
  WaitingVersion,
} from './trace.ts';
import type { TracedKey } from './traced-key.ts';

/**
 * Traces one row from the source to the warehouse. Each part is asked on its own: what does not answer is named, and all
 * the rest is there.
 *
 * What was planned is read only where the two sides differ: a row that is the same needs no explanation.
 *
 * @throws {UsageError} the key is not of its column's type
 */
export async function traceRow(site: Site, key: TracedKey, now: Date = new Date()): Promise<Trace> {
  const others = Promise.all([askQuarantine(site, key), askFailures(site, key)]);
  // Awaited below; without this a refused key would leave it without anybody who listens.
  others.catch(() => {});
  let sides = await askSides(site, key, { now, judgesLateness: false });
  const isSettled = !sides.source.answered || !sides.warehouse.answered || isSame(sides);
  if (!isSettled) sides = await askSides(site, key, { now, judgesLateness: true });
  const [quarantine, failures] = await others;
  const { versions, waiting } = await describeVersions(site, key, sides);
  const objects = [...waiting, ...versions].flatMap(({ object }) => object ?? []);
  const silent = await completeObjects(site, key, objects);
  const { source, warehouse } = sides;
  const parts = { source, warehouse, queues: failures, objects: quarantine };
  const unanswered = Object.entries(parts).flatMap(([part, answer]) =>
    answer.answered ? [] : [{ part: part as keyof typeof parts, reason: answer.reason }],
  );
  // What is in quarantine is asked of the warehouse as well.
  const isOther = (part: string) => part !== 'objects' || warehouse.answered;
  const missing = unanswered.filter(({ part }) => isOther(part));
  if (silent !== undefined && !missing.some(({ part }) => part === 'objects'))
    missing.push({ part: 'objects', reason: silent });
  const found = {
    quarantine: quarantine.answered ? quarantine.value : [],
    failures: failures.answered ? failures.value : [],
    waiting,
  };
  const verdict = judge(site, key, { sides, ...found }, now);
  return {
    ok: missing.length === 0 && isWell(verdict, key, { versions, waiting }),
    table: key.table.name,
    source: key.table.source.name,
    key: Object.fromEntries(key.values.map(({ column, text }) => [column, text])),
    verdict,
    unanswered: missing,
    sourceRow: source.answered ? source.value.row : null,
    versions,
    ...found,
  };
}

const isWell = (
  { kind }: Verdict,
  { table }: TracedKey,
  { versions, waiting }: Pick<Trace, 'versions' | 'waiting'>,
): boolean =>
  ['same', 'late'].includes(kind) ||
  (kind === 'deleted' &&
    (table.deletes === 'keep' || [...versions, ...waiting].every(({ deleted }) => deleted !== null)));

async function describeVersions(site: Site, key: TracedKey, { warehouse }: SidesAnswer) {
  if (!warehouse.answered) return { versions: [], waiting: [] };
  const parked = warehouse.value.waiting;
  const causes = parked.length === 0 ? [] : await readCauses(site, key);
  const current = warehouse.value.versions.find(({ deleted }) => deleted === null);
  return {
    versions: warehouse.value.versions.map((version) => ({ ...version, isCurrent: version === current })),
    waiting: parked.map(
      ({ row, object, deleted, waitsFor }): WaitingVersion => ({
        row,
        object,
        deleted,
        waitsFor: waitsFor.map((missing) => describeWait(site, missing, causes)),
      }),
    ),
  };
}

function describeWait(
  site: Site,
  { dimension, key }: { dimension: string; key: string },
  causes: readonly ExplainedWait[],
): WaitingVersion['waitsFor'][number] {
  const known = causes.find((each) => each.dimension === dimension && each.key === key);
  const command = known?.mend ?? commandFor(site, 'waiting');
  return { dimension, key, cause: known?.cause ?? 'expected', command };
}

/** Of a fact with versions its own version counts; of any other table its one row. */
function sameVersion({ versions }: { versions: readonly string[] }, a: RowTexts, b: RowTexts): boolean {
  return versions.every((column) => a[column] === b[column]);
}

const versionsOf = (table: Dimension | Fact) => ({ versions: table.kind === 'fact' ? table.versions : [] });

const differing = (a: RowTexts, b: RowTexts): string[] =>
  Object.keys(a).filter((column) => a[column] !== b[column]);

function isSame({ source, warehouse }: SidesAnswer): boolean {
  if (!source.answered || !warehouse.answered || source.value.row === null) return false;
  const { row } = source.value;
  return warehouse.value.versions.some(
    (version) => version.deleted === null && differing(row, version.row).length === 0,
  );
}

interface Facts {
  sides: SidesAnswer;
  waiting: readonly WaitingVersion[];
  quarantine: readonly TracedQuarantine[];
  failures: readonly TracedFailure[];
}

function judge(site: Site, key: TracedKey, facts: Facts, now: Date): Verdict {
  const verdict = (kind: Verdict['kind'], text: string, rest: Partial<Verdict> = {}): Verdict => ({
    kind,
    text,
    lateSeconds: null,
    columns: [],
    command: null,
    ...rest,
  });
  const { sides, quarantine, failures, waiting } = facts;
  const { source, warehouse } = sides;
  if (!source.answered) return verdict('unknown', `what the source has is not known: ${source.reason}`);
  if (!warehouse.answered)
    return verdict('unknown', `what the warehouse has is not known: ${warehouse.reason}`);
  const { row, isLate } = source.value;
  const { versions } = warehouse.value;
  if (row === null) return judgeGone(key, { versions, ...facts }, verdict);
  if (isSame(sides)) return verdict('same', 'the warehouse has what the source has');
  const [waits] = waiting.filter((parked) => differing(row, parked.row).length === 0);
  const [missing] = waits?.waitsFor ?? [];
  if (waits !== undefined && missing !== undefined) {
    const names = waits.waitsFor.map(({ dimension, key: wanted }) => `${dimension} ${wanted}`).join(' and ');
    return verdict('waiting', `it waits for ${names} (${causes[missing.cause]})`, {
      command: missing.command,
    });
  }
  const failed =
    failures.find(({ hasRow }) => hasRow === true) ?? failures.find(({ hasRow }) => hasRow === null);
  if (isLate) {
    const seconds = sides.asOf === null ? null : Math.max(0, (now.getTime() - Date.parse(sides.asOf)) / 1000);
    const since =
      sides.asOf === null || seconds === null
        ? 'since the last plan'
        : `since ${formatTime(sides.asOf)}, up to which all is loaded (${formatDuration(seconds)} ago)`;
    const command = site.activity.isRunning ? commandFor(site, 'status') : commandFor(site, 'run');
    return verdict('late', `late: the source has written it ${since}`, { lateSeconds: seconds, command });
  }
  const [bad] = quarantine;
  if (bad !== undefined) {
    const column = bad.column === null ? '' : `${bad.column} `;
    const command = commandFor(site, `quarantine release --table ${key.table.name}`);
    return verdict('quarantined', `it broke the contract: ${column}${bad.reason}`, { command });
  }
  if (failed !== undefined) {
    const what = failed.hasRow === true ? 'the object with the row' : 'work of its table';
    return verdict('failed', `${what} failed in ${failed.queue}: ${failed.reason}`, {
      command: failed.command,
    });
  }
  return judgeDifferent(site, key, { row, versions, isJudged: sides.isJudged }, verdict);
}

type MakeVerdict = (kind: Verdict['kind'], text: string, rest?: Partial<Verdict>) => Verdict;

function judgeGone(
  { table, values }: TracedKey,
  { versions, waiting, quarantine }: Facts & { versions: readonly FoundRow[] },
  verdict: MakeVerdict,
): Verdict {
  const name = values.map(({ column, text }) => `${column} ${text}`).join(', ');
  const rows = [...versions, ...waiting];
  if (rows.length + quarantine.length === 0)
    return verdict('unknown', `neither ${table.source.name} of the source nor ${table.name} has ${name}`);
  if (table.deletes === 'keep')
    return verdict('deleted', `the source no longer has it, and ${table.name} keeps it, as the model says`);
  const [newest] = rows;
  if (newest === undefined || rows.some(({ deleted }) => deleted === null))
    return verdict('deleted', `the source no longer has it; ${table.name} has what was captured before`);
  return verdict('deleted', `it was deleted in the source: ${describeMark(newest.deleted)}`);
}

/** As a clause. */
function describeMark(deleted: TracedDeletion | null): string {
  const { run, plannedAt, appliedAt } = deleted ?? {};
  if (run == null || plannedAt == null || appliedAt == null)
    return 'its row is marked, and the ledger does not know the census that has marked it';
  return `the census ${run} of ${formatTime(plannedAt)} did not find it, and marked its row at ${formatTime(appliedAt)}`;
}

function judgeDifferent(
  site: Site,
  { table }: TracedKey,
  { row, versions, isJudged }: { row: RowTexts; versions: readonly FoundRow[]; isJudged: boolean },
  verdict: MakeVerdict,
): Verdict {
  const command = commandFor(site, isJudged ? `resync --table ${table.name}` : 'run');
  const unexplained = isJudged
    ? 'nothing that is known explains it'
    : 'the next run shows whether it is late: the source was restarted or replaced after the last plan, or none is known';
  const own = versions.find((version) => sameVersion(versionsOf(table), row, version.row));
  if (own === undefined) {
    const what =
      versions.length === 0 ? 'the warehouse does not have it' : 'the warehouse does not have this version';
    return verdict('different', `${what}; ${unexplained}`, { command });
  }
  const columns = differing(row, own.row);
  if (columns.length === 0) {
    const text = `the source has it, and here it is marked as deleted: ${describeMark(own.deleted)}; ${unexplained}`;
    return verdict('different', text, { command });
  }
  const text = `the warehouse has another ${columns.join(', ')}; ${unexplained}`;
  return verdict('different', text, { columns, command });
}

const causes: Record<ExplainedWait['cause'], string> = {
  quarantined: 'which broke the contract',
  dropped: 'which broke the contract and was dropped',
  failed: 'whose table has failed',
  deleted: 'which the source does not have',
  lost: 'which was captured once and is not in the warehouse',
  expected: 'which has not landed yet',
};
