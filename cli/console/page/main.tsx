import { render } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { ConsoleInfo, Snapshot } from '../api.ts';
import { Overview } from './pages/overview.tsx';
import { formatPlace, type Place, parsePlace } from './parts/address.ts';
import { ask, hasToken, listen, send } from './parts/connection.ts';
import { Link, Mark, Time } from './parts/elements.tsx';
import { judge } from './parts/judgement.ts';
import './styles/base.css';
import './styles/parts.css';
import './styles/star.css';
import './styles/frame.css';

const pages = [{ name: 'overview', title: 'Overview' }] as const;

function App() {
  const place = usePlace();
  const { snapshot, silence } = useSnapshots();
  const info = useInfo(snapshot !== undefined);
  const title = pages.find(({ name }) => name === place.page)?.title ?? 'Not found';
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
            {pages.map(({ name, title: text }) => (
              <li key={name}>
                <Link to={formatPlace(name)} aria-current={name === place.page ? 'page' : undefined}>
                  {text}
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
        {hasToken() && <Page place={place} snapshot={snapshot} info={info} />}
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

function Page({
  place,
  snapshot,
  info,
}: {
  place: Place;
  snapshot: Snapshot | undefined;
  info: ConsoleInfo | undefined;
}) {
  if (place.page === 'overview') return <Overview snapshot={snapshot} info={info} />;
  return (
    <>
      <h1>There is no such page.</h1>
      <p>
        <Link to="/">Overview</Link>
      </p>
    </>
  );
}

/** The page's place, which links within it change without a load. */
function usePlace(): Place {
  const here = () => window.location.pathname + window.location.search;
  const [path, setPath] = useState(here);
  useEffect(() => {
    const follow = (event: MouseEvent) => {
      const link = event.target instanceof Element ? event.target.closest('a') : null;
      const isPlain =
        event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
      if (link === null || !isPlain || link.origin !== window.location.origin || link.target !== '') return;
      event.preventDefault();
      window.history.pushState(null, '', link.href);
      setPath(here());
      window.scrollTo(0, 0);
    };
    const move = () => setPath(here());
    document.addEventListener('click', follow);
    window.addEventListener('popstate', move);
    return () => {
      document.removeEventListener('click', follow);
      window.removeEventListener('popstate', move);
    };
  }, []);
  return parsePlace(path);
}

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
