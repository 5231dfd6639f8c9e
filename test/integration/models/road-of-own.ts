import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll } from '@jest/globals';
import pg from 'pg';
import { readStatus } from '../../../cli/status/read-status.ts';
import { isClean } from '../../../cli/verify/report.ts';
import { verifyWarehouse } from '../../../cli/verify/verify-warehouse.ts';
import type { ModelDefinition } from '../../../shared/model/define.ts';
import { assembleModel, type Model } from '../../../shared/model/model.ts';
import { connect } from '../../helpers/inline-road/databases.ts';
import { type InlineRoad, startInlineRoad } from '../../helpers/inline-road/inline-road.ts';
import { type PostgresServer, startTemporaryPostgres } from '../../helpers/postgres/temporary-postgres.ts';
import { makeSiteOf } from '../../reliability/silence/status-evidence.ts';

/** A road of a model of one's own between two databases. */
export class OwnRoad {
  readonly #road: InlineRoad;
  readonly #source: pg.Client;
  readonly #warehouse: pg.Client;
  readonly #urls: { sourceUrl: string; warehouseUrl: string };
  readonly #model: Model;

  private constructor(
    road: InlineRoad,
    urls: { sourceUrl: string; warehouseUrl: string },
    { source, warehouse, model }: { source: pg.Client; warehouse: pg.Client; model: Model },
  ) {
    this.#road = road;
    this.#urls = urls;
    this.#model = model;
    this.#source = source;
    this.#warehouse = warehouse;
  }

  static async start(server: PostgresServer, definition: ModelDefinition): Promise<OwnRoad> {
    const name = randomUUID();
    const sourceUrl = await server.createDatabase(`source ${name}`);
    const warehouseUrl = await server.createDatabase(`warehouse ${name}`);
    const clients = [sourceUrl, warehouseUrl].map(
      (connectionString) => new pg.Client({ connectionString, types: { getTypeParser: () => String } }),
    );
    const [source, warehouse] = clients as [pg.Client, pg.Client];
    await Promise.all([source.connect(), warehouse.connect()]);
    const road = await startInlineRoad({ sourceUrl, warehouseUrl, definition });
    const model = assembleModel(definition);
    return new OwnRoad(road, { sourceUrl, warehouseUrl }, { source, warehouse, model });
  }

  async change(sql: string): Promise<void> {
    await this.#source.query(sql);
  }

  /** Plans, and works until nothing is on its way; fails if a message could not be worked on. */
  async run(): Promise<void> {
    await this.#road.run();
    const letters = await this.#road.deadLetters();
    if (letters.length > 0) throw new Error(`there are dead letters: ${JSON.stringify(letters)}`);
  }

  /** What verify finds wrong; where that is nothing, status has to be green. */
  async differences(): Promise<string[]> {
    const model = this.#model;
    const [source, warehouse] = await Promise.all([
      connect(this.#urls.sourceUrl),
      connect(this.#urls.warehouseUrl),
    ]);
    try {
      const { tables } = await verifyWarehouse({ source, warehouse, warehouseSchema: 'public', model });
      const wrong = tables.filter((table) => !isClean(table)).map((table) => JSON.stringify(table));
      const site = { ...makeSiteOf({ ...this.#road, ...this.#urls }), model };
      const { troubles } = await readStatus(site);
      // A part that is slow on a busy machine says nothing about the rows.
      const told = troubles.filter(({ kind }) => kind !== 'unanswered').map(({ text }) => text);
      return wrong.length > 0 ? wrong : told;
    } finally {
      await Promise.all([source.end(), warehouse.end()]);
    }
  }

  /** Rows as lists of texts. */
  source(sql: string): Promise<(string | null)[][]> {
    return ask(this.#source, sql);
  }

  warehouse(sql: string): Promise<(string | null)[][]> {
    return ask(this.#warehouse, sql);
  }

  async end(): Promise<void> {
    await this.#road.end();
    await Promise.all([this.#source.end(), this.#warehouse.end()]);
  }
}

async function ask(client: pg.Client, sql: string): Promise<(string | null)[][]> {
  return (await client.query<(string | null)[]>({ text: sql, rowMode: 'array' })).rows;
}

/** Gives the tests of a describe a road for all of them; each test makes tables' rows of its own. */
export function roadOfModel(
  definition: ModelDefinition,
  tables: string,
  take: (road: OwnRoad) => void,
): void {
  let server: PostgresServer;
  let road: OwnRoad | undefined;
  beforeAll(async () => {
    server = await startTemporaryPostgres();
    road = await OwnRoad.start(server, definition);
    await road.change(tables);
    take(road);
  });
  afterAll(async () => {
    await road?.end();
    await server?.stop();
  });
}
