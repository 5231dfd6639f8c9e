import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { UsageError } from '../terminal/usage-error.ts';
import { parseDuration } from './duration.ts';
import { type ProjectContents, projectGrammar } from './project-grammar.ts';
import { parameterRules } from './stage-parameters.ts';
import { findingAt, formatFinding, parseYaml, refuseFindings } from './yaml-file.ts';

type Variables = Readonly<Record<string, string | undefined>>;

/** Where starlift.yml says that a project works. A value is completed from the environment when it is asked for. */
export interface ProjectFile {
  sourceUrl(): string | undefined;
  warehouseUrl(): string | undefined;
  schema: string | undefined;
  /** An absolute path: the file's are relative to its own folder. */
  data(): string | undefined;
  /** How old the warehouse may become. */
  freshnessSeconds: number | undefined;
  /** How old objects of a source table become; undefined where nothing says so. */
  expireSeconds(source: string): number | undefined;
  /** What the project says of the parameters of a stage: its warehouse's schema, what is for every stage, and the stage's own. */
  stageParameters(stage: string): Record<string, string>;
}

/**
 * Reads starlift.yml.
 *
 * @throws {UsageError} it is no YAML, has a key that there is not, or a value that cannot be: with the line
 */
export function readProjectFile(path: string, environment: Variables): ProjectFile {
  const { file, value, findings } = parseYaml(path, readFileSync(path, 'utf8'), projectGrammar);
  if (value === undefined) throw refuseFindings(findings);
  const contents: ProjectContents = value;
  const expand = (text: string | undefined, ...keys: string[]): string | undefined =>
    text?.replaceAll(/\$\{([^}]*)\}/g, (_, name: string) => {
      const found = environment[name];
      if (found !== undefined && found !== '') return found;
      const message = `${keys.join('.')} needs the environment variable ${name}, which is not set`;
      throw new UsageError(formatFinding(findingAt(file, keys, message)));
    });
  const { source, warehouse, freshness } = contents;
  return {
    sourceUrl: () => expand(source?.url, 'source', 'url'),
    warehouseUrl: () => expand(warehouse?.url, 'warehouse', 'url'),
    schema: warehouse?.schema,
    data: () => {
      const data = expand(contents.data, 'data');
      return data === undefined ? undefined : resolve(dirname(path), data);
    },
    freshnessSeconds: freshness === undefined ? undefined : parseDuration(freshness),
    expireSeconds: (name) => {
      const age = contents.sources?.[name]?.expire ?? contents.expire;
      return age === undefined ? undefined : parseDuration(age);
    },
    stageParameters: (stage) => {
      const read = (section: string) =>
        Object.entries(contents.stages?.[section] ?? {}).flatMap(([name, given]) => {
          const text = expand(given === undefined ? given : String(given), 'stages', section, name);
          if (text === undefined) return [];
          const rule = parameterRules[name];
          if (rule === undefined || rule.pattern.test(text)) return [[name, text] as const];
          const message = `stages.${section}.${name} has to be ${rule.wanted}`;
          throw new UsageError(formatFinding(findingAt(file, ['stages', section, name], message)));
        });
      const own = warehouse?.schema === undefined ? [] : [['warehouseSchema', warehouse.schema] as const];
      return Object.fromEntries([...own, ...read('default'), ...read(stage)]);
    },
  };
}
