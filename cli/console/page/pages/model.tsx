import type { DescribedColumn } from '../../../schema/describe-table.ts';
import { countLooks, type LookStatus } from '../../../status/describe-looks.ts';
import type { ModelAnswer, SourceAnswer, SourceTableAnswer } from '../../answers/api.ts';
import { formatPlace } from '../parts/address.ts';
import { type Column, count, DataTable, Link, Problem, Time } from '../parts/elements.tsx';
import { useAnswer } from '../parts/use-answer.ts';
import { type PageProps, versionOf } from './page-props.ts';

/** Each column of the warehouse, and where it comes from. */
export function ModelPage({ info }: PageProps) {
  const { answer, problem } = useAnswer<ModelAnswer>('model');
  if (answer === undefined) return <Problem title="Model" reason={problem} />;
  return (
    <>
      <h1>Model</h1>
      <p class="circumstances">
        {info?.model}, {answer.tables.length} tables
      </p>
      {answer.tables.map(({ name, source, columns, view, viewIs }) => (
        <section key={name} aria-labelledby={`model ${name}`}>
          <h2 id={`model ${name}`}>
            <Link to={formatPlace('tables', name)}>{name}</Link>
          </h2>
          <p class="quiet">{source}</p>
          {view !== null && (
            <p class="quiet">
              {view}: {viewIs}
            </p>
          )}
          <DataTable
            label={`Columns of ${name}`}
            columns={modelColumns}
            rows={columns}
            keyOf={(column) => column.name}
            empty="It has no columns."
          />
        </section>
      ))}
    </>
  );
}

const modelColumns: readonly Column<DescribedColumn>[] = [
  { name: 'column', cell: ({ name }) => name },
  { name: 'type', cell: ({ type, nullable }) => `${type}${nullable ? '' : ' not null'}` },
  { name: 'key', cell: ({ key }) => key },
  { name: 'from', cell: ({ from }) => from },
];

/** What plans read from the source. */
export function SourcePage({ snapshot }: PageProps) {
  const { answer, problem } = useAnswer<SourceAnswer>('source', {}, versionOf({ snapshot }));
  if (answer === undefined) return <Problem title="Source" reason={problem} />;
  const looks = snapshot?.status?.plan.looks ?? [];
  const lookOf = (name: string) => looks.find(({ source }) => source === name);
  const columns = [...sourceColumns];
  if (looks.length > 0)
    columns.splice(2, 0, { name: 'last plan', cell: ({ name }) => describeLook(lookOf(name)) });
  return (
    <>
      <h1>Source</h1>
      <p class="circumstances">
        {answer.plannedAt === null ? 'no plan has looked at it yet' : 'the last plan looked at '}
        <Time at={answer.plannedAt} />
        {looks.length > 0 && ` · ${countLooks(looks)}`}
      </p>
      <section aria-label="Tables of the source">
        <DataTable
          label="Tables of the source"
          columns={columns}
          rows={answer.tables}
          keyOf={({ name }) => name}
          empty="The model reads no table."
        />
      </section>
    </>
  );
}

const describeLook = (look: LookStatus | undefined): string =>
  look === undefined ? '' : look.isLookedAt ? 'looked at it' : `left it out: ${look.because}`;

const sourceColumns: readonly Column<SourceTableAnswer>[] = [
  {
    name: 'table',
    cell: ({ name, problem }) => (
      <>
        {name}
        {problem !== null && <p class="bad">{problem}</p>}
      </>
    ),
  },
  { name: 'key', cell: ({ key }) => key.join(', ') },
  { name: 'columns', isNumber: true, cell: ({ columns }) => count(columns) },
  { name: 'read with', cell: ({ joins }) => joins.join(', ') },
  {
    name: 'makes',
    cell: ({ feeds }) =>
      feeds.length === 0
        ? 'nothing but its objects'
        : feeds.map((table, index) => (
            <span key={table}>
              {index > 0 && ', '}
              <Link to={formatPlace('tables', table)}>{table}</Link>
            </span>
          )),
  },
  { name: 'looked at', cell: ({ plannedAt }) => <Time at={plannedAt} none="not yet" /> },
  {
    name: 'last change in run',
    cell: ({ run }) => (run === null ? '' : <Link to={formatPlace('runs', run)}>{run}</Link>),
  },
  { name: 'runs in 24 h', isNumber: true, cell: ({ runsOfDay }) => count(runsOfDay) },
];
