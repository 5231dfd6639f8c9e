/**
 * The settings of a session whose COPY text the transcoder reads, by name, for set_config or
 * `set local`. With other values the text of a timestamp, interval, float or bytea takes another form, or
 * loses digits, and the transcoder's output is no longer that of row_to_json.
 */
export const extractSessionSettings: Record<string, string> = {
  client_encoding: 'UTF8',
  DateStyle: 'ISO, YMD',
  IntervalStyle: 'postgres',
  TimeZone: 'UTC',
  extra_float_digits: '1',
  bytea_output: 'hex',
};
