import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import type pg from 'pg';
import { connect } from '../../../cli/database/connect.ts';
import { startStack } from '../../../cli/embedded/stack.ts';
import { parseCommand } from '../../../cli/parse-command.ts';
import { type Pipeline, type PipelineOptions, startPipeline } from '../../../cli/run/pipeline.ts';
import type { RunReport } from '../../../cli/run/report/make-report.ts';
import { formatTrouble } from '../../../cli/run/report/report.ts';
import { runOnce } from '../../../cli/run/run-once.ts';
import { makeEmbeddedSite, openEmbeddedSite } from '../../../cli/site/embedded/embedded-site.ts';
import type { OpenedSite, RunnableSite } from '../../../cli/site/site.ts';
import { makeTerminal } from '../../../cli/terminal/terminal.ts';
import { fillSampleShop } from '../../../models/totesys/sample/fill.ts';
import { verifiedKey } from '../../../shared/object-store/object-key.ts';
import type { QueueKind } from '../../../shared/queue/queue-settings.ts';
import { runWorkersInline } from '../../helpers/jest/worker-pool.ts';
import { totesys, totesysDefinition } from '../../helpers/models/totesys.ts';
import { type AskedStatus, makeDifferenceError } from '../../helpers/never-silently-wrong.ts';
import { startInlineWorkers } from '../../helpers/processes/inline-workers.ts';
import { copyPreparedFolder } from './prepared-folder.ts';

runWorkersInline(startInlineWorkers);

export interface CommandOutcome {
  code: number;
  text: string;
}

export type StartOptions = Partial<Pick<PipelineOptions, 'censusFloorSeconds' | 'definition' | 'looking'>>;

/** The embedded stack with its services running on the sample shop, and an operator's commands. */
export class OperatedStack {
  readonly data: string;
  readonly site: OpenedSite;
  readonly #pipeline: Pipeline;
  readonly #clients = new Map<string, Promise<pg.Client>>();
  /** By URL: the last query. */
  readonly #asked = new Map<string, Promise<unknown>>();
  #stopped: Promise<void> | undefined;

  private constructor(data: string, pipeline: Pipeline, site: OpenedSite) {
    this.data = data;
    this.#pipeline = pipeline;
    this.site = site;
  }

  static async start(): Promise<OperatedStack> {
    const data = makeFolder();
    await copyPreparedFolder('opened', data, openSmallShop);
    return OperatedStack.#startIn(data);
  }

  /**
   * The same after one run has loaded the whole shop.
   *
   * @param options how soon one census of a table may follow another, another model that is in force from now on, and which
   *   tables plans leave out
   */
  static async startLoaded(options: StartOptions = {}): Promise<OperatedStack> {
    const data = makeFolder();
    await copyPreparedFolder('loaded', data, async (folder) => {
      await openSmallShop(folder);
      const stack = await OperatedStack.#startIn(folder);
      const { ok } = await stack.run().finally(() => stack.release());
      if (!ok) throw new Error('the sample shop has not been loaded');
    });
    return OperatedStack.#startIn(data, options);
  }

