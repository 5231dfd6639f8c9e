import { availableParallelism } from 'node:os';
import type pg from 'pg';
import { loadSampleFill, sampleTableNames } from '../../models/built-in.ts';
import { makeNotify } from '../../shared/events.ts';
import { settleRebuilds } from '../../shared/ledger/rebuild.ts';
import type { ModelDefinition } from '../../shared/model/define.ts';
import {
  makeModelReader,
  type PublishedModel,
  readDefinition,
} from '../../shared/records/published-model.ts';
import { adoptModel, noteModel } from '../../shared/warehouse/adopt-model.ts';
import { prepareWarehouse, type RefusedTables } from '../../shared/warehouse/ensure-warehouse.ts';
import { rememberConnections, rememberModel } from '../configuration/remembered.ts';
import { connect } from '../database/connect.ts';
import { bindFolder, findBinding } from '../embedded/bind.ts';
import { stage } from '../embedded/resources.ts';
import { type LookOptions, type Services, startServices } from '../embedded/services.ts';
import { type Stack, type StackOptions, startStack } from '../embedded/stack.ts';
import { assembleProject, type LoadedDefinition } from '../project/load-model.ts';
import { assertNotOwnTables } from '../project/own-tables.ts';
import { putProjectInForce } from '../project/publish-project.ts';
import { describeBackfill, sendBackfill } from '../replay/backfill.ts';
import { dataSelector, makeEmbeddedSite, type WorkingStack } from '../site/embedded/embedded-site.ts';
import { readClock } from '../site/ledger.ts';
import { describeError } from '../status/evidence/ask.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { UsageError } from '../terminal/usage-error.ts';
import { formatCount } from '../terminal/wording.ts';
import {
  makeContinuityCheck,
  makeNoteDrained,
  noteBegin,
  noteEnd,
  resumeWhatIsLost,
  sendMissing,
} from './carry-on.ts';
import { connectNamed, connectSource, type NamedConnections } from './connect-named.ts';
import { makeOutageWatch, type OutageWatch } from './outage-watch.ts';
import { checkWarehouse, type Finding } from './report/check-tables.ts';
import { makeServiceLog } from './service-log.ts';

/** A stack with its services running; it takes any number of runs until it is stopped. */
export interface Pipeline extends WorkingStack {
  /** Checks that the warehouse still has what was loaded: called before a plan, and when a run is done. */
  checkLedger(): Promise<void>;
  /**
   * Checks that the star tables hold what was loaded into them, and can be loaded.
   *
   * @param isAgain whether to look once more at what was looked at when the pipeline started
   */
  checkTables(options?: { isAgain: boolean }): Promise<Finding[]>;
  /** Prints outages as they begin and end, and has the messages that waited for one go on at once. */
  outages: OutageWatch;
  /** Goes over to a model that was published meanwhile, with the warehouse's tables. */
  followModel(): Promise<void>;
  /**
   * Replaces a connection to the warehouse that was lost, for example by a restart, or is half-open. Where the warehouse
   * refuses, that is noted as its outage.
   *
   * @throws {UsageError} it refuses
   */
  renewConnection(): Promise<void>;
  stop(): Promise<void>;
}

// A worker keeps one core busy, and the two databases about as much.
const coresPerWorker = 2;

interface WarehouseOptions {
  schema: string;
  foreignKeys: 'declared' | 'enforced';
}

export interface PipelineOptions extends StackOptions {
  /** The model that the run publishes. */
  definition: ModelDefinition;
  /** The model in force stays so, whatever the project says. */
  keepsModel?: boolean;
  /** The folder of its project; absent for the sample shop's model. */
  projectFolder?: string | undefined;
  /** See ServiceOptions. */
  censusFloorSeconds?: number;
  /** See ServiceOptions. */
  looking?: LookOptions;
  /** Connections to the user's databases, if they were begun already. */
  named?: Promise<NamedConnections>;
}

/**
 * Starts everything that a run needs. Anything that cannot work is found before anything is written.
 *
 * @throws {UsageError | StackError | TerminalError} one line that names what is wrong
 */
