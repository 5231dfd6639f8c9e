import type { Side } from '../../../shared/records/outages.ts';
import { commandFor, type Site } from '../../site/site.ts';
import { formatTime } from '../../terminal/time.ts';
import { formatCount } from '../../terminal/wording.ts';
import type { Answer } from '../evidence/ask.ts';
import { type Evidence, ifAnswered } from '../evidence/evidence.ts';
import type { Trouble } from './trouble.ts';

/** One trouble for each part that does not answer or is out, whatever suffers from it. */
export function findSides(evidence: Evidence, site: Pick<Site, 'selector'>): Trouble[] {
  const { objects, ledger, counts, gap, dropped, waits, quarantined, source } = evidence;
  // The last four take objects and queues as well: where these are silent, so are they.
  const warehouse = objects.answered ? [ledger, counts, gap, dropped, waits, quarantined] : [ledger, counts];
  return [
    ...findStore(evidence, site),
    ...findDatabase('source', [source], evidence, site),
    ...findDatabase('warehouse', warehouse, evidence, site),
    ...findPlanFailure(evidence, site),
  ];
}

/** Queues and objects: on one machine one process has both. */
function findStore({ activity, objects, queues }: Evidence, site: Pick<Site, 'selector'>): Trouble[] {
  const silent = Object.entries({ objects, queues }).flatMap(([name, answer]) =>
    answer.answered ? [] : [{ name, reason: answer.reason }],
  );
  const [first] = silent;
  if (first === undefined) return [];
  const names = silent.map(({ name }) => name).join(' and ');
  const verb = silent.length === 1 && names !== 'queues' && names !== 'objects' ? 'does' : 'do';
  const owner = activity.pid === undefined ? '' : `, which process ${activity.pid} has,`;
  return [
    {
      kind: 'unanswered',
      table: null,
      text: `the ${names}${owner} ${verb} not answer: ${first.reason}`,
      command:
        activity.pid === undefined ? commandFor(site, 'status') : `ps -o pid,stat,args -p ${activity.pid}`,
    },
  ];
}

function findDatabase(
  side: Side,
  answers: readonly Answer<unknown>[],
  { objects, activity }: Evidence,
  site: Pick<Site, 'selector'>,
): Trouble[] {
  const silent = answers.flatMap((answer) => (answer.answered ? [] : [answer]));
  const live = silent.find(({ isLocked }) => isLocked) ?? silent[0];
  const evidence = ifAnswered(objects);
  const outage = evidence?.outages.find((each) => each.side === side);
  const plan = evidence?.attempts?.failure;
  const failure = side === 'source' && plan?.by === 'source' ? plan : undefined;
  const reason = live?.reason ?? failure?.reason ?? outage?.reason;
  if (reason === undefined) return [];
  const begins = [outage?.since, failure?.since].flatMap((time) => time ?? []).toSorted();
  const since = begins[0] === undefined ? '' : ` since ${formatTime(begins[0])}`;
  const tried = failure === undefined ? '' : `, tried ${formatTimes(failure.attempts)}`;
  const next = nextAttempt(evidence?.attempts?.attemptedAt, activity, failure !== undefined);
  const details = live?.isLocked === true ? '' : `${since}${tried}${next}`;
  const verb = live === undefined ? 'refused' : 'does not answer';
  const now = live === undefined ? '; it answers now, and the next attempt shows whether it is over' : '';
  const question = side === 'source' ? 'sql --source "select 1"' : 'sql "select 1"';
  const command = live?.isLocked === true ? lockCommand(live.reason) : question;
  return [
    {
      kind: 'unanswered',
      table: null,
      text: `the ${side} ${verb}${details}: ${reason}${now}`,
      command: commandFor(site, command),
    },
  ];
}

/** Shows what the holder of a lock does. */
function lockCommand(reason: string): string {
  const [, pid = '0'] = /\bpid (\d+)/.exec(reason) ?? [];
  return `sql "select state, query from pg_stat_activity where pid = ${pid}"`;
}

function nextAttempt(
  attemptedAt: string | undefined,
  { isRunning, everySeconds }: Evidence['activity'],
  isFailing: boolean,
): string {
  if (!isFailing || !isRunning || everySeconds === undefined || attemptedAt === undefined) return '';
  return `, next at ${formatTime(new Date(Date.parse(attemptedAt) + everySeconds * 1000))}`;
}

/** A plan that failed for another reason than a source that is out. */
function findPlanFailure({ objects }: Evidence, site: Pick<Site, 'selector'>): Trouble[] {
  const failure = ifAnswered(objects)?.attempts?.failure;
  if (failure === undefined || failure.by === 'source') return [];
  const { reason, since, attempts } = failure;
  return [
    {
      kind: 'plan',
      table: null,
      text: `no plan has succeeded since ${formatTime(since)}, tried ${formatTimes(attempts)}: ${reason}`,
      command: commandFor(site, 'run'),
    },
  ];
}

const formatTimes = (count: number): string => (count === 1 ? 'once' : `${formatCount(count)} times`);
