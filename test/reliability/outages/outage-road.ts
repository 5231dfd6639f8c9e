import { readRetrying } from '../../../shared/records/retrying.ts';
import { changeEverything } from '../../helpers/inline-road/change-everything.ts';
import { connect, type Databases, makeDatabases } from '../../helpers/inline-road/databases.ts';
import { type InlineRoad, startInlineRoad } from '../../helpers/inline-road/inline-road.ts';
import { startTemporaryPostgres } from '../../helpers/postgres/temporary-postgres.ts';
import { seen } from '../../helpers/seen.ts';
import { findDifferences } from '../silence/status-evidence.ts';
import type { Target } from './outage-causes.ts';

export type Side = 'source' | 'warehouse';

/** More than the five attempts of a message take together, where a second lies between two. */
const longerThanAllRetriesMs = 6000;

/** A road in this process between two servers, each of which may be away. */
export class OutageRoad {
  readonly road: InlineRoad;
  readonly targets: Record<Side, Target>;
  readonly #databases: Databases;
  #eventsSeen = 0;

  private constructor(road: InlineRoad, databases: Databases, targets: Record<Side, Target>) {
    this.road = road;
    this.#databases = databases;
    this.targets = targets;
  }

  /** @param prepare what is done to a side's database before anybody is connected to it */
  static async start(
    prepare: Partial<Record<Side, (target: Target) => Promise<void>>> = {},
  ): Promise<OutageRoad> {
    const settings = { wal_writer_delay: '1ms' };
    const source = await startTemporaryPostgres({ settings });
    const warehouse = await startTemporaryPostgres({ settings });
    const databases = await makeDatabases(source, warehouse);
    const targets: Record<Side, Target> = {
      source: { server: source, database: 'shop', role: 'reader' },
      warehouse: { server: warehouse, database: 'warehouse', role: 'loader' },
    };
    for (const side of ['source', 'warehouse'] as const) {
      if (prepare[side] === undefined) continue;
      await databases[side].end();
      await prepare[side](targets[side]);
      databases[side] = await connect(targets[side].server.url(targets[side].database));
    }
    const road = await startInlineRoad({ ...databases, batchSize: 1 });
    const under = new OutageRoad(road, databases, targets);
    await road.run();
    return under;
  }

  async stop(): Promise<void> {
    await this.road.end();
    await this.#databases.end();
    for (const { server } of Object.values(this.targets)) await server.stop();
  }

  /** Runs statements in the source as its owner. */
  async administerSource(sql: string): Promise<void> {
    await this.#databases.source.query(sql);
  }

  change(): Promise<void> {
    return changeEverything(this.#databases.source);
  }

  /** Ends every transaction of the two roles that takes longer, from their next session on. */
  async limitTransactions(timeout: string): Promise<void> {
    for (const [client, { role }] of [
      [this.#databases.source, this.targets.source],
      [this.#databases.warehouse, this.targets.warehouse],
    ] as const) {
      await client.query(`alter role ${role} set transaction_timeout = '${timeout}'`);
      await client.query(`select pg_terminate_backend(pid) from pg_stat_activity where usename = '${role}'`);
    }
  }

  /** Until messages have been refused for longer than any number of retries would take. */
  async untilRetriesAreOver(): Promise<void> {
    await seen(async () => {
      const retrying = await readRetrying(this.road.ingested);
      const waited = retrying.map(
        ({ waitingSince, triedAt }) => Date.parse(triedAt) - Date.parse(waitingSince),
      );
      return waited.some((milliseconds) => milliseconds > longerThanAllRetriesMs);
    });
  }

  /** Until a message waits for its next attempt, because a database has refused it. */
  async untilRefused(): Promise<void> {
    await seen(async () => (await readRetrying(this.road.ingested)).some(({ by }) => by !== undefined));
  }

  /** A plan is attempted again and again, as by its schedule. */
  async plan(): Promise<void> {
    await this.road.plan().catch(() => {});
  }

  /** Connections of the test's own may have been ended with the others. */
  async reconnect(): Promise<void> {
    await this.#databases.end().catch(() => {});
    this.#databases.source = await connect(this.targets.source.server.url('shop'));
    this.#databases.warehouse = await connect(this.targets.warehouse.server.url('warehouse'));
  }

  differences(): Promise<string[]> {
    return findDifferences(this.#databases.source, this.#databases.warehouse);
  }

  /** The outages that were reported since the last call, such as `source Outage Began`. */
  takeOutageEvents(): string[] {
    const events = this.road.events().slice(this.#eventsSeen);
    this.#eventsSeen += events.length;
    return events
      .filter(({ type }) => type.startsWith('Outage'))
      .map(({ type, detail }) => `${detail.side} ${type}`)
      .sort();
  }
}
