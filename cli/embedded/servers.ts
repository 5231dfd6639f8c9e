import { existsSync } from 'node:fs';
import { TransientError } from '../../shared/errors.ts';
import { maxReceiveCount, queueKinds, visibilitySeconds } from '../../shared/queue/queue-settings.ts';
import { type Cloud, startCloud } from './cloud/start-cloud.ts';
import { diskFull, isDiskFull, saysDiskFull } from './disk-full.ts';
import { clusterPath } from './postgres/cluster.ts';
import { type EmbeddedPostgres, startEmbeddedPostgres } from './postgres/embedded-postgres.ts';
import { buckets, queueNames } from './resources.ts';
import type { StackOptions } from './stack.ts';

/** The servers of one stack. */
export interface Servers {
  cloud: Cloud;
  /** Undefined where both databases are the user's own. */
  postgres: EmbeddedPostgres | undefined;
  /** Aborts, with the reason, when the embedded Postgres ends without having been told to, or the disk is full. */
  broken: AbortSignal;
  stop(): Promise<void>;
}

/**
 * Starts the cloud, and Postgres where a database is not the user's own; both or none.
 *
 * @throws {StackError | TerminalError} one line that names what is wrong
 */
export async function startServers(
  data: string,
  { source, warehouse, onLog, onMakeCluster }: StackOptions,
): Promise<Servers> {
  const needsPostgres = source === undefined || warehouse === undefined;
  if (needsPostgres && !existsSync(clusterPath(data))) onMakeCluster?.();
  const breaking = new AbortController();
  const onDiskFull = (error: unknown) => breaking.abort(diskFull(data, error));
  const onServerLog = (line: string) => {
    if (saysDiskFull(line)) onDiskFull(new Error(line));
    onLog?.(line);
  };
  const [started, clouded] = await Promise.allSettled([
    needsPostgres ? startEmbeddedPostgres({ dataDir: data, onLog: onServerLog }) : undefined,
    startCloud({ ...cloudOptions(data), onDiskFull }),
  ]);
  const postgres = started.status === 'fulfilled' ? started.value : undefined;
  const cloud = clouded.status === 'fulfilled' ? clouded.value : undefined;
  let isStopping = false;
  const stop = async () => {
    isStopping = true;
    await Promise.allSettled([cloud?.stop(), postgres?.stop()]);
  };
  if (cloud === undefined || started.status === 'rejected') {
    await stop();
    const reasons = [started, clouded].flatMap((each) => (each.status === 'rejected' ? [each.reason] : []));
    if (reasons.some(isDiskFull)) throw diskFull(data, reasons.find(isDiskFull));
    throw reasons[0];
  }
  void postgres?.ended.then(() => {
    if (!isStopping)
      breaking.abort(new TransientError('the embedded Postgres has ended; run again to carry on'));
  });
  return { cloud, postgres, broken: breaking.signal, stop };
}

function cloudOptions(data: string) {
  return {
    dataDir: `${data}/cloud`,
    buckets: Object.values(buckets),
    queues: queueKinds.map((kind) => ({
      name: queueNames[kind],
      visibilitySeconds: visibilitySeconds(kind),
      maxReceiveCount,
    })),
    notifications: [
      { bucket: buckets.ingested, suffix: '.ndjson.zst', queue: queueNames.transform },
      { bucket: buckets.processed, suffix: '.parquet', queue: queueNames.load },
    ],
    secrets: {},
  };
}
