import { maxAttempts, queueKinds } from '../../../shared/queue/queue-settings.ts';
import { type Retrying, readRetrying } from '../../../shared/records/retrying.ts';
import type { NamedDatabases } from '../../database/database-url.ts';
import { loadModel } from '../../project/load-model.ts';
import { openEmbeddedSite } from '../../site/embedded/embedded-site.ts';
import { commandFor, type Site } from '../../site/site.ts';
import { countMessagesOf } from '../../status/evidence/read-queues.ts';
import { formatCount } from '../../terminal/wording.ts';
import type { Finding } from './check-tables.ts';

type WaitingSite = Pick<Site, 'ingested' | 'sqs' | 'queueUrl' | 'selector'>;

/** What is left where a run has waited for as long as it was told to: by table and queue. It needs no database. */
export async function listUnfinished(site: WaitingSite, now: Date): Promise<Finding[]> {
  const groups = Map.groupBy(
    await readRetrying(site.ingested),
    ({ queue, table, key }) => `${queue} ${table ?? key ?? ''}`,
  );
  const command = commandFor(site, 'run');
  const findings = [...groups.values()].flatMap((group): Finding[] => {
    const [first] = group;
    if (first === undefined) return [];
    const latest = group.reduce((a, b) => (b.triedAt > a.triedAt ? b : a), first);
    const messages = group.length === 1 ? '' : `${formatCount(group.length)} messages, `;
    const text = `${latest.table ?? latest.key ?? 'a message'} waits in ${latest.queue}: ${latest.reason} (${messages}${describeAttempt(latest, now)})`;
    return [{ table: latest.table ?? null, text, command }];
  });
  return findings.length > 0 ? findings : listUntried(site, command);
}

/** @example 'attempt 3 of 5 failed, next in 50 s' */
function describeAttempt({ attempts, by, nextAt }: Retrying, now: Date): string {
  const attempt = by === undefined ? `attempt ${attempts} of ${maxAttempts} failed` : 'refused';
  const seconds = Math.max(0, Math.round((Date.parse(nextAt) - now.getTime()) / 1000));
  return `${attempt}, next in ${seconds} s`;
}

/** Messages that nobody has tried yet. */
async function listUntried(site: WaitingSite, command: string): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const queue of queueKinds) {
    const { ready, inFlight } = await countMessagesOf(site, site.queueUrl(queue));
    const count = ready + inFlight;
    if (count === 0) continue;
    const text = `${count === 1 ? '1 message waits' : `${formatCount(count)} messages wait`} on the ${queue} queue`;
    findings.push({ table: null, text, command });
  }
  return findings;
}

/**
 * The same for a data folder whose databases cannot be connected to. A folder that was never made has nothing that waits, and
 * what keeps this one from being opened does not matter here.
 */
export async function listUnfinishedOf(data: string, named: NamedDatabases, now: Date): Promise<Finding[]> {
  try {
    const site = await openEmbeddedSite({ data, ...named, loadModel });
    return await listUnfinished(site, now).finally(() => site.release());
  } catch {
    return [];
  }
}
