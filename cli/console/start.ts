import { randomBytes } from 'node:crypto';
import type { Model } from '../../shared/model/model.ts';
import { readVersion } from '../help/version.ts';
import type { ConsoleInfo, ConsoleTable } from './api.ts';
import { makeLiveFeed } from './live.ts';
import type { SiteLook } from './look.ts';
import type { PageFiles } from './page-files.ts';
import { type Api, startConsoleServer } from './server.ts';

export interface ConsoleOptions {
  port: number;
  files: PageFiles;
  maxLagSeconds: number | undefined;
  allowsActions: boolean;
}

export interface RunningConsole {
  /** With the token, behind the # that no browser sends to a server. */
  url: string;
  close(): Promise<void>;
}

/** @throws {UsageError} the port cannot be had */
export async function startConsole(look: SiteLook, options: ConsoleOptions): Promise<RunningConsole> {
  const token = randomBytes(24).toString('base64url');
  const feed = makeLiveFeed(look, options);
  const { port, files } = options;
  const server = await startConsoleServer({ port, token, files, feed, api: makeApi(look, options, feed) });
  return {
    url: `http://127.0.0.1:${server.port}/#${token}`,
    close: async () => {
      feed.close();
      await server.close();
      await look.close();
    },
  };
}

export function makeApi(look: SiteLook, { allowsActions }: ConsoleOptions, feed: { refresh(): void }): Api {
  return {
    'GET /api/info': () =>
      look.look(
        async ({ model, selector }): Promise<ConsoleInfo> => ({
          model: model.name,
          selector,
          version: readVersion(),
          allowsActions,
          tables: model.tables.map((table) => describeTable(table)),
        }),
      ),
    'POST /api/refresh': async () => feed.refresh(),
  };
}

const describeTable = (table: Model['tables'][number]): ConsoleTable => ({
  name: table.name,
  kind: table.kind,
  references:
    table.kind === 'calendar'
      ? []
      : [...new Set(table.columns.flatMap(({ references }) => references ?? []))],
});
