import { useEffect, useState } from 'preact/hooks';
import { type Place, parsePlace } from './address.ts';
import { linkTo } from './connection.ts';

const moved = 'starlift-moved';

/** Goes to another place of the page. */
export function go(path: string): void {
  window.history.pushState(null, '', linkTo(path));
  window.dispatchEvent(new Event(moved));
  window.scrollTo(0, 0);
}

/** Notes in the address what the page shows, without a step to go back to. */
export const note = (path: string): void => window.history.replaceState(null, '', linkTo(path));

/** The page's place. Links within it change it without a load. */
export function usePlace(): Place {
  const here = () => window.location.pathname + window.location.search;
  const [path, setPath] = useState(here);
  useEffect(() => {
    const follow = (event: MouseEvent) => {
      const link = event.target instanceof Element ? event.target.closest('a') : null;
      const isPlain =
        event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
      if (link === null || !isPlain || link.origin !== window.location.origin || link.target !== '') return;
      event.preventDefault();
      go(link.pathname + link.search);
    };
    const move = () => setPath(here());
    document.addEventListener('click', follow);
    window.addEventListener('popstate', move);
    window.addEventListener(moved, move);
    return () => {
      document.removeEventListener('click', follow);
      window.removeEventListener('popstate', move);
      window.removeEventListener(moved, move);
    };
  }, []);
  return parsePlace(path);
}
