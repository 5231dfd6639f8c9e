import { type JSX, render } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { ConsoleInfo, Snapshot } from '../answers/api.ts';
import { Attention } from './pages/attention.tsx';
import { ModelPage, SourcePage } from './pages/model.tsx';
import { ObjectPage } from './pages/object.tsx';
import { Overview } from './pages/overview.tsx';
import type { PageProps } from './pages/page-props.ts';
import { Runs } from './pages/runs.tsx';
import { Sql } from './pages/sql.tsx';
import { Tables } from './pages/tables.tsx';
import { TracePage } from './pages/trace.tsx';
import { formatPlace } from './parts/address.ts';
import { ask, hasToken, listen, send } from './parts/connection.ts';
import { Link, Mark, Time } from './parts/elements.tsx';
import { judge } from './parts/judgement.ts';
import { usePlace } from './parts/navigation.ts';
import './styles/base.css';
import './styles/parts.css';
import './styles/star.css';
import './styles/timeline.css';
import './styles/frame.css';

interface Page {
  name: string;
  title: string;
  /** It stands in no list: other pages lead to it. */
  isHidden?: true;
  show: (props: PageProps) => JSX.Element;
}

const pages: readonly Page[] = [
  { name: 'overview', title: 'Overview', show: Overview },
  { name: 'tables', title: 'Tables', show: Tables },
  { name: 'runs', title: 'Runs', show: Runs },
  { name: 'attention', title: 'Attention', show: Attention },
  { name: 'trace', title: 'Trace', show: TracePage },
  { name: 'sql', title: 'SQL', show: Sql },
  { name: 'model', title: 'Model', show: ModelPage },
  { name: 'source', title: 'Source', show: SourcePage },
  { name: 'objects', title: 'Object', isHidden: true, show: ObjectPage },
];

function App() {
  const place = usePlace();
  const { snapshot, silence } = useSnapshots();
  const info = useInfo(snapshot !== undefined);
  const page = pages.find(({ name }) => name === place.page);
  const title =
    [...(place.subject === undefined ? [] : [place.subject]), page?.title ?? 'Not found'][0] ?? '';
  const Shown = page?.show ?? NotFound;
  const troubles = snapshot?.status?.troubles.length ?? 0;
  const { level, sentence } = judge(snapshot);
  const main = useRef<HTMLElement>(null);
  useEffect(() => {
    document.title = `${title} · ${sentence.replace(/\.$/, '')} · Starlift`;
  }, [title, sentence]);
  return (
    <div class="shell">
      <button type="button" class="skip" onClick={() => main.current?.focus()}>
        Skip to content
      </button>
      <header>
        <Link to="/" class="brand">
          Starlift
        </Link>
        <nav aria-label="Pages">
          <ul>
            {pages
              .filter(({ isHidden }) => isHidden !== true)
              .map(({ name, title: text }) => (
                <li key={name}>
                  <Link to={formatPlace(name)} aria-current={name === place.page ? 'page' : undefined}>
                    {text}
                    {name === 'attention' && troubles > 0 && (
                      <span class="badge" aria-hidden="true">
                        {troubles}
                      </span>
                    )}
                  </Link>
                </li>
              ))}
          </ul>
        </nav>
        <div class="state">
          <p>
            <Mark level={silence === undefined ? level : 'bad'} />
            {silence === undefined ? <Looked snapshot={snapshot} /> : 'not connected'}
          </p>
        </div>
      </header>
      <main ref={main} tabIndex={-1}>
        {silence !== undefined && (
          <p class="silence" role="alert">
            {silence}
            {snapshot?.status != null && (
              <>
                {' '}
                This is from <Time at={snapshot.status.checkedAt} />.
              </>
            )}
          </p>
        )}
        {hasToken() && (
          <Shown key={`${place.page} ${place.subject}`} place={place} snapshot={snapshot} info={info} />
        )}
      </main>
    </div>
  );
}

function Looked({ snapshot }: { snapshot: Snapshot | undefined }) {
  if (snapshot === undefined) return <>looking</>;
  const { isLive, status } = snapshot;
  if (isLive) return <>live, {status?.checkedAt.slice(11, 19) ?? ''} UTC</>;
  return (
    <button type="button" class="small" onClick={() => void send('refresh', null).catch(() => {})}>
      Look again
    </button>
  );
}

const NotFound = () => (
  <>
    <h1>There is no such page.</h1>
    <p>
      <Link to="/">Overview</Link>
    </p>
  </>
);

function useSnapshots(): { snapshot: Snapshot | undefined; silence: string | undefined } {
  const [snapshot, setSnapshot] = useState<Snapshot>();
  const [silence, setSilence] = useState<string | undefined>(
    hasToken() ? undefined : 'Open the link that starlift console has printed: it holds the token.',
  );
  useEffect(() => {
    if (!hasToken()) return;
    void listen({
      onSnapshot: (next) => {
        setSnapshot(next);
        setSilence(undefined);
      },
      onSilence: (reason) => setSilence(`${reason.replace(/^./, (letter) => letter.toUpperCase())}.`),
    });
  }, []);
  return { snapshot, silence };
}

/** Asked for once the console answers. */
function useInfo(isAnswering: boolean): ConsoleInfo | undefined {
  const [info, setInfo] = useState<ConsoleInfo>();
  useEffect(() => {
    if (isAnswering) void ask<ConsoleInfo>('info').then(setInfo, () => {});
  }, [isAnswering]);
  return info;
}

const app = document.getElementById('app');
if (app !== null) render(<App />, app);