export async function startPipeline(options: PipelineOptions, terminal: Terminal): Promise<Pipeline> {
  const target = readWarehouseOptions(process.env);
  const model = assembleProject(options.definition);
  const named = await (options.named ?? connectNamed(options, model));
  const undo: (() => Promise<unknown>)[] = [() => named.end()];
  const stop = () => undoAll(undo);
  let broken: AbortSignal | undefined;
  try {
    const stack = await startStack({
      ...options,
      // It takes seconds, and the user is waiting.
      onMakeCluster: () => terminal.info(`Making the embedded databases in ${options.data}, once.`),
    });
    broken = stack.broken;
    let services: Services | undefined;
    let hasBegun = false;
    undo.push(() => stopWork(stack, services, () => hasBegun));
    // Workers take a moment to start: they do so while the shop is filled and the warehouse is checked.
    const working = startStackServices(
      stack,
      {
        ...target,
        censusFloorSeconds: options.censusFloorSeconds ?? 0,
        ...(options.looking && { looking: options.looking }),
      },
      terminal,
    );
    services = working;
    if (stack.shopUrl !== undefined) await fillEmptyShop(stack.shopUrl, terminal);
    const warehouse = named.warehouse ?? (await connect(stack.warehouseUrl, 'warehouse'));
    const readModel = makeModelReader(stack.ingested);
    const look = makeContinuityCheck({
      ingested: stack.ingested,
      model: () => pipeline.model,
      sendMissing: () => sendMissing(stack, pipeline.model, pipeline.warehouse),
      info: terminal.info,
    });
    const pipeline: Pipeline = {
      stack,
      model,
      services: working,
      warehouse,
      warehouseSchema: target.schema,
      countedUntil: '',
      checkLedger: async () => {
        await look(pipeline.warehouse);
        await settleRebuilds(pipeline.warehouse, { ...stack, model: pipeline.model });
      },
      checkTables: async ({ isAgain } = { isAgain: false }) => {
        // Somebody may have put it right since, or dropped the ledger.
        if (isAgain || refused.size > 0)
          refused = await prepareWarehouse(pipeline.warehouse, pipeline.model, {
            ...target,
            deferKeys: true,
          });
        return checkWarehouse({ ...pipeline, selector: dataSelector(stack.folder.path) }, refused);
      },
      outages: makeOutageWatch({
        ingested: stack.ingested,
        notify: makeNotify(stack.clients.eventBridge, stage),
        ask: async (side) => {
          const url = side === 'source' ? stack.sourceUrl : stack.warehouseUrl;
          await (await connect(url, side)).end();
        },
        wake: (side) => working.wake(side === 'source' ? 'extract' : 'load'),
        info: (line) => terminal.info(line),
      }),
      followModel: async () => {
        const published = await readModel({ isFresh: true });
        if (published.model === pipeline.model || published.hash === inForce.hash) return;
        refused = await goOverTo(pipeline.warehouse, published, { ...target, ingested: stack.ingested });
        pipeline.model = published.model;
        inForce = published;
      },
      renewConnection: () => renewConnection(pipeline),
      stop,
      noteDrained: makeNoteDrained(stack.folder),
    };
    undo.push(() => pipeline.warehouse.end());
    const source = named.source ?? (await connectSource(stack.sourceUrl, model));
    const prepared = await prepareDatabases(
      stack,
      {
        source,
        warehouse,
        project: { definition: options.definition, folder: options.projectFolder },
        keepsModel: options.keepsModel === true,
      },
      target,
    ).finally(() => source.end());
    let { refused, publication: inForce } = prepared;
    pipeline.model = inForce.model;
    rememberConnections(stack.folder, stack.named, { schema: target.schema, project: options.projectFolder });
    await resumeWhatIsLost(stack, { model: pipeline.model, warehouse }, terminal);
    const backfill = await sendBackfill(makeEmbeddedSite(pipeline), inForce);
    if (backfill.tables.length > 0) terminal.info(describeBackfill(backfill));
    await pipeline.checkLedger();
    noteBegin(stack.folder);
    hasBegun = true;
    // The first report includes what a killed run left on the queues.
    pipeline.countedUntil = await readClock(warehouse);
    working.start();
    return pipeline;
  } catch (error) {
    const reason = broken?.aborted === true ? broken.reason : error;
    await stop().catch((failure: unknown) => {
      // On a full disk more fails, for the same reason.
      if (broken?.aborted !== true) throw failure;
    });
    throw reason;
  }
}

function readWarehouseOptions({
  WAREHOUSE_SCHEMA,
  WAREHOUSE_FOREIGN_KEYS,
}: NodeJS.ProcessEnv): WarehouseOptions {
  const [schema, foreignKeys] = [WAREHOUSE_SCHEMA || 'public', WAREHOUSE_FOREIGN_KEYS || 'declared'];
  if (foreignKeys === 'declared' || foreignKeys === 'enforced') return { schema, foreignKeys };
  throw new UsageError(`WAREHOUSE_FOREIGN_KEYS is ${foreignKeys}: use declared or enforced`);
}

/** Undoes the latest step first. A step that fails does not keep the others from being undone. */
async function undoAll(steps: readonly (() => Promise<unknown>)[]): Promise<void> {
  const failures: unknown[] = [];
  for (const step of steps.toReversed()) {
    await step().catch((error: unknown) => failures.push(error));
  }
  if (failures.length > 0) throw failures[0];
}

