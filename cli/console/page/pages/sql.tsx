import { useEffect, useRef, useState } from 'preact/hooks';
import type { SqlAnswer, SqlExamples } from '../../answers/api.ts';
import { formatPlace } from '../parts/address.ts';
import { Chart } from '../parts/chart.tsx';
import { send } from '../parts/connection.ts';
import { type Column, count, DataTable, Looking } from '../parts/elements.tsx';
import { note } from '../parts/navigation.ts';
import { chooseChart } from '../parts/result-chart.ts';
import { useAnswer } from '../parts/use-answer.ts';
import type { PageProps } from './page-props.ts';

/** A query of the warehouse, read-only. */
export function Sql({ place }: PageProps) {
  const examples = useAnswer<SqlExamples>('examples').answer ?? [];
  const [query, setQuery] = useState(place.parameters.get('query') ?? '');
  const [result, setResult] = useState<SqlAnswer>();
  const [problem, setProblem] = useState<string>();
  const [isRunning, setRunning] = useState(query !== '');
  const asked = useRef<AbortController | null>(null);
  const run = async (text: string) => {
    asked.current?.abort();
    const own = new AbortController();
    asked.current = own;
    note(formatPlace('sql', undefined, { query: text }));
    setRunning(true);
    setProblem(undefined);
    try {
      setResult(await send<SqlAnswer>('sql', { query: text }, own.signal));
    } catch (error) {
      if (own.signal.aborted) return;
      setResult(undefined);
      setProblem(error instanceof Error ? error.message : String(error));
    }
    setRunning(false);
  };
  // What the address asks for; and nobody waits for an answer once the page is left.
  useEffect(() => {
    if (query !== '') void run(query);
    return () => asked.current?.abort();
  }, []);
  const cancel = () => {
    asked.current?.abort();
    setRunning(false);
  };
  return (
    <>
      <h1>SQL</h1>
      <p class="circumstances">One statement that reads, of the warehouse; up to 10 s and 1,000 rows.</p>
      <form
        class="query"
        onSubmit={(event) => {
          event.preventDefault();
          void run(query);
        }}
      >
        <label for="query" class="hidden">
          Statement
        </label>
        <textarea
          id="query"
          rows={7}
          spellcheck={false}
          value={query}
          onInput={(event) => setQuery(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
            event.preventDefault();
            void run(query);
          }}
        />
        <div class="choices">
          <button type="submit" class="primary" disabled={query.trim() === ''}>
            Run
          </button>
          {isRunning && (
            <button type="button" onClick={cancel}>
              Cancel
            </button>
          )}
          <span class="quiet">Ctrl+Enter</span>
          <span class="examples">
            {examples.map(({ title, query: text }) => (
              <button
                key={title}
                type="button"
                class="small"
                onClick={() => {
                  setQuery(text);
                  void run(text);
                }}
              >
                {title}
              </button>
            ))}
          </span>
        </div>
      </form>
      <div aria-live="polite">
        {isRunning && result === undefined && problem === undefined && <Looking />}
        {problem !== undefined && <pre class="reason">{problem}</pre>}
        {result !== undefined && <Result result={result} />}
      </div>
    </>
  );
}

function Result({ result }: { result: SqlAnswer }) {
  const { columns, rows, isCut, seconds } = result;
  const [xName, setX] = useState('');
  const [yName, setY] = useState('');
  const chart = chooseChart(result, { x: xName, y: yName });
  const numbered = rows.map((cells, index) => ({ cells, index }));
  const tableColumns: Column<(typeof numbered)[number]>[] = columns.map(({ name, isNumber }, column) => ({
    name,
    isNumber,
    cell: ({ cells }) => cells[column] ?? <span class="zero">null</span>,
  }));
  const total = rows.length === 1 ? '1 row' : `${count(rows.length)} rows`;
  return (
    <>
      {chart !== undefined && (
        <section aria-labelledby="chart">
          <h2 id="chart">Chart</h2>
          <p class="axes">
            <Choice
              label="across"
              value={chart.xName}
              options={columns.map(({ name }) => name)}
              choose={setX}
            />
            <Choice
              label="up"
              value={chart.yName}
              options={columns.filter(({ isNumber }) => isNumber).map(({ name }) => name)}
              choose={setY}
            />
          </p>
          <Chart
            label={`${chart.yName} by ${chart.xName}, ${total}`}
            x={chart.x}
            y={chart.y}
            yLabel={chart.yName}
            isTime={chart.isTime}
            kind={chart.names === undefined ? 'line' : 'bars'}
            {...(chart.names !== undefined && { names: chart.names })}
          />
        </section>
      )}
      <section aria-labelledby="rows">
        <h2 id="rows">
          {isCut ? `The first ${total}` : total}, {seconds.toFixed(2)} s
        </h2>
        <DataTable
          label="Result"
          columns={tableColumns}
          rows={numbered}
          keyOf={({ index }) => String(index)}
          empty="It has no rows."
          isTall
        />
      </section>
    </>
  );
}

const Choice = ({
  label,
  value,
  options,
  choose,
}: {
  label: string;
  value: string;
  options: readonly string[];
  choose(name: string): void;
}) => (
  <label>
    {label}{' '}
    <select value={value} onChange={(event) => choose(event.currentTarget.value)}>
      {options.map((name) => (
        <option key={name} value={name}>
          {name}
        </option>
      ))}
    </select>
  </label>
);
