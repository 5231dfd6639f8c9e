import { randomBytes } from 'node:crypto';
import type { Model } from '../../shared/model/model.ts';
import { isRunId } from '../../shared/object-store/object-key.ts';
import { readVersion } from '../help/version.ts';
import { listNewestRuns } from '../runs/list-runs.ts';
import { showRun } from '../runs/show-run.ts';
import type { Site } from '../site/site.ts';
import { UsageError } from '../terminal/usage-error.ts';
import { traceRow } from '../trace/trace-row.ts';
import { parseTracedKey } from '../trace/traced-key.ts';
import { makeOffers, type RunCommandLine, runCommandLine } from './answers/act.ts';
import type { ConsoleInfo, ConsoleTable } from './answers/api.ts';
import { answerAttention, answerQuarantine } from './answers/attention.ts';
import { answerModel, answerSource } from './answers/model.ts';
import { answerObject, answerObjects } from './answers/object.ts';
import { type ApiRequest, required } from './answers/request.ts';
import { answerSql, makeExamples } from './answers/sql.ts';
import { answerTable } from './answers/table.ts';
import { makeLiveFeed } from './live.ts';
import type { SiteLook } from './look.ts';
import type { PageFiles } from './page-files.ts';
import { type Api, startConsoleServer } from './server.ts';

export interface ConsoleOptions {
  port: number;
  /** The address to listen on. */
  host: string;
  files: PageFiles;
  maxLagSeconds: number | undefined;
  allowsActions: boolean;
  /** Left out: the command line that this process was started by. */
  run?: RunCommandLine;
}

export interface RunningConsole {
  /** With the token, behind the # that no browser sends to a server. */
  url: string;
  close(): Promise<void>;
}

/** @throws {UsageError} the port cannot be had */
export async function startConsole(look: SiteLook, options: ConsoleOptions): Promise<RunningConsole> {
  const token = randomBytes(24).toString('base64url');
  const offers = makeOffers(options.allowsActions, options.run ?? runCommandLine);
  const feed = makeLiveFeed(look, { ...options, pass: offers.offer });
  const { port, host, files } = options;
  const api = makeApi(look, { ...options, feed, offers });
  const server = await startConsoleServer({ port, host, token, files, feed, api });
  return {
    url: `http://127.0.0.1:${server.port}/#${token}`,
    close: async () => {
      feed.close();
      await server.close();
      await look.close();
    },
  };
}

interface ApiParts {
  allowsActions: boolean;
  feed: { refresh(): void };
  offers: ReturnType<typeof makeOffers>;
}

const listedRuns = 100;

/** All that the page may ask for. */
export function makeApi(look: SiteLook, { allowsActions, feed, offers }: ApiParts): Api {
  const ofSite =
    <T>(answer: (site: Site, request: ApiRequest) => T | Promise<T>) =>
    (request: ApiRequest): Promise<T> =>
      look.look(async (site) => offers.offer(await answer(site, request)));
  return {
    'GET /api/info': ofSite((site) => describeSite(site, allowsActions)),
    'GET /api/runs': ofSite((site) => listNewestRuns(site, { limit: listedRuns, now: new Date() })),
    'GET /api/run': ofSite((site, request) => showRun(site, parseRun(required(request, 'run')))),
    'GET /api/table': ofSite((site, request) => answerTable(site, required(request, 'table'), new Date())),
    'GET /api/objects': ofSite((site, request) => answerObjects(site, parseRun(required(request, 'run')))),
    'GET /api/object': ofSite((site, request) => answerObject(site, required(request, 'key'))),
    'GET /api/attention': ofSite((site) => answerAttention(site)),
    'GET /api/quarantine': ofSite((site, request) => answerQuarantine(site, required(request, 'table'))),
    'GET /api/trace': ofSite((site, request) => {
      const [name, key] = [required(request, 'table'), required(request, 'key')];
      return traceRow(site, parseTracedKey({ name, key, where: undefined }, site.model));
    }),
    'GET /api/model': ofSite((site) => answerModel(site)),
    'GET /api/source': ofSite((site) => answerSource(site, new Date())),
    'GET /api/examples': ofSite((site) => makeExamples(site)),
    'POST /api/sql': ofSite((site, { body, signal }) => answerSql(site, fieldOf(body, 'query'), signal)),
    'POST /api/act': async ({ body, signal }) => {
      const done = await offers.act(fieldOf(body, 'command'), signal);
      feed.refresh();
      return done;
    },
    'POST /api/refresh': async () => feed.refresh(),
  };
}

const fieldOf = (body: unknown, name: string): unknown => (Object(body) as Record<string, unknown>)[name];

function parseRun(text: string) {
  if (!isRunId(text)) throw new UsageError(`${text} is not a run`);
  return text;
}

const describeSite = ({ model, selector }: Site, allowsActions: boolean): ConsoleInfo => ({
  model: model.name,
  selector,
  version: readVersion(),
  allowsActions,
  tables: model.tables.map((table) => describeTable(table)),
});

const describeTable = (table: Model['tables'][number]): ConsoleTable => ({
  name: table.name,
  kind: table.kind,
  references:
    table.kind === 'calendar'
      ? []
      : [...new Set(table.columns.flatMap(({ references }) => references ?? []))],
});
