import type pg from 'pg';

/** A replica, a promoted standby and a restored backup have the same identity; another database has another. */
export async function identifyDatabase(client: pg.Client): Promise<string> {
  try {
    const { rows } = await client.query<{ id: string }>(
      `select format('%s/%s', system_identifier, current_database()) as id from pg_control_system()`,
    );
    return rows[0]?.id ?? '';
  } catch (error) {
    // Managed services refuse it by the right or, as Aurora may, altogether.
    if (!['42501', '0A000'].includes(String((error as { code?: unknown }).code))) throw error;
    return `${client.host}:${client.port}/${client.database ?? ''}`;
  }
}