  static async #startIn(data: string, options: StartOptions = {}): Promise<OperatedStack> {
    const pipeline = await startPipeline(
      { data, definition: totesysDefinition, ...options },
      makeTerminal(new PassThrough(), new PassThrough(), false),
    );
    return new OperatedStack(
      data,
      pipeline,
      await openEmbeddedSite({ data, loadModel: async () => totesys }),
    );
  }

  /** The URL of the embedded cloud. */
  get endpoint(): string {
    return this.#pipeline.stack.cloud.endpoint;
  }

  get sourceUrl(): string {
    return this.#pipeline.stack.shopUrl ?? this.#pipeline.stack.sourceUrl;
  }

  get warehouseUrl(): string {
    return this.#pipeline.stack.warehouseUrl;
  }

  /** A plan, as the schedule would start it; it does not wait for the work that it sends. */
  plan(): Promise<unknown> {
    return this.#pipeline.services.plan();
  }

  /** The sweep of a queue, as the schedule would start it. */
  sweep(kind: QueueKind): Promise<unknown> {
    return this.#pipeline.services.sweep(kind);
  }

  /**
   * One run, to its end.
   *
   * @param onProgress called when the plan has ended, and again as the work goes on
   * @param changes replaces functions of the site that the run works on
   */
  run(onProgress: () => void = () => {}, changes: Partial<RunnableSite> = {}): Promise<RunReport> {
    return runOnce({ ...makeEmbeddedSite(this.#pipeline), ...changes }, onProgress);
  }

  /** What `starlift run` does when it has loaded something: the tables whose first load is whole are noted, among others. */
  checkLedger(): Promise<void> {
    return this.#pipeline.checkLedger();
  }

  /** A run that looks at the warehouse's tables as well, as `starlift run` does: what it says needs attention. */
  async troublesOfRun(): Promise<string[]> {
    const site = makeEmbeddedSite(this.#pipeline);
    const check = () => this.#pipeline.checkTables({ isAgain: true });
    return formatTrouble(await runOnce(site, undefined, { check }), { style: (_, text) => text });
  }

  /** A command as the command line runs it, attached to the running stack. */
  async command(...args: string[]): Promise<CommandOutcome> {
    const output = new PassThrough();
    const terminal = makeTerminal(output, new PassThrough(), args.includes('--json'));
    const code = await (await parseCommand([...args, '--data', this.data]))(terminal);
    return { code, text: String(output.read() ?? '') };
  }

  /** The same with --json: its exit code and what it printed. */
  async json<T>(...args: string[]): Promise<T & { code: number }> {
    const { code, text } = await this.command(...args, '--json');
    return { ...(JSON.parse(text.trimEnd().split('\n').at(-1) ?? '') as T), code };
  }

  source<T = Record<string, unknown>>(sql: string): Promise<T[]> {
    return this.#query<T>(this.#pipeline.stack.shopUrl ?? '', sql);
  }

  warehouse<T = Record<string, unknown>>(sql: string): Promise<T[]> {
    return this.#query<T>(this.#pipeline.stack.warehouseUrl, sql);
  }

  /** The details of the events of a type, oldest first. */
  events(type: string): Record<string, unknown>[] {
    return this.#pipeline.stack.cloud
      .events()
      .filter(({ DetailType }) => DetailType === type)
      .map(({ Detail = '{}' }) => JSON.parse(Detail) as Record<string, unknown>);
  }

  /**
   * What verify finds, by table: nothing where source and warehouse are the same.
   *
   * @throws {Error} they are not; it says whether status knows
   */
  async differences(): Promise<Record<string, unknown>[]> {
    const { tables } = await this.json<{ tables: Record<string, unknown>[] }>('verify');
    const kinds = ['late', 'waiting', 'quarantined', 'missing', 'extra', 'doubled', 'different', 'dangling'];
    const differing = tables.filter((table) => kinds.some((kind) => table[kind] !== 0));
    if (differing.length === 0) return differing;
    // Status is to find it by itself.
    await this.site.ingested.delete(verifiedKey);
    throw makeDifferenceError(differing, await this.json<AskedStatus>('status'));
  }

  /** Stops it, and starts another one in its folder. */
  async startAgain(options: StartOptions = {}): Promise<OperatedStack> {
    await this.release();
    return OperatedStack.#startIn(this.data, options);
  }

  /** Stops the stack and keeps its folder as it is. */
  release(): Promise<void> {
    this.#stopped ??= this.#endAll();
    return this.#stopped;
  }

  async stop(): Promise<void> {
    await this.release();
    fs.rmSync(this.data, { recursive: true, force: true });
  }

  async #endAll(): Promise<void> {
    for (const client of this.#clients.values()) await (await client).end();
    await this.#pipeline.stop();
  }

  /** One query after the other, and one connection for all: opening one costs both sides CPU time, most of it for the password. */
  async #query<T>(url: string, sql: string): Promise<T[]> {
    const known = this.#clients.get(url) ?? connect(url, 'source');
    this.#clients.set(url, known);
    const before = this.#asked.get(url);
    const asked = known.then(async (client): Promise<unknown> => {
      await before?.catch(() => {});
      return client.query({ text: sql, queryMode: 'simple' } as { text: string });
    });
    this.#asked.set(url, asked);
    const result = await asked;
    const last = (Array.isArray(result) ? result.at(-1) : result) as { rows: T[] };
    return last.rows;
  }
}

/** Makes the embedded databases with a shop of their own: a run fills the source only where it finds no table. */
async function openSmallShop(data: string): Promise<void> {
  const stack = await startStack({ data });
  try {
    const shop = await connect(stack.shopUrl ?? '', 'source');
    await fillSampleShop(shop, { orders: 1000 }).finally(() => shop.end());
  } finally {
    await stack.stop();
  }
}

function makeFolder(): string {
  const data = fs.mkdtempSync(join(tmpdir(), 'starlift-operator-'));
  // Postgres runs as another user where the tests are root, and must pass through.
  fs.chmodSync(data, 0o711);
  return data;
}
