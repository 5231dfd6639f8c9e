import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The services in the order of the flow: each stack uses the outputs of those before it. */
export const serviceNames = ['ingestion', 'transformation', 'loading'] as const;

export type ServiceName = (typeof serviceNames)[number];

/** Where osls finds the templates of the services, in a folder each. */
export interface ServiceFolders {
  folder(service: ServiceName): string;
  [Symbol.dispose](): void;
}

/**
 * Opens the folders that osls deploys from: those of the clone; of a package a copy of what it was packed with, because osls
 * writes into them, and a package may belong to somebody else.
 */
export function openServiceFolders(): ServiceFolders {
  const packed = fileURLToPath(new URL('services', import.meta.url));
  if (!existsSync(packed)) {
    const root = findClone();
    return { folder: (service) => join(root, 'services', service), [Symbol.dispose]: () => {} };
  }
  const copy = mkdtempSync(join(tmpdir(), 'starlift-deploy-'));
  cpSync(packed, join(copy, 'services'), { recursive: true });
  return {
    folder: (service) => join(copy, 'services', service),
    [Symbol.dispose]: () => rmSync(copy, { recursive: true, force: true }),
  };
}

function findClone(): string {
  for (let folder = new URL('.', import.meta.url); ; folder = new URL('..', folder)) {
    if (existsSync(new URL('services/ingestion/serverless.yml', folder))) return fileURLToPath(folder);
    if (folder.pathname === '/') throw new Error('there are no services above the files of Starlift');
  }
}