/** Freeing a worker's memory takes as long as closing the cloud: neither waits for the other. */
async function stopWork(
  stack: Stack,
  services: Services | undefined,
  hasBegun: () => boolean,
): Promise<void> {
  const onClosed = () => {
    if (hasBegun() && !stack.broken.aborted) noteEnd(stack.folder);
  };
  try {
    await services?.release();
  } finally {
    await Promise.all([services?.endWorkers(), stack.stop(onClosed)]);
  }
}

function startStackServices(
  stack: Stack,
  {
    schema,
    foreignKeys,
    ...options
  }: WarehouseOptions & { censusFloorSeconds: number; looking?: LookOptions },
  terminal: Terminal,
): Services {
  const tell = makeServiceLog(terminal.info);
  return startServices(stack.cloud, {
    sourceRestart: stack.shopUrl === undefined ? 'identity' : 'trusted',
    warehouseSchema: schema,
    foreignKeys,
    ...options,
    workers: Math.max(1, Math.floor(availableParallelism() / coresPerWorker)),
    onLog: (line) => {
      // The command ends with the reason; later failures of a broken stack add nothing.
      if (stack.broken.aborted) return;
      if (process.env.STARLIFT_DEBUG) terminal.info(line);
      else tell(line);
    },
  });
}

/** Fills the embedded source with the sample shop, once, in one transaction: a kill leaves nothing half-done. */
async function fillEmptyShop(shopUrl: string, terminal: Terminal): Promise<void> {
  const shop = await connect(shopUrl, 'source');
  try {
    // Any one of the tables is enough: the run itself reports a table that was dropped later.
    const { rowCount } = await shop.query(
      `select from pg_class where relnamespace = 'public'::regnamespace and relname = any ($1) limit 1`,
      [sampleTableNames],
    );
    if (rowCount !== 0) return;
    // Only the first run needs faker's names and addresses, which are slow to load.
    const { fillSampleShop } = await loadSampleFill();
    const filled = await fillSampleShop(shop, {});
    const total = Object.values(filled).reduce((sum, count) => sum + count, 0);
    terminal.info(`The sample shop has opened: ${formatCount(total)} rows of a year's trade.`);
  } finally {
    await shop.end();
  }
}

interface OpenedDatabases {
  source: pg.Client;
  warehouse: pg.Client;
  project: LoadedDefinition;
  keepsModel: boolean;
}

/**
 * Puts the model in force and the warehouse's tables right, once both databases are known to be the folder's.
 *
 * @returns the model in force, and the star tables that cannot be loaded as they are; the others can
 */
async function prepareDatabases(
  stack: Stack,
  { source, warehouse, project, keepsModel }: OpenedDatabases,
  options: WarehouseOptions,
): Promise<{ publication: PublishedModel; refused: RefusedTables }> {
  const { schema } = options;
  const { ingested } = stack;
  await assertNotOwnTables(assembleProject(project.definition), { source, warehouse, schema });
  const binding = await findBinding(stack, { source, warehouse, schema });
  const publication = await putProjectInForce(ingested, warehouse, { project, keepsModel });
  rememberModel(stack.folder.path, publication.definition);
  const refused = await goOverTo(warehouse, publication, { ...options, ingested }, () =>
    bindFolder(stack.folder, binding, warehouse),
  );
  return { publication, refused };
}

/** @param beforeNoted is called once the tables are there */
async function goOverTo(
  warehouse: pg.Client,
  published: PublishedModel,
  { ingested, ...options }: WarehouseOptions & { ingested: Stack['ingested'] },
  beforeNoted: () => Promise<void> = async () => {},
): Promise<RefusedTables> {
  const { schema } = options;
  const readOther = (hash: string) => readDefinition(ingested, hash);
  // The pointer is right, whatever number the warehouse remembers.
  const looked = Number.POSITIVE_INFINITY;
  await adoptModel(warehouse, published, { schema, readDefinition: readOther, looked });
  const refused = await prepareWarehouse(warehouse, published.model, { ...options, deferKeys: true });
  await beforeNoted();
  if (refused.size === 0) await noteModel(warehouse, published);
  return refused;
}

const answerWithinMs = 5000;

async function renewConnection(pipeline: Pick<Pipeline, 'warehouse' | 'stack' | 'outages'>): Promise<void> {
  const { warehouse, outages } = pipeline;
  try {
    await warehouse.query({ text: 'select', query_timeout: answerWithinMs } as pg.QueryConfig);
  } catch {
    warehouse.end().catch(() => {});
    try {
      pipeline.warehouse = await connect(pipeline.stack.warehouseUrl, 'warehouse');
    } catch (error) {
      if (!outages.isOut('warehouse')) await outages.noteRefusal('warehouse', describeError(error));
      throw error;
    }
  }
}
