import type pg from 'pg';

/** Every character of any source fits; SQL_ASCII takes the bytes as they come. */
const fit: readonly string[] = ['UTF8', 'SQL_ASCII'];

/**
 * A warehouse in another encoding lacks characters. One row that has such a character would fail its whole object, and with it
 * the facts that wait for it.
 *
 * @returns what is wrong and what to type; undefined where nothing is
 */
export async function findUnfitEncoding(client: pg.ClientBase): Promise<string | undefined> {
  const { rows } = await client.query<{ encoding: string; name: string }>(
    `select current_setting('server_encoding') as encoding, current_database() as name`,
  );
  const [found] = rows;
  if (found === undefined || fit.includes(found.encoding)) return undefined;
  return (
    `the warehouse ${found.name} has the encoding ${found.encoding}, which lacks characters that a source may have. ` +
    `Make another one: create database NAME encoding 'UTF8' locale 'C' template template0`
  );
}
