import type pg from 'pg';

// What others have made on a table is written down as statements while the table has its name, and made anew once another
// table has that name: the statements need no change for it.

const name = "format('%I.%I', n.nspname, c.relname)";

/** A statement, and what it makes: `the view public.sales_by_day`. */
export interface Statement {
  what: string;
  sql: string;
}

/** What hangs on tables that are about to be dropped, and has to hang on those that get their names. */
export interface Dependents {
  /** Statements to run while the old tables are there. */
  take: Statement[];
  /** Statements to run once the new tables have the names. */
  put: Statement[];
  /** The same for the views of others, once the pipeline's own are there: they may stand on those. */
  putViews: Statement[];
}

/** Something that cannot be taken along, and what the user types to have it out of the way. */
export interface Obstacle {
  /** The table's oid. */
  oid: string;
  what: string;
  command: string;
}

/** Two lines: what it is, and the command that has it out of the way. */
export const describeObstacle = ({ what, command }: Pick<Obstacle, 'what' | 'command'>): string[] => [
  `    ${what}. To go on without it:`,
  `        ${command}`,
];

/** @param oids of all tables that are replaced together */
export async function readDependents(client: pg.ClientBase, oids: readonly string[]): Promise<Dependents> {
  const views = (await client.query<Found>(viewsQuery, [oids])).rows;
  const others: Found[] = [];
  for (const query of [keysQuery, indexesQuery, triggersQuery, policiesQuery, rightsQuery, commentsQuery])
    others.push(...(await client.query<Found>(query, [oids])).rows);
  const statementsOf = (found: readonly Found[], which: 'take' | 'put'): Statement[] =>
    found.flatMap(({ what, [which]: statements }) => (statements ?? []).map((sql) => ({ what, sql })));
  return {
    // A view on a view goes before it, and comes after it.
    take: [...statementsOf(views.toReversed(), 'take'), ...statementsOf(others, 'take')],
    put: statementsOf(others, 'put'),
    putViews: statementsOf(views, 'put'),
  };
}

/** Finds what nobody could make anew as it was. */
export async function findObstacles(client: pg.ClientBase, oids: readonly string[]): Promise<Obstacle[]> {
  return (await client.query<Obstacle>(obstaclesQuery, [oids])).rows;
}

/** Finds the views of others that stand on a table, or on the pipeline's view of it: its types cannot be changed below them. */
export async function findViews(client: pg.ClientBase, oid: string): Promise<Obstacle[]> {
  const { rows } = await client.query<Obstacle>(
    `with recursive ${viewsBelow}
     select distinct ($1::oid[])[1]::text as oid, format('the view %s', ${name}) as what, format('drop view %s', ${name}) as command
       from view join pg_class c on c.oid = view.oid join pg_namespace n on n.oid = c.relnamespace
      where not ${isOwn}
      order by what`,
    [[oid]],
  );
  return rows;
}

interface Found {
  what: string;
  take: string[] | null;
  put: string[] | null;
}

/** Whether a view is the pipeline's own, which makes it anew by itself. */
const isOwn = "coalesce(obj_description(c.oid, 'pg_class'), '') ~ 'Kept by Starlift \\('";

/** The views on the tables, and the views on those: each with how deep it stands. */
const viewsBelow = `
  view as (
    select c.oid, 1 as depth from pg_class c
      join pg_rewrite r on r.ev_class = c.oid
      join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid
     where d.refclassid = 'pg_class'::regclass and d.refobjid = any ($1::oid[]) and c.relkind in ('v', 'm')
       and c.oid <> all ($1::oid[])
    union
    select c.oid, view.depth + 1 from view
      join pg_depend d on d.refclassid = 'pg_class'::regclass and d.refobjid = view.oid
      join pg_rewrite r on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid
      join pg_class c on c.oid = r.ev_class
     where c.relkind in ('v', 'm') and c.oid <> view.oid
  )`;

/** The rights on a relation, but for its owner's, as grants. */
const grantsOn = (relation: string, acl: string): string => `
  (select array_agg(format('grant %s on %s to %s%s', a.privilege_type, ${relation},
            case a.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(a.grantee)) end,
            case when a.is_grantable then ' with grant option' else '' end))
     from aclexplode(${acl}) a where a.grantee <> c.relowner)`;

