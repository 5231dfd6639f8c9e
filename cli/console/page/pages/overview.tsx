import type { Status } from '../../../status/status.ts';
import { formatDuration, formatTime } from '../../../terminal/time.ts';
import type { LoadProgress, Snapshot } from '../../answers/api.ts';
import { Action } from '../parts/action.tsx';
import { Command, count, DataTable, Mark } from '../parts/elements.tsx';
import { Flow } from '../parts/flow.tsx';
import { judge, levelOf } from '../parts/judgement.ts';
import { Star } from '../parts/star.tsx';
import type { PageProps } from './page-props.ts';
import { runColumns } from './runs.tsx';

export function Overview({ snapshot, info }: PageProps) {
  const { level, sentence } = judge(snapshot);
  const status = snapshot?.status ?? null;
  return (
    <>
      <section class="verdict" aria-live="polite">
        <h1>
          <Mark level={level} />
          {sentence}
        </h1>
        {snapshot !== undefined && <Circumstances snapshot={snapshot} />}
      </section>
      {snapshot?.error != null && <p class="reason">{snapshot.error}</p>}
      {status !== null && !status.isLoaded && <Begin selector={info?.selector ?? ''} />}
      {status !== null && status.troubles.length > 0 && (
        <Causes status={status} allowed={info?.allowsActions === true} />
      )}
      {status !== null && (
        <>
          <section aria-labelledby="star">
            <h2 id="star">Warehouse</h2>
            {info !== undefined && <Star tables={info.tables} status={status} />}
          </section>
          <section aria-labelledby="flow">
            <div class="heading">
              <h2 id="flow">On the way</h2>
              <Loading load={snapshot?.load ?? null} />
            </div>
            {status.queues.length === 0 ? (
              <p class="empty">The queues do not answer.</p>
            ) : (
              <Flow status={status} />
            )}
          </section>
        </>
      )}
      {snapshot !== undefined && (
        <section aria-labelledby="runs">
          <h2 id="runs">Last runs</h2>
          <DataTable
            label="Last runs"
            columns={runColumns}
            rows={snapshot.runs.slice(0, 8)}
            keyOf={({ run }) => run}
            empty="No plan has found anything yet."
          />
        </section>
      )}
    </>
  );
}

/** Since when, by whom, and as of when. */
function Circumstances({ snapshot: { status, since, isLive } }: { snapshot: Snapshot }) {
  const parts =
    status === null ? [] : [describeAsOf(status), describeRunning(status), describeVerified(status)];
  if (since !== null) parts.unshift(`since ${formatTime(since)}`);
  if (!isLive && status !== null) parts.push(`looked at ${formatTime(status.checkedAt)}`);
  return <p class="circumstances">{parts.filter((part) => part !== '').join(' · ')}</p>;
}

/** The table that is the furthest behind says how old the warehouse is. */
function describeAsOf({ tables }: Status): string {
  const known = tables.filter(({ snapshotAt }) => snapshotAt !== null);
  const [oldest] = known.toSorted((a, b) => (a.snapshotAt ?? '').localeCompare(b.snapshotAt ?? ''));
  if (oldest?.snapshotAt == null) return '';
  const old = oldest.ageSeconds === null ? '' : `, ${formatDuration(oldest.ageSeconds)} old`;
  return `as of ${formatTime(oldest.snapshotAt)}${old}`;
}

function describeRunning({ running: { isRunning, pid, everySeconds } }: Status): string {
  if (!isRunning) return 'nobody is running';
  const every = everySeconds === null ? '' : `a plan every ${formatDuration(everySeconds)}`;
  if (pid === null) return every;
  return every === '' ? `process ${pid} is running` : `process ${pid}, ${every}`;
}

/** Where the objects do not answer, nobody knows. */
const describeVerified = ({ verified, areRecordsKnown }: Status): string =>
  verified === null
    ? areRecordsKnown
      ? 'never verified'
      : ''
    : `verified ${formatTime(verified.at)}: ${verified.exact ? 'exact' : 'not exact'}`;

const Begin = ({ selector }: { selector: string }) => (
  <section class="begin">
    <p>Begin with</p>
    <Command text={selector === '' ? 'npm start' : `npx starlift run${selector}`} />
  </section>
);

const Causes = ({ status: { troubles }, allowed }: { status: Status; allowed: boolean }) => (
  <section aria-label="What needs attention">
    <ul class="causes">
      {troubles.map((trouble) => (
        <li key={`${trouble.kind} ${trouble.table} ${trouble.command}`}>
          <Mark level={levelOf(trouble)} />
          <div>
            <p>{trouble.text}</p>
            <Action command={trouble.command} allowed={allowed} />
          </div>
        </li>
      ))}
    </ul>
  </section>
);

/** Its line is there in any case: a page that jumps cannot be read. */
function Loading({ load }: { load: LoadProgress | null }) {
  if (load === null) return <p class="loading">nothing</p>;
  const { rows, slices, rowsPerSecond } = load;
  const parts = [rows === 1 ? '1 row' : `${count(rows)} rows`];
  if (slices > 0) parts.push(`${count(slices)} ${slices === 1 ? 'slice' : 'slices'} to extract`);
  if (rowsPerSecond !== null && rowsPerSecond > 0) {
    parts.push(`${count(Math.round(rowsPerSecond))} rows/s`);
    const left = rows / rowsPerSecond;
    if (slices === 0 && left >= 1) parts.push(`about ${formatDuration(left)} left`);
  }
  return <p class="loading">{parts.join(', ')}</p>;
}
