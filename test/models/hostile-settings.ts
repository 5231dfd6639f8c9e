/** Each changes how a server writes or reads values, names or plans, for every session that does not say otherwise. */
export const hostileSettings = {
  array_nulls: 'off',
  bytea_output: 'escape',
  client_encoding: 'LATIN1',
  client_min_messages: 'debug1',
  datestyle: 'German, DMY',
  default_transaction_isolation: 'serializable',
  enable_seqscan: 'off',
  enable_tidscan: 'off',
  extra_float_digits: '-5',
  intervalstyle: 'sql_standard',
  plan_cache_mode: 'force_generic_plan',
  quote_all_identifiers: 'on',
  search_path: 'pg_catalog',
  timezone: 'Asia/Kolkata',
  transform_null_equals: 'on',
};
