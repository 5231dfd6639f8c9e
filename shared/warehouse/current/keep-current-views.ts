import type pg from 'pg';
import { warehouseLocks } from '../../ledger/schema/ledger-schema.ts';
import { validToColumn } from '../../model/history.ts';
import type { Model } from '../../model/model.ts';
import { quoteIdentifier, quoteQualified } from '../../postgres/identifier.ts';
import { inTransaction } from '../../postgres/transaction.ts';
import { deletedByColumn } from '../warehouse-schema.ts';
import {
  type CurrentView,
  commentStatement,
  currentViewStatements,
  currentViews,
  hashOfView,
  invokersSince,
  parseViewComment,
} from './current-view.ts';

/**
 * Makes the views of current rows that are missing, makes those anew that are not as the model wants them, and grants them
 * like their tables. What this role may not do, and what somebody else has made, is left alone: `findViewFaults` has it.
 * If nothing is missing, this is one query of the catalog.
 *
 * @param client outside of a transaction
 */
export async function keepCurrentViews(client: pg.ClientBase, model: Model, schema: string): Promise<void> {
  const states = await readViews(client, model, schema);
  if (!states.some(isToDo)) return;
  await inTransaction(client, async () => {
    // Whoever has it makes them.
    const { rows } = await client.query<{ isMine: boolean }>(
      'select pg_try_advisory_xact_lock($1, $2) as "isMine"',
      [...warehouseLocks.tables],
    );
    if (rows[0]?.isMine === true) await makeCurrentViews(client, model, schema);
  });
}

/** The same in the caller's transaction, which holds the lock of `warehouseLocks.tables`. */
export async function makeCurrentViews(client: pg.ClientBase, model: Model, schema: string): Promise<void> {
  const states = await readViews(client, model, schema);
  // Everybody who reads a view waits behind a statement that waits for it.
  if (states.some(isToDo)) await client.query(`set local lock_timeout = ${lockTimeoutMs}`);
  for (const state of states.filter(isToDo)) await make(client, state);
}

/** A view that is not as the model wants it. */
export interface ViewFault {
  table: string;
  view: string;
  /**
   * - `missing`: it is not there; the next load or run makes it
   * - `outdated`: it is not as the model wants it; the next load or run changes it, unless others depend on it
   * - `forbidden`: it is not there or outdated, and this role may not make it
   * - `foreign`: somebody else has made something of that name, or has changed the view
   */
  state: 'missing' | 'outdated' | 'forbidden' | 'foreign';
  /** What the right owner runs; null where nothing has to be run by hand. */
  statement: string | null;
}

/** Asks catalogs alone: a locked table keeps it from nothing. */
export async function findViewFaults(
  client: pg.ClientBase,
  model: Model,
  schema: string,
): Promise<ViewFault[]> {
  const states = await readViews(client, model, schema);
  return states.flatMap((state): ViewFault[] => {
    const { name, table } = state.view;
    const fault = { table, view: `${schema}.${name}` };
    if (state.is === 'foreign') return [{ ...fault, state: 'foreign', statement: renameStatement(state) }];
    if (state.is !== 'missing' && state.is !== 'outdated') return [];
    if (!state.isAllowed) return [{ ...fault, state: 'forbidden', statement: grantStatement(state) }];
    return [{ ...fault, state: state.is, statement: null }];
  });
}

const lockTimeoutMs = 2000;

/** A view as the warehouse has it. */
interface ViewState {
  view: CurrentView;
  /**
   * - `none`: the table cannot have one now
   * - `ungranted`: roles that may read the table may not read it
   */
  is: 'kept' | 'missing' | 'outdated' | 'ungranted' | 'foreign' | 'none';
  /** This role may make it, or change it. */
  isAllowed: boolean;
  /** Quoted; `public` is one. */
  lacking: readonly string[];
  kind: string;
  role: string;
}

const isToDo = ({ is, isAllowed }: ViewState): boolean =>
  isAllowed && (is === 'missing' || is === 'outdated' || is === 'ungranted');

interface FoundView {
  table: string;
  tableColumns: string[] | null;
  hidesRows: boolean | null;
  /** Null where nothing has the view's name. */
  relkind: string | null;
  viewColumns: string[];
  comment: string | null;
  seal: string | null;
  readsTable: boolean;
  mayCreate: boolean;
  isOwner: boolean | null;
  lacking: string[];
  serverVersion: number;
  role: string;
}

async function readViews(client: pg.ClientBase, model: Model, schema: string): Promise<ViewState[]> {
  const wanted = currentViews(model, schema);
  const { rows } = await client.query<FoundView>(viewsQuery, [
    schema,
    wanted.map(({ table }) => table),
    wanted.map(({ name }) => name),
  ]);
  return wanted.flatMap((view) => {
    const found = rows.find(({ table }) => table === view.table);
    return found === undefined ? [] : [judge(view, found)];
  });
}

function judge(wanted: CurrentView, found: FoundView): ViewState {
  const { tableColumns, relkind, serverVersion, lacking, role } = found;
  const isMade = (column: string) => wanted.compared !== undefined && column === validToColumn;
  const has = (column: string) => tableColumns?.includes(column) === true || isMade(column);
  // Another order would need the view to be dropped, and with it what others have made of it.
  const kept = found.viewColumns.filter(has);
  const columns = [...kept, ...wanted.columns.filter((column) => !kept.includes(column))];
  const view = { ...wanted, columns, hasMarks: wanted.hasMarks && has(deletedByColumn) };
  const isAllowed = relkind === null ? found.mayCreate : found.isOwner === true;
  const state = { view, isAllowed, lacking, role, kind: relkind ?? 'v' };
  const own = relkind === 'v' ? parseViewComment(found.comment) : undefined;
  if (relkind !== null && own === undefined) return { ...state, is: 'foreign', view: wanted };
  if (isChanged(own?.seal, found.seal)) return { ...state, is: 'foreign' };
  const isPossible = columns.every(has) && (found.hidesRows !== true || serverVersion >= invokersSince);
  if (!isPossible) return { ...state, is: 'none' };
  if (own === undefined) return { ...state, is: 'missing' };
  if (own.hash !== hashOfView(view) || !found.readsTable) return { ...state, is: 'outdated' };
  return { ...state, is: lacking.length > 0 && isAllowed ? 'ungranted' : 'kept' };
}

