import type pg from 'pg';
import { assembleModel } from '../../../shared/model/model.ts';
import type { Finding } from '../../configuration/yaml-file.ts';
import { lockCatalogue, pruneLock, readCatalogue } from '../catalogue/read-catalogue.ts';
import { schemasOf } from '../compile/source-tables.ts';
import { writeLock } from '../files/lock-file.ts';
import { readProject } from '../files/read-project.ts';
import { compareWithSource } from './check-source.ts';
import { compareWithWarehouse } from './check-warehouse.ts';
import { judgeProject } from './judge.ts';

export interface CheckOptions {
  folder: string;
  /** Compared with the project, where it is given. */
  source: pg.Client | undefined;
  /** Compared with the project too, where it is given. */
  warehouse?: { client: pg.Client; schema: string } | undefined;
  /** Write the lock anew from the source before the project is judged. */
  isUpdate: boolean;
}

/**
 * Finds everything that is wrong with a project, in the order of its files.
 *
 * @throws {UsageError} the lock is damaged, and is not to be written anew
 */
export async function checkProject(options: CheckOptions): Promise<Finding[]> {
  const findings = await checkFiles(options);
  const { folder, source, warehouse } = options;
  if (warehouse === undefined || findings.length > 0) return findings;
  // What does not fit together has no tables to look for.
  const { project } = readProject(folder);
  if (project === undefined) return findings;
  const model = assembleModel(judgeProject(project).definition);
  const { client, schema } = warehouse;
  return inOrder(await compareWithWarehouse(project, model, { warehouse: client, source, schema }));
}

async function checkFiles({ folder, source, isUpdate }: CheckOptions): Promise<Finding[]> {
  const { project, findings } = readProject(folder, isUpdate ? 'without lock' : 'with lock');
  if (project === undefined) return findings;
  if (source === undefined) return inOrder([...findings, ...judgeProject(project).findings]);
  const schemas = schemasOf(project.contents);
  const catalogue = await readCatalogue(source, schemas);
  if (!isUpdate) {
    const compiled = judgeProject(project);
    const compared = compareWithSource(project, compiled.reads, catalogue, schemas);
    return inOrder([...findings, ...compiled.findings, ...compared]);
  }
  const whole = lockCatalogue(catalogue, schemas, project.lock.offered);
  const compiled = judgeProject({ ...project, lock: whole });
  const lock = pruneLock(whole, compiled.reads);
  writeLock(folder, lock);
  const compared = compareWithSource({ ...project, lock }, compiled.reads, catalogue, schemas);
  return inOrder([...findings, ...compiled.findings, ...compared]);
}

const inOrder = (findings: readonly Finding[]): Finding[] =>
  findings.toSorted(
    (a, b) => (a.file < b.file ? -1 : a.file > b.file ? 1 : 0) || (a.line ?? 0) - (b.line ?? 0),
  );
