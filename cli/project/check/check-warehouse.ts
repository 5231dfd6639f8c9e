import type pg from 'pg';
import type { Model } from '../../../shared/model/model.ts';
import { quoteIdentifier } from '../../../shared/postgres/identifier.ts';
import { findForeignTables } from '../../../shared/warehouse/ensure-warehouse.ts';
import { projectFileName } from '../../configuration/find-project-file.ts';
import { type Finding, findingAt } from '../../configuration/yaml-file.ts';
import type { Project } from '../files/read-project.ts';
import { describeOwnTable, findOwnTables } from '../own-tables.ts';

export interface WarehouseToCheck {
  warehouse: pg.Client;
  /** Undefined where nothing names one. */
  source: pg.Client | undefined;
  schema: string;
}

/** Finds what keeps the tables of a model from being made or loaded where the project wants them. */
export async function compareWithWarehouse(
  project: Project,
  model: Model,
  { warehouse, source, schema }: WarehouseToCheck,
): Promise<Finding[]> {
  const own = source === undefined ? [] : await findOwnTables(model, { source, warehouse, schema });
  if (own.length > 0) return own.map((table) => findingOf(table, project, describeOwnTable(table, schema)));
  const foreign = await findForeignTables(warehouse, model, schema);
  const lacking = await findLackingRights(warehouse, schema);
  return [
    ...[...foreign].map(([table, { message }]) => findingOf(table, project, message)),
    ...lacking.map((message) => ({ file: projectFileName, message })),
  ];
}

function findingOf(table: string, { tables }: Project, message: string): Finding {
  for (const { file, contents } of tables) {
    const kind = (['fact', 'dimension', 'table'] as const).find((key) => contents[key] === table);
    if (kind !== undefined) return findingAt(file, [kind], message);
  }
  return { file: projectFileName, message };
}

const ledgerSchema = 'starlift';

/** The first run makes the schemas and their tables; later ones only change what is theirs. */
async function findLackingRights(warehouse: pg.Client, schema: string): Promise<string[]> {
  const { rows } = await warehouse.query<{
    schema: string;
    isThere: boolean;
    mayMake: boolean;
    role: string;
    database: string;
  }>(
    `select wanted.schema, n.oid is not null as "isThere", current_user as role, current_database() as database,
            case when n.oid is null then has_database_privilege(current_database(), 'create')
                 else has_schema_privilege(n.oid, 'create') and has_schema_privilege(n.oid, 'usage') end as "mayMake"
       from unnest($1::text[]) wanted (schema) left join pg_namespace n on n.nspname = wanted.schema`,
    [[...new Set([schema, ledgerSchema])]],
  );
  return rows
    .filter(({ mayMake }) => !mayMake)
    .map(({ schema: name, isThere, role, database }) =>
      isThere
        ? `this user may not make tables in the schema ${name} of the warehouse: grant create, usage on schema ${quoteIdentifier(name)} to ${quoteIdentifier(role)}`
        : `this user may not make the schema ${name} in the warehouse: grant create on database ${quoteIdentifier(database)} to ${quoteIdentifier(role)}`,
    );
}
