import type pg from 'pg';
import { connect } from '../database/connect.ts';
import { assertUrls } from '../database/database-url.ts';
import { openStack } from '../embedded/open-stack.ts';
import type { OperatorTarget } from '../site/site.ts';
import type { StageName } from '../site/stage/open-stage.ts';
import { UsageError } from '../terminal/usage-error.ts';

/** The options that name a deployed stage. */
export const stageOptions = { stage: { type: 'string' }, region: { type: 'string' } } as const;

/** The options by which a command is told what to work on: a data folder, or a deployed stage. */
export const targetOptions = {
  ...stageOptions,
  data: { type: 'string' },
  source: { type: 'string' },
  warehouse: { type: 'string' },
  json: { type: 'boolean', default: false },
} as const;

export const targetUsage = '[--data DIR | --stage NAME [--region R]] [--json]';

export type OptionValues = Record<string, string | boolean | undefined>;

const databasesOfItsOwn = ['data', 'source', 'warehouse'];

/**
 * Reads --stage and --region.
 *
 * @param excluded options that make no sense beside --stage
 * @returns undefined where no stage is named
 * @throws {UsageError} --stage beside one of them, --region without it, or a name that no stage can have
 */
export function parseStage(
  values: OptionValues,
  excluded: readonly string[] = databasesOfItsOwn,
): StageName | undefined {
  const [stage, region] = [textOption(values.stage), textOption(values.region)];
  if (stage === undefined) {
    if (region !== undefined) throw new UsageError('--region belongs to --stage');
    return undefined;
  }
  const other = excluded.find((option) => values[option] !== undefined && values[option] !== false);
  if (other !== undefined) {
    throw new UsageError(
      `--${other} makes no sense beside --stage: a stage has databases, data and a schedule of its own`,
    );
  }
  if (!/^[a-z][a-z0-9]{0,11}$/.test(stage)) {
    throw new UsageError(`--stage ${stage} is no stage's name: up to 12 lower-case letters and digits`);
  }
  return { stage, region };
}

/** Opens what the options name, and lets go of it when the work has ended, however it ends. */
export async function withTarget<T>(
  values: OptionValues,
  work: (target: OperatorTarget) => Promise<T>,
): Promise<T> {
  const stage = parseStage(values);
  if (stage !== undefined) return (await import('../site/stage/open-stage.ts')).withStage(stage, work);
  const { defaultFolder, openEmbeddedTarget } = await import('../site/embedded/embedded-site.ts');
  const target = await openEmbeddedTarget({
    data: textOption(values.data) ?? defaultFolder,
    source: textOption(values.source),
    warehouse: textOption(values.warehouse),
  });
  try {
    return await work(target);
  } finally {
    await target.release();
  }
}

export const textOption = (value: string | boolean | undefined): string | undefined =>
  typeof value === 'string' ? value : undefined;

/** The two databases that a command works on. The caller ends the clients. */
export interface Databases {
  source(): Promise<pg.Client>;
  warehouse(): Promise<pg.Client>;
  /** The schema of the star schema's tables. */
  warehouseSchema: string;
}

/**
 * Opens the databases that the options name: a stage's, those of the URLs, else those of the data folder's stack.
 *
 * @param urls of databases of the user's own
 * @throws {UsageError | StackError} the stage cannot be found, or the folder's stack cannot be started
 */
export async function withDatabases<T>(
  values: OptionValues,
  { source, warehouse }: { source?: string | undefined; warehouse?: string | undefined },
  work: (databases: Databases) => Promise<T>,
): Promise<T> {
  const name = parseStage(values, [
    'data',
    ...(source === undefined ? [] : ['source']),
    ...(warehouse === undefined ? [] : ['warehouse']),
  ]);
  if (name !== undefined) return (await import('../site/stage/open-stage.ts')).withStage(name, work);
  const { openDatabases } = await import('./site-options.ts');
  const urls = await openDatabases({ source, warehouse, data: textOption(values.data) });
  try {
    return await work({
      source: () => connect(urls.sourceUrl, 'source'),
      warehouse: () => connect(urls.warehouseUrl, 'warehouse'),
      warehouseSchema: process.env.WAREHOUSE_SCHEMA || 'public',
    });
  } finally {
    await urls.release();
  }
}

/** The two databases, and what must be let go of when the work is done. */
export interface DatabaseUrls {
  sourceUrl: string;
  warehouseUrl: string;
  release(): Promise<void>;
}

export interface DatabaseOptions {
  source?: string | undefined;
  warehouse?: string | undefined;
  data?: string | undefined;
}

/**
 * Gives both databases: those named, else those of the data folder's stack.
 *
 * @throws {UsageError | StackError} a URL is none, or the folder's stack cannot be started
 */
export async function openDatabases({
  source,
  warehouse,
  data = '.starlift',
}: DatabaseOptions): Promise<DatabaseUrls> {
  assertUrls({ source, warehouse });
  if (source !== undefined && warehouse !== undefined) {
    return { sourceUrl: source, warehouseUrl: warehouse, release: async () => {} };
  }
  const stack = await openStack({ data, source, warehouse });
  return {
    sourceUrl: source ?? stack.sourceUrl,
    warehouseUrl: warehouse ?? stack.warehouseUrl,
    release: stack.release,
  };
}
