import { useState } from 'preact/hooks';
import type { Status, TableStatus } from '../../../status/status.ts';
import type { ConsoleTable } from '../../answers/api.ts';
import { formatPlace } from './address.ts';
import { age, count, Link, Mark } from './elements.tsx';
import { levelOfTable } from './judgement.ts';
import { layOutStar, type StarLayout } from './star-layout.ts';

/** Facts in the middle, dimensions around them: each with its age, its rows and what is on its way. */
export function Star({ tables, status }: { tables: readonly ConsoleTable[]; status: Status }) {
  const [shown, setShown] = useState<string>();
  const layout = layOutStar(tables);
  const node = (name: string) => (
    <li
      key={name}
      onMouseEnter={() => setShown(name)}
      onMouseLeave={() => setShown(undefined)}
      onFocusIn={() => setShown(name)}
      onFocusOut={() => setShown(undefined)}
    >
      <TableNode
        name={name}
        kind={tables.find((table) => table.name === name)?.kind ?? 'table'}
        status={status}
      />
    </li>
  );
  if (layout === undefined) return <ul class="star plain">{tables.map(({ name }) => node(name))}</ul>;
  return (
    <div class="star">
      <ul aria-label="Dimensions">{layout.left.map(node)}</ul>
      <Edges layout={layout} side="left" shown={shown} />
      <ul class="facts" aria-label="Facts">
        {layout.middle.map(node)}
      </ul>
      <Edges layout={layout} side="right" shown={shown} />
      <ul aria-label="More dimensions">{layout.right.map(node)}</ul>
    </div>
  );
}

function Edges({
  layout,
  side,
  shown,
}: {
  layout: StarLayout;
  side: 'left' | 'right';
  shown: string | undefined;
}) {
  const y = (place: number) => (place * 100).toFixed(2);
  const classOf = (outer: string, inner: string) =>
    shown === undefined ? undefined : shown === outer || shown === inner ? 'shown' : 'faint';
  return (
    <svg class="edges" viewBox="0 0 100 100" preserveAspectRatio="none" aria-hidden="true">
      {layout.edges
        .filter((edge) => edge.side === side)
        .map(({ outer, inner, from, to }) => {
          const [start, end] = side === 'left' ? [from, to] : [to, from];
          return (
            <path
              key={`${outer} ${inner}`}
              class={classOf(outer, inner)}
              d={`M0 ${y(start)}C50 ${y(start)} 50 ${y(end)} 100 ${y(end)}`}
            />
          );
        })}
    </svg>
  );
}

function TableNode({ name, kind, status }: { name: string; kind: string; status: Status }) {
  const table = status.tables.find((each) => each.table === name);
  const level = table === undefined ? 'none' : levelOfTable(table, status);
  return (
    <Link to={formatPlace('tables', name)} class={`node ${kind}`}>
      <span class="name">
        <Mark level={level} />
        {name}
      </span>
      <span class="about">
        <span>{table === undefined ? 'not known' : describe(table, status)}</span>
        {table !== undefined && <Moving table={table} />}
      </span>
    </Link>
  );
}

function describe({ snapshotAt, ageSeconds, rows }: TableStatus, { areRecordsKnown }: Status): string {
  if (snapshotAt === null) return withoutAge(areRecordsKnown);
  const shownRows = rows === null ? '' : `${count(rows)} ${rows === 1 ? 'row' : 'rows'}, `;
  return `${shownRows}${age(ageSeconds)} old`;
}

/** Of a table of which nobody says as of when it is. */
export const withoutAge = (areRecordsKnown: boolean): string =>
  areRecordsKnown ? 'not loaded yet' : 'not known';

/** Only what is not where it should be. */
function Moving({ table }: { table: TableStatus }) {
  const { inFlight, waiting, quarantined, deadLetters } = table;
  const parts = [
    { number: inFlight ?? 0, what: 'in flight', level: 'moving' },
    { number: waiting, what: 'waiting', level: 'warn' },
    { number: quarantined, what: 'quarantined', level: 'warn' },
    { number: deadLetters, what: deadLetters === 1 ? 'dead letter' : 'dead letters', level: 'bad' },
  ].filter(({ number }) => number > 0);
  return (
    <>
      {parts.map(({ number, what, level }) => (
        <span key={what} class={level}>
          {count(number)} {what}
        </span>
      ))}
    </>
  );
}
