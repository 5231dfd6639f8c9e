import type { SQSClient } from '@aws-sdk/client-sqs';
import type pg from 'pg';
import { censusTable, ledgerTable } from '../../../shared/ledger/schema/ledger-schema.ts';
import { formatObjectCreated } from '../../../shared/queue/object-created.ts';
import { sendAll, textAttribute } from '../../../shared/queue/send-all.ts';
import { deletedByColumn } from '../../../shared/warehouse/warehouse-schema.ts';

export interface DueDeps {
  sqs: Pick<SQSClient, 'send'>;
  loadQueueUrl: string;
  processedBucket: string;
  /** Of the star schema's tables. */
  schema: string;
}

/**
 * Sends the censuses again that have to be applied once more: rows that are older came in since, or their table could not be
 * marked then and can be now. What is sent needlessly is applied needlessly.
 *
 * @param client of a warehouse that has the pipeline's own tables
 * @returns how many there were
 */
export async function sendDueCensuses(client: pg.ClientBase, deps: DueDeps): Promise<number> {
  const { sqs, loadQueueUrl, processedBucket: bucket, schema } = deps;
  const { rows } = await client.query<{ key: string }>(
    `select o.key from ${censusTable} c join ${ledgerTable} o using (object_id)
      where c.due_since is not null
         or (c.state = 'unmarked' and exists (
              select from pg_attribute a
               where a.attrelid = to_regclass(quote_ident($1) || '.' || quote_ident(c.warehouse_table))
                 and a.attname = '${deletedByColumn}' and not a.attisdropped))`,
    [schema],
  );
  const attributes = { replay: textAttribute('due') };
  const messages = rows.map(({ key }) => ({ body: formatObjectCreated({ bucket, key }), attributes }));
  if (messages.length > 0) await sendAll(sqs, loadQueueUrl, messages);
  return messages.length;
}
