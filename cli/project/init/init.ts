import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type pg from 'pg';
import { projectFileName } from '../../configuration/find-project-file.ts';
import { type Finding, refuseFindings } from '../../configuration/yaml-file.ts';
import { UsageError } from '../../terminal/usage-error.ts';
import { lockCatalogue, pruneLock, readCatalogue } from '../catalogue/read-catalogue.ts';
import { judgeProject } from '../check/judge.ts';
import { defaultSchemaOf } from '../compile/source-tables.ts';
import { type Lock, writeLock } from '../files/lock-file.ts';
import { type Project, readProject } from '../files/read-project.ts';
import { findOwnTables, type WarehousePlace } from '../own-tables.ts';
import { chooseSchemas } from './choose-schemas.ts';
import { type Classified, classify } from './classify.ts';
import { extendProject } from './extend-project.ts';
import { type LeftOut, type OfferedTable, offerTables } from './offer-tables.ts';
import { makeNamer, nameCandidates, type PlannedTable, planCopy, planTable } from './plan-tables.ts';
import { findReferences, isWithinCalendar, makeProver, type Prover, type References } from './references.ts';
import { fileNameOf, writeProjectFile, writeTableFile } from './write-files.ts';

export interface InitOptions {
  source: pg.Client;
  folder: string;
  /** What a new starlift.yml names as the source; SOURCE_URL where it is undefined. */
  sourceUrl?: string | undefined;
  /** Undefined for those of the project, else for those that have tables. */
  schemas: readonly string[] | undefined;
  /** Copy every table as it is. */
  isMirror: boolean;
  /** The schema of the warehouse's tables; of a new project it is written down. 'public' */
  warehouseSchema?: string;
  /** Where it is known, a copy onto the source's own tables is refused. */
  warehouse?: pg.Client | undefined;
}

/** What init has made of the tables of a source. */
export interface InitOutcome {
  schemas: readonly string[];
  /** Schemas with tables that the project does not read. */
  otherSchemas: readonly string[];
  written: readonly PlannedTable[];
  folded: readonly Classified[];
  leftOut: readonly LeftOut[];
  /** Lines that were added to files that were there, as sentences. */
  added: readonly string[];
  /** What the project still has to be told. */
  findings: readonly Finding[];
  isNew: boolean;
}

/**
 * Writes a project for the tables of a source, or adds to one what is new.
 *
 * @throws {UsageError} the folder's project cannot be read, the source has no tables, or a table would be copied onto itself
 */
export async function initProject({
  source,
  folder,
  sourceUrl,
  schemas: wanted,
  isMirror,
  warehouseSchema = 'public',
  warehouse,
}: InitOptions): Promise<InitOutcome> {
  const existing = openProject(folder);
  const { schemas, others } = await chooseSchemas(source, wanted, existing);
  const catalogue = await readCatalogue(source, schemas);
  const { offered, leftOut } = offerTables(catalogue, schemas);
  if (offered.length === 0 && existing === undefined) {
    throw new UsageError(describeNothing(schemas.join(', '), leftOut));
  }
  const known = new Set([...(existing?.lock.offered ?? []), ...sourceTablesOf(existing)]);
  const prover = makeProver(source);
  const references: References = isMirror ? new Map() : await findReferences(prover, offered);
  const classified = classify(
    offered,
    references,
    decidedBy(existing),
    (existing?.tables ?? []).length === 0,
  );
  const { planned, calendar } = await planTables(classified, { existing, isMirror, prover });
  const fresh = planned.filter(({ table }) => !known.has(table.name));

  if (warehouse !== undefined)
    await assertNotOntoSource(fresh, { source, warehouse, schema: warehouseSchema });
  if (existing === undefined) {
    writeProjectFile(folder, { sourceUrl, schemas, warehouseSchema, calendar, tables: offered, leftOut });
  }
  const files = new Set(listTables(folder));
  for (const table of fresh) writeTableFile(folder, chooseFile(table.name, files), table);
  const added =
    existing === undefined ? [] : extendProject(existing, { planned, offered, leftOut, calendar });
  const offeredNames = new Set([...known, ...offered.map(({ name }) => name)]);
  const findings = lockProject(folder, lockCatalogue(catalogue, schemas, [...offeredNames]));
  return {
    schemas,
    otherSchemas: others,
    written: fresh,
    folded: classified.filter(({ kind, table }) => kind === 'folded' && !known.has(table.name)),
    leftOut,
    added,
    findings,
    isNew: existing === undefined,
  };
}

/** @throws {UsageError} source and warehouse are one database, and a table would be copied onto one that is read */
async function assertNotOntoSource(planned: readonly PlannedTable[], place: WarehousePlace): Promise<void> {
  const sources = planned.map(({ table }) => ({ schema: table.schema, table: table.table, joins: [] }));
  const [own] = await findOwnTables({ sources, tables: planned }, place);
  if (own === undefined) return;
  throw new UsageError(
    `${own} would be copied into the table ${place.schema}.${own} that it is read from, because source and warehouse are one ` +
      'database: give the copies a schema of their own: WAREHOUSE_SCHEMA=star npx starlift init --mirror',
  );
}

