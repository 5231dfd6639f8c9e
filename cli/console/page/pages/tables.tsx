import type { ZoneObject } from '../../../objects/list-objects.ts';
import type { Status, TableStatus } from '../../../status/status.ts';
import type { TableAnswer } from '../../answers/api.ts';
import { formatPlace } from '../parts/address.ts';
import { Chart } from '../parts/chart.tsx';
import {
  age,
  type Column,
  Count,
  count,
  DataTable,
  Link,
  Looking,
  Mark,
  Problem,
  Time,
} from '../parts/elements.tsx';
import { levelOfTable } from '../parts/judgement.ts';
import { withoutAge } from '../parts/star.tsx';
import { useAnswer } from '../parts/use-answer.ts';
import { type PageProps, versionOf } from './page-props.ts';

export const Tables = (props: PageProps) =>
  props.place.subject === undefined ? (
    <List {...props} />
  ) : (
    <OneTable {...props} name={props.place.subject} />
  );

function List({ snapshot }: PageProps) {
  const status = snapshot?.status;
  if (status == null) return <Problem title="Tables" reason={snapshot?.error} />;
  const columns: Column<TableStatus>[] = [
    {
      name: 'table',
      cell: (table) => (
        <Link to={formatPlace('tables', table.table)} class="named">
          <Mark level={levelOfTable(table, status)} />
          {table.table}
        </Link>
      ),
    },
    {
      name: 'as of',
      cell: ({ snapshotAt }) => <Time at={snapshotAt} none={withoutAge(status.areRecordsKnown)} />,
    },
    { name: 'age', isNumber: true, cell: ({ ageSeconds }) => age(ageSeconds) },
    { name: 'rows', isNumber: true, cell: ({ rows }) => count(rows, '') },
    { name: 'versions', isNumber: true, cell: ({ versions }) => count(versions) },
    { name: 'in flight', isNumber: true, cell: ({ inFlight }) => <Count of={inFlight} /> },
    { name: 'waiting', isNumber: true, cell: ({ waiting }) => <Count of={waiting} level="warn" /> },
    {
      name: 'quarantined',
      isNumber: true,
      cell: ({ quarantined }) => <Count of={quarantined} level="warn" />,
    },
    {
      name: 'dead letters',
      isNumber: true,
      cell: ({ deadLetters }) => <Count of={deadLetters} level="bad" />,
    },
  ];
  return (
    <>
      <h1>Tables</h1>
      <section aria-label="All tables">
        <DataTable
          label="All tables"
          columns={columns}
          rows={status.tables}
          keyOf={({ table }) => table}
          empty="Nothing has been loaded yet, or the warehouse does not answer."
        />
      </section>
    </>
  );
}

function OneTable({ name, snapshot, info }: PageProps & { name: string }) {
  const { answer, problem } = useAnswer<TableAnswer>('table', { table: name }, versionOf({ snapshot }));
  const status = snapshot?.status ?? null;
  const table = status?.tables.find((each) => each.table === name);
  const kind = info?.tables.find((each) => each.name === name)?.kind;
  const troubles = (status?.troubles ?? []).filter((trouble) => trouble.table === name);
  const facts = status === null || table === undefined ? [] : describe(table, status);
  return (
    <>
      <h1>{name}</h1>
      <p class="circumstances">{[kind ?? '', ...facts].filter((part) => part !== '').join(' · ')}</p>
      {troubles.map(({ text }) => (
        <p key={text} class="reason">
          {text}
        </p>
      ))}
      {problem !== undefined && <p class="reason">{problem}</p>}
      {answer === undefined && problem === undefined && <Looking />}
      {answer !== undefined && (
        <>
          <section aria-labelledby="lag">
            <h2 id="lag">Seconds from plan to warehouse, last 24 h</h2>
            <Lag answer={answer} />
          </section>
          <section aria-labelledby="objects">
            <h2 id="objects">Last objects</h2>
            <DataTable
              label="Last objects"
              columns={objectColumns}
              rows={answer.objects}
              keyOf={({ zone, key }) => `${zone} ${key}`}
              empty="There is no object of it."
            />
          </section>
        </>
      )}
    </>
  );
}

function describe(
  { snapshotAt, ageSeconds, rows, versions, loadedAt }: TableStatus,
  { areRecordsKnown }: Status,
): string[] {
  const shown = (at: string | null) => at?.slice(0, 19).replace('T', ' ') ?? '';
  return [
    snapshotAt === null
      ? withoutAge(areRecordsKnown)
      : `as of ${shown(snapshotAt)} UTC, ${age(ageSeconds)} old`,
    rows === null ? '' : `${count(rows)} rows`,
    `${count(versions)} versions`,
    loadedAt === null ? '' : `last load ${shown(loadedAt)} UTC`,
  ];
}

function Lag({ answer: { loads, warehouse, table } }: { answer: TableAnswer }) {
  if (loads === null) return <p class="empty">The warehouse does not answer: {warehouse}</p>;
  if (loads.length === 0) return <p class="empty">Nothing was loaded in the last 24 h.</p>;
  const seconds = loads.map(
    ({ plannedAt, loadedAt }) => (Date.parse(loadedAt) - Date.parse(plannedAt)) / 1000,
  );
  const most = Math.max(...seconds).toFixed(1);
  return (
    <Chart
      label={`${loads.length} loads of ${table}, the slowest after ${most} s`}
      x={loads.map(({ plannedAt }) => Date.parse(plannedAt) / 1000)}
      y={seconds}
      yLabel="seconds"
      isTime
      kind="points"
    />
  );
}

export const objectColumns: readonly Column<ZoneObject>[] = [
  { name: 'put at', cell: ({ putAt }) => <Time at={putAt} /> },
  { name: 'zone', cell: ({ zone }) => zone },
  { name: 'rows', isNumber: true, cell: ({ rows }) => count(rows) },
  { name: 'bytes', isNumber: true, cell: ({ bytes }) => count(bytes) },
  {
    name: 'object',
    cell: ({ key }) => (
      <Link to={formatPlace('objects', key)} class="key">
        {key}
      </Link>
    ),
  },
];
