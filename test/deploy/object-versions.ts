import { zstdDecompressSync } from 'node:zlib';
import { GetObjectCommand, ListObjectVersionsCommand, S3Client } from '@aws-sdk/client-s3';
import { readParquetRows } from '../helpers/rows/parquet-rows.ts';
import { type MiniStack, region } from './ministack.ts';

export interface VersionOfObject {
  key: string;
  /** Of all rows. */
  ids: number[];
}

interface Row {
  /** Of its key, a number, in both zones. */
  column: string;
  ingestedTable: string;
  processedTable: string;
}

/** All versions of a table's objects in both buckets, old ones too. */
export async function readVersions(
  { endpoint }: Pick<MiniStack, 'endpoint'>,
  stage: string,
  { column, ingestedTable, processedTable }: Row,
): Promise<Record<'ingested' | 'processed', VersionOfObject[]>> {
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  const s3 = new S3Client({ endpoint, region, credentials, forcePathStyle: true });
  const read = async (zone: string, Prefix: string, idsOf: (body: Uint8Array) => Promise<number[]>) => {
    const Bucket = `starlift-${stage}-${zone}-000000000000-${region}`;
    const { Versions = [] } = await s3.send(new ListObjectVersionsCommand({ Bucket, Prefix }));
    const found: VersionOfObject[] = [];
    for (const { Key: key = '', VersionId } of Versions) {
      const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key: key, VersionId }));
      found.push({ key, ids: await idsOf((await Body?.transformToByteArray()) ?? new Uint8Array()) });
    }
    return found;
  };
  const ofLine = new RegExp(`"${column}":(\\d+)`);
  return {
    ingested: await read('ingested', `${ingestedTable}/`, async (body) =>
      zstdDecompressSync(body)
        .toString()
        .split('\n')
        .flatMap((line) => ofLine.exec(line)?.[1] ?? [])
        .map(Number),
    ),
    processed: await read('processed', `${processedTable}/`, async (body) =>
      (await readParquetRows(body)).map((row) => Number(row[column])),
    ),
  };
}
