import { useEffect, useState } from 'preact/hooks';
import { ask } from './connection.ts';

/** An answer that a page shows. While another one is on its way, the last one stays. */
export interface Asked<T> {
  answer: T | undefined;
  /** Why there is none. */
  problem: string | undefined;
}

/**
 * Asks the console, and again whenever the question or the version changes.
 *
 * @param path undefined: nothing is asked
 * @param version of what the answer depends on besides, such as the last run
 */
export function useAnswer<T>(
  path: string | undefined,
  parameters: Readonly<Record<string, string>> = {},
  version = '',
): Asked<T> {
  const question = path === undefined ? undefined : `${path} ${JSON.stringify(parameters)}`;
  const [asked, setAsked] = useState<Asked<T> & { question: string | undefined }>();
  useEffect(() => {
    if (path === undefined) return;
    const left = new AbortController();
    ask<T>(path, parameters, left.signal).then(
      (answer) => setAsked({ question, answer, problem: undefined }),
      (error: Error) => {
        if (!left.signal.aborted) setAsked({ question, answer: undefined, problem: error.message });
      },
    );
    return () => left.abort();
  }, [question, version]);
  return asked?.question === question && asked !== undefined
    ? asked
    : { answer: undefined, problem: undefined };
}
