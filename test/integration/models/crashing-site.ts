import type pg from 'pg';
import type { MigrationSite } from '../../../cli/migrate/migrate.ts';

/** The process was killed before this step. */
export class Killed extends Error {}

export interface CrashingSite {
  site: MigrationSite;
  /** What was done so far: statements, and requests to S3 and SQS. */
  steps(): number;
}

/**
 * Has whoever works on a site die before its n-th step: nothing that it would do later is done, and the server ends its
 * session.
 */
export function makeCrashingSite(site: MigrationSite, killedAt: number): CrashingSite {
  let steps = 0;
  const clients: pg.Client[] = [];
  const step = () => {
    steps += 1;
    if (steps < killedAt) return;
    for (const client of clients)
      (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
    throw new Killed(`killed at step ${killedAt}`);
  };
  const counted = <T extends object>(target: T): T =>
    new Proxy(target, {
      get: (object, name) => {
        const value: unknown = Reflect.get(object, name);
        if (typeof value !== 'function') return value;
        return (...args: unknown[]) => {
          step();
          return (value as (...args: unknown[]) => unknown).apply(object, args);
        };
      },
    });
  return {
    steps: () => steps,
    site: {
      ...site,
      ingested: counted(site.ingested),
      processed: counted(site.processed),
      sqs: counted(site.sqs),
      connectWarehouse: async () => {
        step();
        const client = await site.connectWarehouse();
        client.on('error', () => {});
        clients.push(client);
        const query = client.query.bind(client) as (...args: unknown[]) => unknown;
        const counting = (...args: unknown[]) => {
          try {
            step();
          } catch (error) {
            return Promise.reject(error);
          }
          return query(...args);
        };
        return Object.assign(client, { query: counting as never });
      },
    },
  };
}
