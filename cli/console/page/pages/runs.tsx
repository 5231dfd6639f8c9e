import type { ZoneObject } from '../../../objects/list-objects.ts';
import type { ListedRuns, RunSummary } from '../../../runs/list-runs.ts';
import type { RunStep, ShownRun, TableOfRun } from '../../../runs/show-run.ts';
import { formatPlace } from '../parts/address.ts';
import { type Column, Count, count, DataTable, Link, Problem, Time } from '../parts/elements.tsx';
import { Timeline } from '../parts/timeline.tsx';
import { useAnswer } from '../parts/use-answer.ts';
import { type PageProps, versionOf } from './page-props.ts';
import { objectColumns } from './tables.tsx';

export const Runs = (props: PageProps) =>
  props.place.subject === undefined ? <List {...props} /> : <OneRun {...props} run={props.place.subject} />;

export const listTables = (tables: readonly string[]): string =>
  tables.length > 3 ? `${tables.slice(0, 3).join(', ')} and ${tables.length - 3} more` : tables.join(', ');

/** From the plan to the last load. */
export const afterPlan = ({ plannedAt, loadedAt }: RunSummary): string =>
  loadedAt === null
    ? ''
    : `${Math.max(0, (Date.parse(loadedAt) - Date.parse(plannedAt)) / 1000).toFixed(1)} s`;

export const runColumns: readonly Column<RunSummary>[] = [
  {
    name: 'planned',
    cell: ({ run, plannedAt }) => (
      <Link to={formatPlace('runs', run)}>
        <Time at={plannedAt} />
      </Link>
    ),
  },
  { name: 'tables', cell: ({ tables }) => listTables(tables) },
  { name: 'slices', isNumber: true, cell: ({ slices }) => count(slices) },
  { name: 'rows loaded', isNumber: true, cell: ({ loadedRows }) => count(loadedRows) },
  { name: 'loaded after', isNumber: true, cell: (run) => afterPlan(run) },
];

function List({ snapshot }: PageProps) {
  const { answer, problem } = useAnswer<ListedRuns>('runs', {}, versionOf({ snapshot }));
  if (answer === undefined) return <Problem title="Runs" reason={problem} />;
  return (
    <>
      <h1>Runs</h1>
      {answer.warehouse !== null && <p class="reason">The warehouse does not answer: {answer.warehouse}</p>}
      <section aria-label="Runs that found something">
        <DataTable
          label="Runs that found something"
          columns={runColumns}
          rows={answer.runs}
          keyOf={({ run }) => run}
          empty="No plan has found anything yet."
        />
      </section>
    </>
  );
}

function OneRun({ run, snapshot }: PageProps & { run: string }) {
  const version = versionOf({ snapshot });
  const { answer, problem } = useAnswer<ShownRun>('run', { run }, version);
  const objects = useAnswer<{ objects: ZoneObject[]; hasMore: boolean }>('objects', { run }, version).answer;
  if (answer === undefined) return <Problem title={`Run ${run}`} reason={problem} />;
  const since =
    answer.since === null
      ? 'the first plan'
      : `what was written since ${answer.since.slice(0, 19).replace('T', ' ')} UTC`;
  return (
    <>
      <h1>Run {run}</h1>
      <p class="circumstances">
        planned <Time at={answer.plannedAt} /> · generation {answer.generation} · {since}
      </p>
      {answer.warehouse !== null && <p class="reason">The warehouse does not answer: {answer.warehouse}</p>}
      {answer.warnings.map((warning) => (
        <p key={warning} class="notice">
          {warning}
        </p>
      ))}
      {answer.failures.map(({ table, reason }) => (
        <p key={table} class="reason">
          {table} could not be planned: {reason}
        </p>
      ))}
      <section aria-labelledby="steps">
        <h2 id="steps">Steps</h2>
        <DataTable
          label="Steps"
          columns={stepColumns}
          rows={answer.steps}
          keyOf={({ step }) => step}
          empty=""
        />
      </section>
      {objects !== undefined && objects.objects.length > 0 && (
        <section aria-labelledby="slices">
          <h2 id="slices">Slices</h2>
          <Timeline plannedAt={answer.plannedAt} objects={objects.objects} steps={answer.steps} />
        </section>
      )}
      <section aria-labelledby="tables">
        <h2 id="tables">Tables</h2>
        <DataTable
          label="Tables"
          columns={tableColumns}
          rows={answer.tables}
          keyOf={({ table, source }) => `${table} ${source}`}
          empty="It had no slice of a table of the model."
        />
      </section>
      {objects !== undefined && (
        <section aria-labelledby="objects">
          <h2 id="objects">Objects</h2>
          <DataTable
            label="Objects"
            columns={objectColumns}
            rows={objects.objects}
            keyOf={({ zone, key }) => `${zone} ${key}`}
            empty="It has no object yet."
          />
          {objects.hasMore && <p class="quiet">There are more: starlift objects --run {run} lists them.</p>}
        </section>
      )}
    </>
  );
}

const stepColumns: readonly Column<RunStep>[] = [
  { name: 'step', cell: ({ step }) => step },
  { name: 'objects', isNumber: true, cell: ({ objects }) => count(objects) },
  { name: 'rows', isNumber: true, cell: ({ rows }) => count(rows) },
  { name: 'bytes', isNumber: true, cell: ({ step, bytes }) => (step === 'load' ? '' : count(bytes)) },
  { name: 'seconds', isNumber: true, cell: ({ seconds }) => seconds?.toFixed(1) ?? '' },
  { name: 'retrying', isNumber: true, cell: ({ retrying }) => <Count of={retrying} level="warn" /> },
  { name: 'failed', isNumber: true, cell: ({ failed }) => <Count of={failed} level="bad" /> },
];

const tableColumns: readonly Column<TableOfRun>[] = [
  { name: 'table', cell: ({ table }) => <Link to={formatPlace('tables', table)}>{table}</Link> },
  { name: 'read', cell: ({ full }) => (full ? 'in full' : 'what is new') },
  { name: 'slices', isNumber: true, cell: ({ slices }) => count(slices) },
  { name: 'extracted', isNumber: true, cell: ({ extractedRows }) => count(extractedRows) },
  { name: 'loaded', isNumber: true, cell: ({ loadedRows }) => count(loadedRows) },
  { name: 'quarantined', isNumber: true, cell: ({ quarantined }) => <Count of={quarantined} level="warn" /> },
];