const viewsQuery = `
with recursive ${viewsBelow}, deepest as (select oid, max(depth) as depth from view group by oid)
select 'the view ' || ${name} as what,
       array[format('drop view %s', ${name})] as take,
       case when ${isOwn} then null else array[format('create view %s%s as %s', ${name},
               coalesce(' with (' || array_to_string(c.reloptions, ', ') || ')', ''), pg_get_viewdef(c.oid)),
             format('alter view %s owner to %I', ${name}, pg_get_userbyid(c.relowner))]
         || coalesce(${grantsOn(name, 'c.relacl')}, '{}')
         || coalesce((select array_agg(format('comment on view %s is %L', ${name}, d.description))
                        from pg_description d where d.objoid = c.oid and d.classoid = 'pg_class'::regclass and d.objsubid = 0), '{}')
       end as put
  from deepest join pg_class c on c.oid = deepest.oid join pg_namespace n on n.oid = c.relnamespace
 where c.relkind = 'v'
 order by depth, 1`;

/** Keys of tables that stay, which reference one that goes. */
const keysQuery = `
select format('the foreign key %I of %s', k.conname, ${name}) as what,
       array[format('alter table %s drop constraint %I', ${name}, k.conname)] as take,
       array[format('alter table %s add constraint %I %s', ${name}, k.conname, pg_get_constraintdef(k.oid))] as put
  from pg_constraint k join pg_class c on c.oid = k.conrelid join pg_namespace n on n.oid = c.relnamespace
 where k.contype = 'f' and k.confrelid = any ($1::oid[]) and k.conrelid <> all ($1::oid[]) and k.conparentid = 0
 order by 1`;

/** Those that are no key of the table. A key of the user's own is a constraint, and is taken along as one. */
const indexesQuery = `
select format('the index %I of %s', i.relname, ${name}) as what, null::text[] as take,
       array[pg_get_indexdef(i.oid)] as put
  from pg_index x join pg_class i on i.oid = x.indexrelid
  join pg_class c on c.oid = x.indrelid join pg_namespace n on n.oid = c.relnamespace
 where x.indrelid = any ($1::oid[]) and not exists (select from pg_constraint k where k.conindid = i.oid and k.conrelid = c.oid)
union all
select format('the constraint %I of %s', k.conname, ${name}), null,
       array[format('alter table %s add constraint %I %s', ${name}, k.conname, pg_get_constraintdef(k.oid))]
  from pg_constraint k join pg_class c on c.oid = k.conrelid join pg_namespace n on n.oid = c.relnamespace
 where k.conrelid = any ($1::oid[]) and k.contype in ('c', 'x')
order by 1`;

const triggersQuery = `
select format('the trigger %I of %s', t.tgname, ${name}) as what, null::text[] as take,
       array[pg_get_triggerdef(t.oid)]
         || case t.tgenabled when 'O' then '{}' else array[format('alter table %s %s trigger %I', ${name},
              case t.tgenabled when 'D' then 'disable' when 'R' then 'enable replica' else 'enable always' end, t.tgname)] end as put
  from pg_trigger t join pg_class c on c.oid = t.tgrelid join pg_namespace n on n.oid = c.relnamespace
 where t.tgrelid = any ($1::oid[]) and not t.tgisinternal
 order by 1`;

const policiesQuery = `
select format('the policy %I of %s', p.policyname, ${name}) as what, null::text[] as take,
       array[format('create policy %I on %s as %s for %s to %s%s%s', p.policyname, ${name}, p.permissive, p.cmd,
               (select string_agg(case r when 'public' then 'public' else quote_ident(r) end, ', ') from unnest(p.roles) r),
               coalesce(' using (' || p.qual || ')', ''), coalesce(' with check (' || p.with_check || ')', ''))] as put
  from pg_policies p
  join pg_namespace n on n.nspname = p.schemaname
  join pg_class c on c.relnamespace = n.oid and c.relname = p.tablename
 where c.oid = any ($1::oid[])
union all
select 'the row-level security of ' || ${name}, null,
       array[format('alter table %s enable row level security', ${name})]
         || case when c.relforcerowsecurity
              then array[format('alter table %s force row level security', ${name})] else '{}' end
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
 where c.oid = any ($1::oid[]) and c.relrowsecurity
order by 1`;