function openProject(folder: string): Project | undefined {
  if (!existsSync(join(folder, projectFileName))) {
    const [stray] = listTables(folder);
    if (stray === undefined) return undefined;
    throw new UsageError(`${folder} has ${stray} and no ${projectFileName}: choose another folder by --dir`);
  }
  const { project, findings } = readProject(folder);
  if (project === undefined || findings.length > 0) throw refuseFindings(findings);
  return project;
}

function listTables(folder: string): string[] {
  const path = join(folder, 'tables');
  return existsSync(path) ? readdirSync(path).map((name) => `tables/${name.toLowerCase()}`) : [];
}

function describeNothing(schemas: string, leftOut: readonly LeftOut[]): string {
  const reasons = leftOut.map(({ name, reason }) => `\n  ${name}: ${reason}`);
  return `the source has no table in ${schemas} that can be captured${reasons.join('')}`;
}

function sourceTablesOf(project: Project | undefined): string[] {
  if (project === undefined) return [];
  const prefix = `${defaultSchemaOf(project.contents)}.`;
  return project.tables.map(({ contents: { from } }) =>
    from.startsWith(prefix) ? from.slice(prefix.length) : from,
  );
}

/** What the files of a project have decided. */
function decidedBy(project: Project | undefined): Map<string, 'fact' | 'dimension'> {
  const names = sourceTablesOf(project);
  return new Map(
    (project?.tables ?? []).map(({ contents }, index) => [
      names[index] ?? '',
      contents.fact === undefined ? 'dimension' : 'fact',
    ]),
  );
}

interface PlanContext {
  existing: Project | undefined;
  isMirror: boolean;
  prover: Prover;
}

/** A plan for every table, also for those that have a file: a column that is new to them is written from it. */
async function planTables(
  classified: readonly Classified[],
  { existing, isMirror, prover }: PlanContext,
): Promise<{ planned: PlannedTable[]; calendar: string | undefined }> {
  const sources = sourceTablesOf(existing);
  const files = existing?.tables ?? [];
  const nameOf = ({ contents }: (typeof files)[number]) =>
    contents.fact ?? contents.dimension ?? contents.table ?? '';
  const known = existing?.contents.warehouse?.calendar;
  const choose = makeNamer([...files.map(nameOf), ...(known === undefined ? [] : [known])]);
  if (isMirror) {
    const planned = classified.map(({ table }) => planCopy(table, choose(...nameCandidates('', table))));
    return { planned, calendar: known };
  }
  const calendar = known ?? choose('dim_date', 'dim_calendar');
  const dimensions = new Map<OfferedTable, string>();
  const names = new Map<OfferedTable, string>();
  for (const { table, kind } of classified) {
    if (kind === 'folded') continue;
    const index = sources.indexOf(table.name);
    const file = index === -1 ? undefined : files[index];
    const name =
      file === undefined
        ? choose(...nameCandidates(kind === 'fact' ? 'fact_' : 'dim_', table))
        : nameOf(file);
    names.set(table, name);
    // A dimension by another key cannot be named by this one; one that was not wanted cannot be named at all.
    const isThere = file?.contents.dimension !== undefined && file.contents.key === undefined;
    const isOffered = file === undefined && existing?.lock.offered.includes(table.name) !== true;
    if (kind === 'dimension' && (isThere || isOffered)) dimensions.set(table, name);
  }
  const all = new Map(classified.map((each) => [each.table, each]));
  const planned: PlannedTable[] = [];
  for (const each of classified) {
    const name = names.get(each.table);
    if (name === undefined) continue;
    const isDated = each.event !== undefined && (await isWithinCalendar(prover, each.table, each.event));
    const event = isDated ? each.event : undefined;
    const dimensionOf = (table: OfferedTable) => dimensions.get(table);
    planned.push(planTable(each, name, { dimensionOf, calendar }, all, event));
  }
  return { planned, calendar: usesCalendar(planned, calendar) ? calendar : known };
}

const usesCalendar = (tables: readonly PlannedTable[], calendar: string): boolean =>
  tables.some(({ columns }) => columns?.some(({ references }) => references === calendar));

function chooseFile(table: string, files: Set<string>): string {
  const file = fileNameOf(table);
  for (let number = 1; ; number++) {
    const candidate = number === 1 ? file : file.replace(/\.yml$/, `_${number}.yml`);
    if (files.has(candidate.toLowerCase())) continue;
    files.add(candidate.toLowerCase());
    return candidate;
  }
}

/** Writes the part of a lock that the project in a folder reads, and says what is wrong with the project. */
export function lockProject(folder: string, lock: Lock): Finding[] {
  const { project, findings } = readProject(folder);
  if (project === undefined) return findings;
  const compiled = judgeProject({ ...project, lock });
  writeLock(folder, pruneLock(lock, compiled.reads));
  // A lock that was missing is there now.
  return [...readProject(folder).findings, ...compiled.findings];
}
