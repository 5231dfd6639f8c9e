import { randomUUID } from 'node:crypto';
import { cp } from 'node:fs/promises';
import { PassThrough } from 'node:stream';
import { runEmbedded } from '../../../cli/run/run-embedded.ts';
import { openEmbeddedSite } from '../../../cli/site/embedded/embedded-site.ts';
import type { OpenedSite } from '../../../cli/site/site.ts';
import { makeTerminal } from '../../../cli/terminal/terminal.ts';
import type { RowRandom } from '../../../models/totesys/sample/random.ts';
import { captureStateKey } from '../../../shared/object-store/object-key.ts';
import { ask, makeDataFolder, type Road, removeFolder } from '../../e2e/road.ts';
import { connect } from '../../helpers/inline-road/databases.ts';
import { makeShop, openShop } from '../../helpers/inline-road/shop.ts';
import { totesys, totesysDefinition } from '../../helpers/models/totesys.ts';
import type { PostgresServer } from '../../helpers/postgres/temporary-postgres.ts';
import { assertNotSilentlyWrong } from '../silence/status-evidence.ts';
import { changeShop } from '../writers/trading.ts';

/** What may be set back to an older backup. */
export const restoredParts = ['data folder', 'capture state', 'warehouse'] as const;
type Part = (typeof restoredParts)[number];

/** A road on one server, all of whose parts are backed up and set back while its stack is down. */
export class RestoredRoad {
  readonly #server: PostgresServer;
  readonly #backups: Partial<Record<Part, () => Promise<void>>> = {};
  readonly #folders: string[] = [];
  readonly #database: string;
  #road: Road;

  private constructor(server: PostgresServer, database: string, road: Road) {
    this.#server = server;
    this.#database = database;
    this.#road = road;
    this.#folders.push(road.data);
  }

  /** @param server with a database `shop` */
  static async make(server: PostgresServer): Promise<RestoredRoad> {
    const database = `w${randomUUID()}`;
    const warehouse = await server.createDatabase(database);
    return new RestoredRoad(server, database, {
      source: server.url('shop'),
      warehouse,
      data: await makeDataFolder(),
    });
  }

  async end(): Promise<void> {
    for (const folder of this.#folders) await removeFolder(folder);
  }

  async change(random: RowRandom): Promise<void> {
    const source = await connect(this.#road.source);
    for (let change = 0; change < 4; change++) await changeShop(source, random);
    await source.end();
  }

  /**
   * Runs once, to its end.
   *
   * @returns how the warehouse is then
   * @throws {Error} it is wrong, and status is green
   */
  async run(): Promise<Awaited<ReturnType<typeof assertNotSilentlyWrong>>> {
    const terminal = makeTerminal(new PassThrough(), new PassThrough(), true);
    const { signal } = new AbortController();
    await runEmbedded(
      {
        ...this.#road,
        definition: totesysDefinition,
        watch: false,
        everySeconds: 1,
        waitMs: 60_000,
        interrupted: signal,
      },
      terminal,
    );
    return this.#withSite(async (site) => {
      const source = await connect(this.#road.source);
      const warehouse = await connect(this.#road.warehouse);
      try {
        return await assertNotSilentlyWrong(site, { source, warehouse });
      } finally {
        await source.end();
        await warehouse.end();
      }
    });
  }

  async backUp(part: Part): Promise<void> {
    this.#backups[part] = await this.#makeBackup(part);
  }

  /** @returns false where there is no backup yet */
  async restore(part: Part): Promise<boolean> {
    await this.#backups[part]?.();
    return this.#backups[part] !== undefined;
  }

  async #makeBackup(part: Part): Promise<() => Promise<void>> {
    if (part === 'data folder') {
      const copy = await this.#copy(this.#road.data);
      return async () => {
        this.#road = { ...this.#road, data: await this.#copy(copy) };
      };
    }
    if (part === 'warehouse') {
      const backup = `b${randomUUID()}`;
      await this.#server.createDatabase(backup, this.#database);
      return async () => {
        await ask(this.#server.url(), `drop database "${this.#database}" with (force)`);
        await this.#server.createDatabase(this.#database, backup);
      };
    }
    const state = await this.#withSite(({ ingested }) => ingested.get(captureStateKey));
    return () =>
      this.#withSite(async ({ ingested }) => {
        if (state !== undefined) await ingested.put(captureStateKey, state.body);
      });
  }

  async #copy(folder: string): Promise<string> {
    const copy = await makeDataFolder();
    this.#folders.push(copy);
    await cp(folder, copy, { recursive: true });
    return copy;
  }

  async #withSite<T>(work: (site: OpenedSite) => Promise<T>): Promise<T> {
    const site = await openEmbeddedSite({ ...this.#road, loadModel: async () => totesys });
    try {
      return await work(site);
    } finally {
      await site.release();
    }
  }
}

/** The shop that all roads of one server share. */
export async function makeSharedShop(server: PostgresServer): Promise<void> {
  const source = await connect(await server.createDatabase('shop'));
  await makeShop(source);
  await openShop(source);
  await source.end();
}
