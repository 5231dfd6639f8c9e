import type { ObjectAnswer, ShownObject } from '../../answers/api.ts';
import { formatPlace } from '../parts/address.ts';
import { type Column, Command, count, DataTable, Link, Problem } from '../parts/elements.tsx';
import { useAnswer } from '../parts/use-answer.ts';
import type { PageProps } from './page-props.ts';

/** The first rows of an object, beside what was made from it, or what it was made from. */
export function ObjectPage({ place, info }: PageProps) {
  const key = place.subject ?? '';
  const { answer, problem } = useAnswer<ObjectAnswer>('object', { key });
  if (answer === undefined) return <Problem title="Object" reason={problem} />;
  const sides = [answer.shown, ...answer.others].toSorted((a, b) => a.zone.localeCompare(b.zone));
  return (
    <>
      <h1>
        {answer.shown.table}, {answer.shown.zone}
      </h1>
      <p class="circumstances">
        of run <Link to={formatPlace('runs', answer.shown.run)}>{answer.shown.run}</Link>
      </p>
      <Command text={`npx starlift cat ${key}${info?.selector ?? ''}`} />
      <div class="sides">
        {sides.map((side) => (
          <Side key={`${side.zone} ${side.key}`} side={side} isShown={side.key === answer.shown.key} />
        ))}
      </div>
    </>
  );
}

function Side({ side, isShown }: { side: ShownObject; isShown: boolean }) {
  const { zone, table, key, rows, bytes, lines, problem } = side;
  const form = zone === 'ingested' ? 'NDJSON' : 'Parquet';
  return (
    <section aria-label={`${table}, ${form}`}>
      <h2>
        {table}, {form}
      </h2>
      <p class="quiet key">{isShown ? key : <Link to={formatPlace('objects', key)}>{key}</Link>}</p>
      {problem !== null && <p class="reason">{problem}</p>}
      {rows === null && problem === null ? (
        <p class="empty">It is not there.</p>
      ) : (
        <>
          <p class="quiet">
            {count(rows)} {rows === 1 ? 'row' : 'rows'}, {count(bytes)} bytes
          </p>
          <Lines lines={lines} label={`Rows of ${table}, ${form}`} />
          {(rows ?? 0) > lines.length && <p class="quiet">The first {lines.length}.</p>}
        </>
      )}
    </section>
  );
}

/** Values as the object has them: a parser would round great numbers. */
function Lines({ lines, label }: { lines: readonly string[]; label: string }) {
  const rows = lines.map((line, index) => ({ index, fields: new Map(fieldsOf(line)) }));
  const names = [...new Set(rows.flatMap(({ fields }) => [...fields.keys()]))];
  const columns: Column<(typeof rows)[number]>[] = [
    { name: 'line', isNumber: true, cell: ({ index }) => <span class="quiet">{index + 1}</span> },
    ...names.map((name) => ({
      name,
      cell: ({ fields }: (typeof rows)[number]) => <Value text={fields.get(name)} />,
    })),
  ];
  return (
    <DataTable
      label={label}
      columns={columns}
      rows={rows}
      keyOf={({ index }) => String(index)}
      empty="It has no row."
    />
  );
}

const fieldsOf = (line: string): [string, string][] =>
  [...line.matchAll(/"((?:[^"\\]|\\.)*)":("(?:[^"\\]|\\.)*"|[^,}]*)/g)].map(([, name = '', value = '']) => [
    name,
    value,
  ]);

const Value = ({ text }: { text: string | undefined }) =>
  text === undefined ? null : text === 'null' ? (
    <span class="zero">null</span>
  ) : (
    <span>{text.replace(/^"(.*)"$/s, '$1')}</span>
  );
