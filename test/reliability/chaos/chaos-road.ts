import type { Site } from '../../../cli/site/site.ts';
import { RowRandom } from '../../../models/totesys/sample/random.ts';
import { type Databases, makeDatabases } from '../../helpers/inline-road/databases.ts';
import { type InlineRoad, startInlineRoad } from '../../helpers/inline-road/inline-road.ts';
import { openShop } from '../../helpers/inline-road/shop.ts';
import { isLong } from '../../helpers/jest/long-form.ts';
import { type FaultProxy, startFaultProxy } from '../../helpers/network/fault-proxy.ts';
import { drawFaults, FaultLine } from '../../helpers/network/faults.ts';
import { type PostgresServer, startTemporaryPostgres } from '../../helpers/postgres/temporary-postgres.ts';
import { assertNotSilentlyWrong, findDifferences, makeSiteOf } from '../silence/status-evidence.ts';
import { changeShop } from '../writers/trading.ts';

const faultsOfASide = 3;
const runsOfARound = 3;
const changesOfARun = 6;
/** A stall as long as that of the long form ends a connection; a short one only delays it. */
const stallMs = isLong ? 30_000 : 300;
/** More than the faults that can meet a plan. */
const planAttempts = 10;
const settleSeconds = 90;

/** What has become of one round. */
export interface RoundResult {
  /** The faults of each side that have come, in their order. */
  trace: Record<'source' | 'warehouse', string[]>;
  /** How it was while faults could still be felt. */
  before: Awaited<ReturnType<typeof assertNotSilentlyWrong>>;
}

/** A road in this process whose connections to both databases are led through proxies that make faults. */
export class ChaosRoad {
  readonly #server: PostgresServer;
  readonly #databases: Databases;
  readonly #road: InlineRoad;
  readonly #site: Site;
  readonly #proxies: FaultProxy[];
  readonly #lines: Record<'source' | 'warehouse', FaultLine>;
  readonly #trace: RoundResult['trace'] = { source: [], warehouse: [] };

  private constructor(parts: {
    server: PostgresServer;
    databases: Databases;
    road: InlineRoad;
    proxies: FaultProxy[];
    lines: Record<'source' | 'warehouse', FaultLine>;
    trace: RoundResult['trace'];
  }) {
    this.#server = parts.server;
    this.#databases = parts.databases;
    this.#road = parts.road;
    this.#proxies = parts.proxies;
    this.#lines = parts.lines;
    this.#trace = parts.trace;
    this.#site = makeSiteOf({
      clients: parts.road.clients,
      queueUrl: parts.road.queueUrl,
      sourceUrl: parts.databases.sourceUrl,
      warehouseUrl: parts.databases.warehouseUrl,
    });
  }

  static async start(): Promise<ChaosRoad> {
    const server = await startTemporaryPostgres({ settings: { wal_writer_delay: '1ms' } });
    const databases = await makeDatabases(server);
    await openShop(databases.source);
    const trace: RoundResult['trace'] = { source: [], warehouse: [] };
    const lines = {
      source: new FaultLine('source', trace.source),
      warehouse: new FaultLine('warehouse', trace.warehouse),
    };
    const source = await startFaultProxy(server.port, lines.source);
    const warehouse = await startFaultProxy(server.port, lines.warehouse);
    const road = await startInlineRoad({
      sourceUrl: source.through(databases.sourceUrl),
      warehouseUrl: warehouse.through(databases.warehouseUrl),
      batchSize: 1,
    });
    await road.run();
    return new ChaosRoad({ server, databases, road, proxies: [source, warehouse], lines, trace });
  }

  async stop(): Promise<void> {
    await this.#road.end();
    for (const proxy of this.#proxies) await proxy.close();
    await this.#databases.end();
    await this.#server.stop();
  }

  /**
   * Changes the shop and runs, with the seed's faults on the way; then without any.
   *
   * @throws {Error} the warehouse is wrong and nobody says so, or is not exact when all is well again
   */
  async round(seed: number): Promise<RoundResult> {
    for (const of of Object.values(this.#trace)) of.length = 0;
    const random = new RowRandom(seed, 'chaos').at(0);
    const draw = (copy: 'copy in' | 'copy out') =>
      drawFaults(random, { count: faultsOfASide, copy, stallMs });
    this.#lines.source.arm(draw('copy out'));
    this.#lines.warehouse.arm(draw('copy in'));
    for (let run = 0; run < runsOfARound; run++) {
      for (let change = 0; change < changesOfARun; change++) await changeShop(this.#databases.source, random);
      await this.#plan();
      await this.#road.settle('load', settleSeconds);
    }
    const before = await assertNotSilentlyWrong(this.#site, this.#databases);
    for (const line of Object.values(this.#lines)) line.arm([]);
    await this.#plan();
    await this.#road.settle('load', settleSeconds);
    await this.#expectExact();
    return { trace: { source: [...this.#trace.source], warehouse: [...this.#trace.warehouse] }, before };
  }

  /** A fault may end a plan: its schedule plans again. */
  async #plan(): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        const { failures } = await this.#road.plan();
        if (failures.length > 0) throw new Error(JSON.stringify(failures));
        return;
      } catch (error) {
        if (attempt === planAttempts) throw error;
      }
    }
  }

  async #expectExact(): Promise<void> {
    const letters = await this.#road.deadLetters();
    if (letters.length > 0)
      throw new Error(`dead letters: ${letters.map(({ reason }) => reason).join('; ')}`);
    const { source, warehouse } = this.#databases;
    const differences = await findDifferences(source, warehouse);
    if (differences.length > 0) throw new Error(`not exact:\n${differences.join('\n')}`);
  }
}
