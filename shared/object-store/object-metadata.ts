import { TerminalError } from '../errors.ts';
import { formatObjectVersion, type ObjectVersion, parseObjectVersion } from './object-version.ts';

/** What an ingested object says of itself, in S3 user metadata. */
export interface IngestedMetadata {
  version: ObjectVersion;
  rows: number;
}

/** What a processed object says of itself, in S3 user metadata. */
export interface ProcessedMetadata {
  version: ObjectVersion;
  /** Rows in this object. */
  rows: number;
  /** Rows of the ingested object that went to quarantine instead. */
  quarantined: number;
}

export const formatIngestedMetadata = ({ version, rows }: IngestedMetadata): Record<string, string> => ({
  version: formatObjectVersion(version),
  rows: String(rows),
});

export const formatProcessedMetadata = (metadata: ProcessedMetadata): Record<string, string> => ({
  ...formatIngestedMetadata(metadata),
  quarantined: String(metadata.quarantined),
});

/** @throws {TerminalError} the metadata lacks a field or holds a malformed one: the object was not put by Starlift */
export function parseIngestedMetadata(key: string, metadata: Record<string, string>): IngestedMetadata {
  return {
    version: parseObjectVersion(metadata.version ?? ''),
    rows: parseCount(key, 'rows', metadata.rows),
  };
}

/** @throws {TerminalError} as `parseIngestedMetadata` */
export function parseProcessedMetadata(key: string, metadata: Record<string, string>): ProcessedMetadata {
  return {
    ...parseIngestedMetadata(key, metadata),
    quarantined: parseCount(key, 'quarantined', metadata.quarantined),
  };
}

function parseCount(key: string, name: string, text: string | undefined): number {
  if (text === undefined || !/^\d{1,15}$/.test(text)) {
    throw new TerminalError(`the object's metadata has no valid ${name}`, { key });
  }
  return Number(text);
}
