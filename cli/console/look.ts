import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { projectFolderOf } from '../configuration/find-project-file.ts';
import { readSettings, type Settings } from '../configuration/settings.ts';
import { readStackFile } from '../embedded/machine/data-folder.ts';
import { type OptionValues, parseStage } from '../options/site-options.ts';
import { loadModel } from '../project/load-model.ts';
import { openEmbeddedSite } from '../site/embedded/embedded-site.ts';
import { assertDataFolder, readActivity } from '../site/embedded/running-note.ts';
import type { OpenedSite, Site } from '../site/site.ts';
import type { StageName } from '../site/stage/open-stage.ts';

/** Where the console looks. */
export interface SiteLook {
  /** Does a piece of work on the site as it is now. */
  look<T>(work: (site: Site) => Promise<T>): Promise<T>;
  /**
   * Whether somebody has the site open. Where nobody has, each look opens it and lets go of it: a run that is started
   * meanwhile would be refused.
   */
  isLive(): boolean;
  close(): Promise<void>;
}

/**
 * Finds what the options name, and opens it for each look.
 *
 * @throws {UsageError} there is no such folder or stage
 */
export async function openLook(values: OptionValues): Promise<SiteLook> {
  const load = () => loadModel(projectFolderOf(values));
  const stage = parseStage(values);
  if (stage !== undefined) return lookAtStage(stage, load);
  const settings = await readSettings({ values });
  assertDataFolder(settings.data);
  return lookAtFolder(settings, load);
}

type LoadModel = typeof loadModel;

function lookAtFolder(settings: Settings, load: LoadModel): SiteLook {
  const { data, source, warehouse, given } = settings;
  const open = () => openEmbeddedSite({ data, source, warehouse, loadModel: load }, given);
  const isLive = () => isStackAlive(data);
  /** Of a running stack, for as long as it runs with the same model. */
  let attached: { stamp: string; site: Promise<OpenedSite> } | undefined;
  /** Of a stack that was started for looks, until the last of them has ended. */
  let opened: { looks: number; site: Promise<OpenedSite> } | undefined;

  const attach = async (): Promise<Site> => {
    const stamp = stampOf(data);
    if (attached?.stamp !== stamp) {
      const before = attached?.site;
      // Looks may be under way on it.
      if (before !== undefined) setTimeout(() => void releaseSite(before), releasedAfterMs).unref();
      attached = { stamp, site: open() };
    }
    const { site } = attached;
    try {
      return { ...(await site), activity: readActivity(data) };
    } catch (error) {
      attached = undefined;
      throw error;
    }
  };

  return {
    isLive,
    look: async (work) => {
      if (opened === undefined && isLive()) return work(await attach());
      opened ??= { looks: 0, site: open() };
      const own = opened;
      own.looks += 1;
      try {
        return await work(await own.site);
      } finally {
        own.looks -= 1;
        if (own.looks === 0) {
          if (opened === own) opened = undefined;
          await releaseSite(own.site);
        }
      }
    },
    close: async () => {
      await Promise.all([attached?.site, opened?.site].map(async (site) => site && releaseSite(site)));
    },
  };
}

const releasedAfterMs = 30_000;

/** What could not be opened has nothing to let go of. */
const releaseSite = async (site: Promise<OpenedSite>): Promise<void> =>
  (await site.catch(() => undefined))?.release();

/** Not by the folder's lock: to try it would keep out a run that begins at that moment. */
function isStackAlive(data: string): boolean {
  try {
    const pid = readStackFile(data)?.pid;
    // Its own is there for a look only.
    if (pid === undefined || pid === process.pid) return false;
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it is there, and another user's.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Changes with the stack that runs and with the model that is in force. */
const stampOf = (data: string): string =>
  ['stack.json', 'model.json']
    .map((name) => join(data, name))
    .map((path) => (existsSync(path) ? `${statSync(path).mtimeMs} ${statSync(path).ino}` : ''))
    .join();

/** Another model may have been published since. */
const reopenedAfterMs = 5 * 60_000;

async function lookAtStage(name: StageName, load: LoadModel): Promise<SiteLook> {
  const { withStage } = await import('../site/stage/open-stage.ts');
  const { onAws } = await import('../site/stage/find-stage.ts');
  let opened: { at: number; site: Promise<Site> } | undefined;
  const open = () => withStage(name, load, async (stage) => stage);
  const site = (): Promise<Site> => {
    if (opened === undefined || performance.now() - opened.at > reopenedAfterMs)
      opened = { at: performance.now(), site: open() };
    return opened.site;
  };
  await site();
  return {
    isLive: () => true,
    look: async (work) => {
      try {
        return await onAws(async () => work(await site()));
      } catch (error) {
        opened = undefined;
        throw error;
      }
    },
    close: async () => {},
  };
}
