import pg from 'pg';

/** What an Aurora cluster says in the same words: https://github.com/ankane/pghero/issues/168 */
const refused = (name: string) => `Function ${name}() is currently not supported for Aurora`;
/** https://github.com/jobinau/pg_gather/issues/9 */
const lacksLogical = `wal_level must be set to 'logical'`;

export interface AuroraOptions {
  /** How the writer refuses the functions of the log. */
  refusal: 'not supported' | 'wal_level';
  /** A reader of the cluster. */
  isReader?: boolean;
  /** The instance that is connected to. */
  instance: string;
}

/**
 * Makes one database of a Postgres refuse what Aurora refuses, and know what Aurora knows. Its functions are found by name as
 * the server's own are, in pg_catalog. What an Aurora does otherwise is not in it.
 *
 * @param url of a superuser
 */
export async function emulateAurora(
  url: string,
  { refusal, isReader = false, instance }: AuroraOptions,
): Promise<void> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    await client.query('set allow_system_table_mods = on');
    const withoutArguments = ['pg_current_wal_insert_lsn', 'pg_current_wal_flush_lsn', 'pg_current_wal_lsn'];
    const hidden = [
      ...withoutArguments.map((name) => ({ name, parameters: '', returns: 'pg_lsn' })),
      { name: 'pg_last_wal_replay_lsn', parameters: '', returns: 'pg_lsn' },
      { name: 'pg_last_wal_receive_lsn', parameters: '', returns: 'pg_lsn' },
      { name: 'pg_walfile_name', parameters: 'pg_lsn', returns: 'text' },
      { name: 'pg_control_system', parameters: 'out system_identifier bigint', returns: undefined },
    ];
    for (const { name, parameters, returns } of hidden) {
      const known = `('pg_catalog.' || $1)::regproc::oid`;
      await client.query(`update pg_proc set proname = 'hidden_' || proname where oid = ${known}`, [name]);
      const [code, text] =
        refusal === 'wal_level' && name !== 'pg_control_system'
          ? ['55000', lacksLogical]
          : ['0A000', refused(name)];
      await client.query(`
        create function pg_catalog.${name}(${parameters}) ${returns === undefined ? '' : `returns ${returns}`}
          language plpgsql as $$ begin raise exception $m$${text}$m$ using errcode = '${code}'; end $$`);
    }
    const tell = (name: string, type: string, value: string) =>
      client.query(
        `create function pg_catalog.${name}() returns ${type} language sql as $$ select ${value} $$`,
      );
    await tell('aurora_version', 'text', `'16.6.1'`);
    await tell('aurora_db_instance_identifier', 'text', `'${instance}'`);
    if (isReader) {
      await client.query(
        `update pg_proc set proname = 'hidden_recovery' where proname = 'pg_is_in_recovery'`,
      );
      await tell('pg_is_in_recovery', 'boolean', 'true');
    }
  } finally {
    await client.end();
  }
}

/** After a failover another instance writes. */
export async function failOver(url: string, instance: string): Promise<void> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    await client.query('set allow_system_table_mods = on');
    await client.query(
      `create or replace function pg_catalog.aurora_db_instance_identifier() returns text language sql as $$ select '${instance}' $$`,
    );
  } finally {
    await client.end();
  }
}
