import { projectFolderOf } from '../configuration/find-project-file.ts';
import { readSettings } from '../configuration/settings.ts';
import { stageName } from '../configuration/stage-name.ts';
import { loadModel } from '../project/load-model.ts';
import type { Site } from '../site/site.ts';
import type { StageName } from '../site/stage/open-stage.ts';
import { parseVias } from '../site/stage/via.ts';
import { UsageError } from '../terminal/usage-error.ts';

export type OptionValues = Record<string, string | boolean | undefined>;

const databasesOfItsOwn = ['data', 'source', 'warehouse'];

/**
 * Reads --stage, --region, and the tunnels to its databases.
 *
 * @param excluded options that make no sense together with --stage
 * @returns undefined where no stage is named
 * @throws {UsageError} --stage together with one of them, another option without --stage, a name that no stage can have, or
 * a tunnel without a port
 */
export function parseStage(
  values: OptionValues,
  excluded: readonly string[] = databasesOfItsOwn,
): StageName | undefined {
  const [stage, region] = [textOption(values.stage), textOption(values.region)];
  if (stage === undefined) {
    const other = ['region', 'via', 'via-source'].find((option) => values[option] !== undefined);
    if (other !== undefined) throw new UsageError(`--${other} is only for --stage`);
    return undefined;
  }
  const other = excluded.find((option) => values[option] !== undefined && values[option] !== false);
  if (other !== undefined) {
    throw new UsageError(
      `--${other} cannot be combined with --stage: a stage has its own databases, data and schedule`,
    );
  }
  if (!stageName.test(stage)) {
    throw new UsageError(
      `--stage ${stage} is not a stage name (expected up to 12 lower-case letters and digits, a letter first)`,
    );
  }
  return { stage, region, via: parseVias(values) };
}

/**
 * Reads --stage and --region of a command that works on a stage alone.
 *
 * @param purpose what the stage is named for, such as `to deploy`
 * @throws {UsageError} as `parseStage`, or no stage is named
 */
export function requireStage(
  values: OptionValues,
  purpose: string,
  excluded: readonly string[] = databasesOfItsOwn,
): StageName {
  const stage = parseStage(values, excluded);
  if (stage === undefined) throw new UsageError(`--stage is missing: it names the stage ${purpose}`);
  return stage;
}

/** Opens what the options name, and lets go of it when the work has ended, however it ends. */
export async function withSite<T>(values: OptionValues, work: (site: Site) => Promise<T>): Promise<T> {
  const load = () => loadModel(projectFolderOf(values));
  const stage = parseStage(values);
  if (stage !== undefined) return (await import('../site/stage/open-stage.ts')).withStage(stage, load, work);
  const { data, source, warehouse, given } = await readSettings({ values });
  const { openEmbeddedSite } = await import('../site/embedded/embedded-site.ts');
  const site = await openEmbeddedSite({ data, source, warehouse, loadModel: load }, given);
  try {
    return await work(site);
  } finally {
    await site.release();
  }
}

export const textOption = (value: string | boolean | undefined): string | undefined =>
  typeof value === 'string' ? value : undefined;
