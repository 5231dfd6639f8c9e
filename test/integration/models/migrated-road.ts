import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { type MigrationSite, migrate } from '../../../cli/migrate/migrate.ts';
import type { ModelDefinition } from '../../../shared/model/define.ts';
import { type InlineRoad, startInlineRoad } from '../../helpers/inline-road/inline-road.ts';
import type { PostgresServer } from '../../helpers/postgres/temporary-postgres.ts';

/** A road of a model of one's own, which migrates while it is at work. */
export class MigratedRoad {
  readonly road: InlineRoad;
  readonly source: pg.Client;
  readonly warehouse: pg.Client;
  readonly sourceUrl: string;
  readonly warehouseUrl: string;
  /** What migrate has said. */
  readonly said: string[] = [];

  private constructor(road: InlineRoad, clients: [pg.Client, pg.Client], urls: [string, string]) {
    this.road = road;
    [this.source, this.warehouse] = clients;
    [this.sourceUrl, this.warehouseUrl] = urls;
  }

  static async start(
    server: PostgresServer,
    name: string,
    { definition, tables }: { definition: ModelDefinition; tables: string },
  ): Promise<MigratedRoad> {
    const sourceUrl = await server.createDatabase(`source_${name}`);
    const warehouseUrl = await server.createDatabase(`warehouse_${name}`);
    const clients = [sourceUrl, warehouseUrl].map((connectionString) => new pg.Client({ connectionString }));
    for (const client of clients) await client.connect();
    await clients[0]?.query(tables);
    const road = await startInlineRoad({ sourceUrl, warehouseUrl, definition });
    return new MigratedRoad(road, clients as [pg.Client, pg.Client], [sourceUrl, warehouseUrl]);
  }

  /** What the command works on; its services are at work. */
  site(changes: Partial<MigrationSite> = {}): MigrationSite {
    const { road } = this;
    return {
      ingested: road.ingested,
      processed: road.processed,
      sqs: road.clients.sqs,
      queueUrl: road.queueUrl,
      connectWarehouse: async () => {
        const client = new pg.Client(this.warehouseUrl);
        await client.connect();
        return client;
      },
      warehouseSchema: 'public',
      listDeadLetters: () => road.deadLetters(),
      selector: '',
      foreignKeys: 'declared',
      plan: () => road.plan(),
      say: (line) => this.said.push(line),
      now: () => new Date(),
      waitMs: 60_000,
      ...changes,
    };
  }

  async migrate(definition: ModelDefinition, changes: Partial<MigrationSite> = {}) {
    for (const kind of ['extract', 'transform', 'load'] as const) this.road.start(kind);
    return migrate(this.site(changes), { definition, folder: '/project' });
  }

  /** Rows as lists of texts. */
  async ask(client: pg.Client, sql: string): Promise<(string | null)[][]> {
    const types = { getTypeParser: () => String } as never;
    return (await client.query<(string | null)[]>({ text: sql, rowMode: 'array', types })).rows;
  }

  async end(): Promise<void> {
    await this.road.end();
    await Promise.all([this.source.end(), this.warehouse.end()]);
  }
}

/** Does the work again and again until the other work is done; a failure of either fails both. */
export async function during<T>(work: () => Promise<void>, other: () => Promise<T>, pauseMs = 5): Promise<T> {
  let isOver = false;
  const repeated = (async () => {
    while (!isOver) {
      await work();
      await delay(pauseMs);
    }
  })();
  const result = other().finally(() => {
    isOver = true;
  });
  await Promise.all([result, repeated]);
  return result;
}