/** The new table may have been given rights by default. Those of its owner are the owner's own. */
const rightsQuery = `
select 'the rights on ' || ${name} as what, null::text[] as take,
       array[format('do %L', format($do$
         declare held record;
         begin
           for held in select distinct a.grantee from pg_class c, aclexplode(c.relacl) a
                        where c.oid = %L::regclass and a.grantee <> c.relowner
           loop
             execute format('revoke all on %s from %%s', case held.grantee when 0 then 'public'
                                                   else quote_ident(pg_get_userbyid(held.grantee)) end);
           end loop;
         end $do$, ${name}, ${name}))]
         || coalesce(${grantsOn(name, 'c.relacl')}, '{}')
         || coalesce((select array_agg(format('grant %s (%I) on %s to %s%s', a.privilege_type, t.attname, ${name},
              case a.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(a.grantee)) end,
              case when a.is_grantable then ' with grant option' else '' end))
              from pg_attribute t, aclexplode(t.attacl) a where t.attrelid = c.oid and t.attnum > 0), '{}')
         || case when pg_get_userbyid(c.relowner) = current_user then '{}'
              else array[format('alter table %s owner to %I', ${name}, pg_get_userbyid(c.relowner))] end as put
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
 where c.oid = any ($1::oid[])
 order by 1`;

const commentsQuery = `
select 'the comments on ' || ${name} as what, null::text[] as take,
       array_agg(case d.objsubid when 0 then format('comment on table %s is %L', ${name}, d.description)
                 else format('comment on column %s.%I is %L', ${name}, a.attname, d.description) end) as put
  from pg_description d join pg_class c on c.oid = d.objoid join pg_namespace n on n.oid = c.relnamespace
  left join pg_attribute a on a.attrelid = c.oid and a.attnum = d.objsubid
 where d.classoid = 'pg_class'::regclass and c.oid = any ($1::oid[]) and d.description !~ '^references '
 group by c.oid, n.nspname, c.relname
union all
select format('the publication %I', p.pubname), null,
       array[format('alter publication %I add table %s', p.pubname, ${name})]
  from pg_publication_rel pr join pg_publication p on p.oid = pr.prpubid
  join pg_class c on c.oid = pr.prrelid join pg_namespace n on n.oid = c.relnamespace
 where c.oid = any ($1::oid[])
order by 1`;

const obstaclesQuery = `
with recursive ${viewsBelow}
select r.oid::text as oid, format('the materialized view %s', ${name}) as what,
       format('drop materialized view %s', ${name}) as command
  from (select distinct oid from view) v
  join pg_class c on c.oid = v.oid join pg_namespace n on n.oid = c.relnamespace
  cross join (select ($1::oid[])[1] as oid) r
 where c.relkind = 'm'
union all
select r.oid::text, format('the view %s of %I', ${name}, pg_get_userbyid(c.relowner)),
       format('drop view %s', ${name})
  from (select distinct oid from view) v
  join pg_class c on c.oid = v.oid join pg_namespace n on n.oid = c.relnamespace
  cross join (select ($1::oid[])[1] as oid) r
 where c.relkind = 'v' and not pg_has_role(c.relowner, 'usage')
union all
select c.oid::text, format('%s is partitioned, has partitions or heirs, or is one', ${name}),
       format('alter table %s rename to %I', ${name}, c.relname || '_before')
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
 where c.oid = any ($1::oid[])
   and (c.relkind <> 'r' or exists (select from pg_inherits h where c.oid in (h.inhrelid, h.inhparent)))
union all
select c.oid::text, format('the rule %I of %s', w.rulename, ${name}), format('drop rule %I on %s', w.rulename, ${name})
  from pg_rewrite w join pg_class c on c.oid = w.ev_class join pg_namespace n on n.oid = c.relnamespace
 where c.oid = any ($1::oid[])
union all
select c.oid::text, format('the table %s belongs to %I', ${name}, pg_get_userbyid(c.relowner)),
       format('alter table %s owner to %I', ${name}, current_user)
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
 where c.oid = any ($1::oid[]) and not pg_has_role(c.relowner, 'usage')
order by 2`;
