import type pg from 'pg';
import { starSchema } from '../../shared/star-schema/star-schema.ts';
import { connect } from '../connect.ts';
import type { NamedDatabases } from '../embedded/bind.ts';
import { UsageError } from '../usage-error.ts';

/**
 * Looks at databases of the user's own before the folder is made and anything is started.
 *
 * @throws {UsageError} one cannot be reached, or the source has none of the model's tables
 */
export async function lookAhead({ source, warehouse }: NamedDatabases): Promise<void> {
  if (source !== undefined) {
    const client = await connect(source, 'source');
    await assertSourceHasTables(client).finally(() => client.end());
  }
  if (warehouse !== undefined) await (await connect(warehouse, 'warehouse')).end();
}

/** @throws {UsageError} the source has none of the model's tables */
export async function assertSourceHasTables(source: pg.Client): Promise<void> {
  const names = starSchema.sources.map(({ name }) => name);
  const { rows } = await source.query(
    `select from pg_class where relnamespace = to_regnamespace('public') and relname = any($1) limit 1`,
    [names],
  );
  if (rows.length === 0) {
    throw new UsageError(
      `the source has none of the model's tables (${names.join(', ')}) in its schema public`,
    );
  }
}