/** A dump that was restored, or a server that was upgraded, has another form of the same definition. */
function isChanged(noted: string | undefined, now: string | null): boolean {
  const [oid, major, text] = noted?.split('.') ?? [];
  const [oidNow, majorNow, textNow] = now?.split('.') ?? [];
  return noted !== undefined && oid === oidNow && major === majorNow && text !== textNow;
}

// `pg_get_viewdef` would wait for a locked table; pg_rewrite is a catalog. A view follows a table that is renamed, so what it
// reads is compared.
const viewsQuery = `
select wanted."table", c.relkind::text as relkind, obj_description(c.oid, 'pg_class') as comment,
  t.relrowsecurity as "hidesRows",
  has_schema_privilege(n.oid, 'create') as "mayCreate", pg_has_role(c.relowner, 'usage') as "isOwner",
  current_setting('server_version_num')::int as "serverVersion", quote_ident(current_user) as role,
  (select json_agg(attname order by attnum) from pg_attribute
    where attrelid = t.oid and attnum > 0 and not attisdropped) as "tableColumns",
  coalesce((select json_agg(attname order by attnum) from pg_attribute
    where attrelid = c.oid and c.relkind = 'v' and attnum > 0), '[]') as "viewColumns",
  (select c.oid::text || '.' || current_setting('server_version_num')::int / 10000 || '.'
            || hashtextextended(ev_action::text, 0)
     from pg_rewrite where ev_class = c.oid and rulename = '_RETURN') as seal,
  exists (select from pg_rewrite r join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid
           where r.ev_class = c.oid and d.refclassid = 'pg_class'::regclass and d.refobjid = t.oid) as "readsTable",
  coalesce((select json_agg(distinct case g.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(g.grantee)) end)
     from aclexplode(coalesce(t.relacl, acldefault('r', t.relowner))) g
    where g.privilege_type = 'SELECT' and not exists (
      select from aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) h
       where h.privilege_type = 'SELECT' and h.grantee in (0, g.grantee))), '[]') as lacking
from unnest($2::text[], $3::text[]) as wanted ("table", "view")
join pg_namespace n on n.nspname = $1
join pg_class t on t.relnamespace = n.oid and t.relname = wanted."table" and t.relkind in ('r', 'p')
left join pg_class c on c.relnamespace = n.oid and c.relname = wanted."view"`;

/** What fails is as it was, and is tried again at the next look. */
async function make(client: pg.ClientBase, { view, is, lacking }: ViewState): Promise<void> {
  const { schema, name } = view;
  const quoted = quoteQualified(schema, name);
  const grants = (roles: readonly string[]) =>
    roles.length === 0 ? [] : [`grant select on ${quoted} to ${roles.join(', ')}`];
  if (is === 'ungranted') {
    await attempt(client, () => runAll(client, grants(lacking)));
    return;
  }
  const create = currentViewStatements(view);
  const seal = async () => {
    const { rows } = await client.query<FoundView>(viewsQuery, [schema, [view.table], [name]]);
    const [made] = rows;
    if (made === undefined) return;
    const comment = commentStatement(view, made.seal ?? undefined);
    await runAll(client, [comment, ...grants(made.lacking)]);
  };
  const code = await attempt(client, async () => {
    await runAll(client, create);
    await seal();
  });
  // 42P16, invalid_table_definition: a column has another type now.
  if (code !== '42P16') return;
  await attempt(client, async () => {
    const { rows } = await client.query<{ readers: string[] }>(readersQuery, [quoted]);
    await runAll(client, [`drop view ${quoted}`, ...create, ...grants(rows[0]?.readers ?? [])]);
    await seal();
  });
}

const readersQuery = `
select coalesce(json_agg(distinct case g.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(g.grantee)) end), '[]')
         as readers
  from pg_class c, aclexplode(c.relacl) g where c.oid = $1::regclass and g.privilege_type = 'SELECT'`;

async function runAll(client: pg.ClientBase, statements: readonly string[]): Promise<void> {
  if (statements.length > 0) await client.query(statements.join(';\n'));
}

/** @returns the SQLSTATE of what the server refused, and has undone; undefined where all is done */
async function attempt(client: pg.ClientBase, work: () => Promise<void>): Promise<string | undefined> {
  await client.query('savepoint current_view');
  try {
    await work();
    await client.query('release savepoint current_view');
    return undefined;
  } catch (error) {
    // Where the connection is lost this fails too.
    await client.query('rollback to savepoint current_view; release savepoint current_view');
    return (error as { code?: string }).code ?? '';
  }
}

function renameStatement({ view, kind }: ViewState): string {
  const what = {
    v: 'view',
    m: 'materialized view',
    S: 'sequence',
    f: 'foreign table',
    c: 'type',
    i: 'index',
  }[kind];
  return `alter ${what ?? 'table'} ${quoteQualified(view.schema, view.name)} rename to ${quoteIdentifier(`${view.name}_own`)}`;
}

function grantStatement({ is, view, role }: ViewState): string {
  if (is === 'missing') return `grant create on schema ${quoteIdentifier(view.schema)} to ${role}`;
  return `alter view ${quoteQualified(view.schema, view.name)} owner to ${role}`;
}
