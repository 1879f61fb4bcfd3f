/** Configurations, catalogs and states that are wrong in every way that came to mind, and what a user is told of each. */

/** What a run is given, and how it ends. */
export interface FileCase {
  name: string;
  connector?: 'source-convex' | 'destination-convex';
  /** Default `check` for a configuration, `read` or `write` for anything else. */
  verb?: string;
  /** Members for the configuration, or the file's content as it is. Undefined: one that is right. */
  config?: object | string | Buffer;
  /** The stream of the catalog, changed by these members; a text or bytes are the file as it is. */
  catalog?: object | string | Buffer;
  state?: object | string | Buffer;
  kind: string;
  message: string;
}

const deep = (levels: number, open: string, close: string, inside = ''): string =>
  open.repeat(levels) + inside + close.repeat(levels);

export const CONFIGS: FileCase[] = [
  { name: 'empty', config: '', kind: 'FAILED', message: 'The configuration file is not valid JSON: it is empty.' },
  { name: 'blank', config: ' \n', kind: 'FAILED', message: 'The configuration file is not valid JSON.' },
  {
    name: 'cut off',
    config: '{"deployment_url": "https://a',
    kind: 'FAILED',
    message: 'The configuration file is not valid JSON.',
  },
  { name: 'null', config: 'null', kind: 'FAILED', message: 'The configuration is not valid: it must be object.' },
  { name: 'a list', config: '[]', kind: 'FAILED', message: 'The configuration is not valid: it must be object.' },
  {
    name: 'a text',
    config: '"https://a.convex.cloud"',
    kind: 'FAILED',
    message: 'The configuration is not valid: it must be object.',
  },
  { name: 'a number', config: '1e999', kind: 'FAILED', message: 'The configuration is not valid: it must be object.' },
  {
    name: 'YAML',
    config: 'deployment_url: https://a.convex.cloud\n',
    kind: 'FAILED',
    message: 'The configuration file is not valid JSON.',
  },
  {
    name: 'UTF-16',
    config: Buffer.from('\ufeff{"deployment_url":"x"}', 'utf16le'),
    kind: 'FAILED',
    message: 'The configuration file is not valid JSON.',
  },
  {
    name: 'not UTF-8',
    config: Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d]),
    kind: 'FAILED',
    message: 'The configuration is not valid: deployment_url is missing; access_key is missing.',
  },
  { name: 'NUL bytes', config: '\0\0\0\0', kind: 'FAILED', message: 'The configuration file is not valid JSON.' },
  {
    name: 'empty object',
    config: '{}',
    kind: 'FAILED',
    message: 'The configuration is not valid: deployment_url is missing; access_key is missing.',
  },
  {
    name: 'no key',
    config: '{"deployment_url":"http://127.0.0.1:9"}',
    kind: 'FAILED',
    message: 'The configuration is not valid: access_key is missing.',
  },
  {
    name: 'no URL',
    config: '{"access_key":"a|b"}',
    kind: 'FAILED',
    message: 'The configuration is not valid: deployment_url is missing.',
  },
  {
    name: 'URL is a number',
    config: { deployment_url: 5 },
    kind: 'FAILED',
    message: 'The configuration is not valid: deployment_url must be string.',
  },
  {
    name: 'URL is null',
    config: { deployment_url: null },
    kind: 'FAILED',
    message: 'The configuration is not valid: deployment_url must be string.',
  },
  {
    name: 'URL is empty',
    config: { deployment_url: '' },
    kind: 'FAILED',
    message: 'The configuration is not valid: deployment_url must look like https://<deployment name>.convex.cloud.',
  },
  {
    name: 'URL without a protocol',
    config: { deployment_url: 'happy-otter-123.convex.cloud' },
    kind: 'FAILED',
    message: 'The configuration is not valid: deployment_url must look like https://<deployment name>.convex.cloud.',
  },
  {
    name: 'URL of another protocol',
    config: { deployment_url: 'file:///etc/passwd' },
    kind: 'FAILED',
    message: 'The configuration is not valid: deployment_url must look like https://<deployment name>.convex.cloud.',
  },
  {
    name: 'URL with a path',
    config: { deployment_url: 'https://a.convex.cloud/api?x=1' },
    kind: 'FAILED',
    message: 'The deployment URL has more than a host: leave out everything after https://a.convex.cloud.',
  },
  {
    name: 'URL with a password',
    config: { deployment_url: 'https://me:secret@a.convex.cloud' },
    kind: 'FAILED',
    message:
      'The deployment URL contains a user name or a password. The deploy key belongs into the field for the key.',
  },
  {
    name: 'URL of the dashboard',
    config: { deployment_url: 'https://dashboard.convex.dev/t/me/app' },
    kind: 'FAILED',
    message:
      'The deployment URL is the address of the Convex dashboard. Use the URL of the deployment, which the dashboard shows under Settings → URL & Deploy Key. It should look like https://happy-otter-123.convex.cloud.',
  },
  {
    name: 'URL of HTTP actions',
    config: { deployment_url: 'https://happy-otter-123.convex.site' },
    kind: 'FAILED',
    message:
      'happy-otter-123.convex.site serves HTTP actions. Use the deployment URL instead, which ends in .convex.cloud: https://happy-otter-123.convex.cloud.',
  },
  {
    name: 'URL that would send the key in the clear',
    config: { deployment_url: 'http://happy-otter-123.convex.cloud' },
    kind: 'FAILED',
    message:
      'The deployment URL uses http, which would send the deploy key in the clear. Use https://happy-otter-123.convex.cloud.',
  },
  {
    name: 'URL with an impossible port',
    config: { deployment_url: 'http://localhost:99999' },
    kind: 'FAILED',
    message: 'The deployment URL is not a URL. It should look like https://happy-otter-123.convex.cloud.',
  },
  {
    name: 'URL with a line break',
    config: { deployment_url: 'http://127.0.0.1:9\r\nX-Evil: 1' },
    kind: 'FAILED',
    message: 'The configuration is not valid: deployment_url must look like https://<deployment name>.convex.cloud.',
  },
  {
    name: 'a key in the place of the URL',
    config: { deployment_url: 'prod:happy-otter-123|0123456789abcdef' },
    kind: 'FAILED',
    message: 'The configuration is not valid: deployment_url must look like https://<deployment name>.convex.cloud.',
  },
  {
    name: 'key is a list',
    config: { access_key: ['a|b'] },
    kind: 'FAILED',
    message: 'The configuration is not valid: access_key must be string.',
  },
  { name: 'key is blank', config: { access_key: '  \t ' }, kind: 'FAILED', message: 'The deploy key is empty.' },
  {
    name: 'key with a line break',
    config: { access_key: 'prod:a|b\r\nHost: evil' },
    kind: 'FAILED',
    message:
      'The deploy key contains blanks, line breaks or other characters that no deploy key has. Copy it once more, whole.',
  },
  {
    name: 'key with letters beyond ASCII',
    config: { access_key: 'prod:a|b…' },
    kind: 'FAILED',
    message:
      'The deploy key contains blanks, line breaks or other characters that no deploy key has. Copy it once more, whole.',
  },
  {
    name: 'unknown choice',
    config: { expired_cursor_behavior: 'Panic', value_format: 7 },
    kind: 'FAILED',
    message:
      'The configuration is not valid: expired_cursor_behavior must be one of "Fail sync", "Re-sync data"; value_format must be string; value_format must be one of "json", "convex_encoded_json", "export_json".',
  },
  {
    name: 'unknown choice of the destination',
    connector: 'destination-convex',
    config: { on_rejected_record: null },
    kind: 'FAILED',
    message:
      'The configuration is not valid: on_rejected_record must be string; on_rejected_record must be one of "Fail sync", "Skip and report".',
  },
  {
    name: 'nested a hundred thousand times',
    config: `{"deployment_url":${deep(100_000, '[', ']')}}`,
    kind: 'FAILED',
    message: 'The configuration is not valid: access_key is missing; deployment_url must be string.',
  },
  {
    name: '__proto__',
    config: '{"__proto__":{"deployment_url":"http://127.0.0.1:9","access_key":"a|b"}}',
    kind: 'FAILED',
    message: 'The configuration is not valid: deployment_url is missing; access_key is missing.',
  },
];

export const CATALOGS: FileCase[] = [
  { name: 'empty', catalog: '', kind: 'config_error', message: 'The catalog file is not valid JSON: it is empty.' },
  { name: 'not JSON', catalog: '{"streams": [', kind: 'config_error', message: 'The catalog file is not valid JSON.' },
  {
    name: 'null',
    catalog: 'null',
    kind: 'config_error',
    message: 'The catalog is not a configured catalog: it has no list "streams".',
  },
  {
    name: 'a list',
    catalog: '[{"stream":{"name":"users"}}]',
    kind: 'config_error',
    message: 'The catalog is not a configured catalog: it has no list "streams".',
  },
  {
    name: 'streams are no list',
    catalog: '{"streams":{"users":{}}}',
    kind: 'config_error',
    message: 'The catalog is not a configured catalog: it has no list "streams".',
  },
  {
    name: 'a discovered catalog',
    catalog: '{"streams":[{"name":"users","json_schema":{}}]}',
    kind: 'config_error',
    message: 'The catalog is not a configured catalog: stream number 1 has no name.',
  },
  {
    name: 'stream is null',
    catalog: '{"streams":[null]}',
    kind: 'config_error',
    message: 'The catalog is not a configured catalog: stream number 1 has no name.',
  },
  {
    name: 'name is a number',
    catalog: { stream: { name: 7 } },
    kind: 'config_error',
    message: 'The catalog is not a configured catalog: stream number 1 has no name.',
  },
  {
    name: 'name is empty',
    catalog: { stream: { name: '' } },
    kind: 'config_error',
    message: 'The catalog is not a configured catalog: stream number 1 has no name.',
  },
  {
    name: 'namespace is a list',
    catalog: { stream: { name: 'users', namespace: [] } },
    kind: 'config_error',
    message: 'The catalog is not valid: the namespace of stream "users" is not a string.',
  },
  {
    name: 'no sync mode',
    catalog: { sync_mode: undefined },
    kind: 'config_error',
    message:
      'The catalog is not valid: stream "users" asks for a sync mode that does not exist. Known are full_refresh and incremental.',
  },
  {
    name: 'unknown sync mode',
    catalog: { sync_mode: 'sideways' },
    kind: 'config_error',
    message:
      'The catalog is not valid: stream "users" asks for a sync mode that does not exist. Known are full_refresh and incremental.',
  },
  {
    name: 'twice the same',
    catalog:
      '{"streams":[{"stream":{"name":"users"},"sync_mode":"incremental"},{"stream":{"name":"users","namespace":""},"sync_mode":"incremental"}]}',
    kind: 'config_error',
    message: 'The catalog is not valid: it has the stream "users" twice.',
  },
  {
    name: 'a table that is not there',
    catalog: { stream: { name: 'user\u0000s' } },
    kind: 'config_error',
    message:
      'The deployment has no table "user\u0000s". It may be misspelt, not created yet, or of another deployment. Refresh the source\'s schema and deselect the stream, or create the table.',
  },
  {
    name: 'a name of the language',
    catalog: { stream: { name: '__proto__' } },
    kind: 'config_error',
    message:
      'The deployment has no table "__proto__". It may be misspelt, not created yet, or of another deployment. Refresh the source\'s schema and deselect the stream, or create the table.',
  },
  {
    name: 'no destination sync mode',
    connector: 'destination-convex',
    catalog: { destination_sync_mode: undefined },
    kind: 'config_error',
    message:
      'Stream "users" asks for no destination sync mode. This destination knows overwrite, append and append_dedup.',
  },
  {
    name: 'destination sync mode is a list',
    connector: 'destination-convex',
    catalog: { destination_sync_mode: ['append'] },
    kind: 'config_error',
    message:
      'Stream "users" asks for no destination sync mode. This destination knows overwrite, append and append_dedup.',
  },
  {
    name: 'dedup without a primary key',
    connector: 'destination-convex',
    catalog: { primary_key: null },
    kind: 'config_error',
    message:
      'Stream "users" is to be deduplicated but has no primary key. Choose a primary key for it, or the sync mode append or overwrite.',
  },
  {
    name: 'primary key is a text',
    connector: 'destination-convex',
    catalog: { primary_key: 'id' },
    kind: 'config_error',
    message:
      'The catalog is not valid: stream "users" has a primary_key that is not a list of paths, each a list of names.',
  },
  {
    name: 'primary key is a list of texts',
    connector: 'destination-convex',
    catalog: { primary_key: ['id'] },
    kind: 'config_error',
    message:
      'The catalog is not valid: stream "users" has a primary_key that is not a list of paths, each a list of names.',
  },
  {
    name: 'primary key of numbers',
    connector: 'destination-convex',
    catalog: { primary_key: [[1]] },
    kind: 'config_error',
    message:
      'The catalog is not valid: stream "users" has a primary_key that is not a list of paths, each a list of names.',
  },
  {
    name: 'primary key with an empty path',
    connector: 'destination-convex',
    catalog: { primary_key: [[]] },
    kind: 'config_error',
    message:
      'Stream "users" is to be deduplicated but has no primary key. Choose a primary key for it, or the sync mode append or overwrite.',
  },
  {
    name: 'primary key that is not stored',
    connector: 'destination-convex',
    catalog: { primary_key: [['_ab_cdc_lsn']] },
    kind: 'config_error',
    message:
      'Stream "users" has the primary key "_ab_cdc_lsn", which is not stored: Convex leaves out all fields that begin with _ab_cdc. Choose another primary key.',
  },
  {
    name: 'primary key of blanks',
    connector: 'destination-convex',
    catalog: { primary_key: [['first name']] },
    kind: 'config_error',
    message:
      'Stream "users" has the primary key "first name", which Convex cannot index: "first name" does not consist of letters, digits and underscores only (64 at most, the first a letter). Rename the field in the source, choose another primary key, or the sync mode append or overwrite.',
  },
  {
    name: 'generations are texts',
    connector: 'destination-convex',
    catalog: { generation_id: 'two', minimum_generation_id: 'two' },
    kind: 'config_error',
    message: 'The catalog is not valid: stream "users" has a generation_id that is not a whole number.',
  },
  {
    name: 'generations that are kept in part',
    connector: 'destination-convex',
    catalog: { generation_id: 5, minimum_generation_id: 3 },
    kind: 'config_error',
    message:
      'Stream "users" asks to remove generations below 3 and to keep those up to 5. A table in Convex does not know the generations of its documents. Refresh the stream and remove its records.',
  },
  {
    name: 'a name that is too long',
    connector: 'destination-convex',
    catalog: { stream: { name: 'x'.repeat(65) } },
    kind: 'config_error',
    message: `Stream "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" would be written to the table "source_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", whose name has 72 characters; Convex allows 64. Rename the stream, or choose a shorter namespace or prefix in the connection's settings.`,
  },
];

const saved = (content: unknown): object => [
  { type: 'STREAM', stream: { stream_descriptor: { name: 'users' }, stream_state: content } },
];
const right = { snapshot_cursor: null, snapshot_has_more: false, delta_cursor: '1786000000000000003' };

export const STATES: FileCase[] = [
  {
    name: 'not JSON',
    state: '[{"type":"STREAM"',
    kind: 'config_error',
    message:
      'The state file is not valid: it is not JSON. Use the file that the last sync saved, or start anew without one.',
  },
  {
    name: 'a number',
    state: '5',
    kind: 'config_error',
    message:
      'The state file is not valid: byte 0 does not start a JSON object. Use the file that the last sync saved, or start anew without one.',
  },
  {
    name: 'a text',
    state: '"state"',
    kind: 'config_error',
    message:
      'The state file is not valid: byte 0 does not start a JSON object. Use the file that the last sync saved, or start anew without one.',
  },
  {
    name: 'a list of numbers',
    state: '[1,2]',
    kind: 'config_error',
    message:
      'The state file is not valid: byte 0 does not start a JSON object. Use the file that the last sync saved, or start anew without one.',
  },
  {
    name: 'no descriptor',
    state: '[{"type":"STREAM","stream":{"stream_state":{}}}]',
    kind: 'config_error',
    message:
      'The state file is not valid: a state in it names no stream. Use the file that the last sync saved, or start anew without one.',
  },
  {
    name: 'stream is a text',
    state: '[{"type":"STREAM","stream":"users"}]',
    kind: 'config_error',
    message:
      'The state file is not valid: byte 0 does not start a JSON object. Use the file that the last sync saved, or start anew without one.',
  },
  {
    name: 'name is a number',
    state: '[{"type":"STREAM","stream":{"stream_descriptor":{"name":7},"stream_state":{"a":1}}}]',
    kind: 'config_error',
    message:
      'The state file is not valid: a state in it names no stream. Use the file that the last sync saved, or start anew without one.',
  },
  {
    name: 'LEGACY',
    state: '{"type":"LEGACY","data":{"users":{"delta_cursor":1}}}',
    kind: 'config_error',
    message:
      'The state file holds a state of the type LEGACY, which cannot be assigned to streams. Clear the streams and sync them anew.',
  },
  {
    name: 'GLOBAL whose streams are no list',
    state: '[{"type":"GLOBAL","global":{"stream_states":{"users":{}}}}]',
    kind: 'config_error',
    message:
      'The state file is not valid: byte 0 does not start a JSON object. Use the file that the last sync saved, or start anew without one.',
  },
  {
    name: 'GLOBAL that is a list',
    state: '[{"type":"GLOBAL","global":[1]}]',
    kind: 'config_error',
    message:
      'The state file is not valid: byte 0 does not start a JSON object. Use the file that the last sync saved, or start anew without one.',
  },
  {
    name: 'messages inside messages',
    state: deep(100_000, '{"type":"STATE","state":', '}', '{}'),
    kind: 'ok',
    message: '',
  },
  {
    name: 'nested a hundred thousand times',
    state: `[{"type":"STREAM","stream":{"stream_descriptor":{"name":"users"},"stream_state":${deep(100_000, '[', ']')}}}]`,
    kind: 'config_error',
    message: 'The saved state of stream "users" is not a JSON object. Refresh (or clear) the stream to read it anew.',
  },
  {
    name: 'content is a text',
    state: saved('1786000000000000003'),
    kind: 'config_error',
    message: 'The saved state of stream "users" is not a JSON object. Refresh (or clear) the stream to read it anew.',
  },
  {
    name: 'content of another source',
    state: saved({ cursor: '2026-01-01' }),
    kind: 'config_error',
    message:
      'The saved state of stream "users" lacks snapshot_has_more, so it is not a state of source-convex. Refresh (or clear) the stream to read it anew.',
  },
  {
    name: 'position is a fraction',
    state: saved({ ...right, delta_cursor: 1.5 }),
    kind: 'config_error',
    message:
      'The saved state of stream "users" has a delta_cursor that is no timestamp. Refresh (or clear) the stream to read it anew.',
  },
  {
    name: 'position in exponents',
    state:
      '[{"type":"STREAM","stream":{"stream_descriptor":{"name":"users"},"stream_state":{"snapshot_cursor":null,"snapshot_has_more":false,"delta_cursor":1.786e18}}}]',
    kind: 'config_error',
    message:
      'The saved state of stream "users" has a delta_cursor that is no timestamp. Refresh (or clear) the stream to read it anew.',
  },
  {
    name: 'position is negative',
    state: saved({ ...right, delta_cursor: '-5' }),
    kind: 'config_error',
    message:
      'The saved state of stream "users" has a delta_cursor that is no timestamp. Refresh (or clear) the stream to read it anew.',
  },
  {
    name: 'position is a word',
    state: saved({ ...right, delta_cursor: 'yesterday' }),
    kind: 'config_error',
    message:
      'The saved state of stream "users" has a delta_cursor that is no timestamp. Refresh (or clear) the stream to read it anew.',
  },
  {
    name: 'position of forty digits',
    state: saved({ ...right, delta_cursor: '1'.repeat(40) }),
    kind: 'config_error',
    message:
      'The saved state of stream "users" has a delta_cursor that is no timestamp. Refresh (or clear) the stream to read it anew.',
  },
  {
    name: 'position beyond 64 bits',
    state: saved({ ...right, delta_cursor: '9'.repeat(19) }),
    kind: 'config_error',
    message:
      'The saved state of stream "users" has a delta_cursor that is no timestamp. Refresh (or clear) the stream to read it anew.',
  },
  {
    name: 'no position',
    state: saved({ ...right, delta_cursor: null }),
    kind: 'config_error',
    message: 'The saved state of stream "users" lacks delta_cursor. Refresh (or clear) the stream to read it anew.',
  },
  {
    name: 'has_more is a text',
    state: saved({ ...right, snapshot_has_more: 'false' }),
    kind: 'config_error',
    message:
      'The saved state of stream "users" lacks snapshot_has_more, so it is not a state of source-convex. Refresh (or clear) the stream to read it anew.',
  },
  {
    name: 'snapshot cursor is an object',
    state: saved({ ...right, snapshot_has_more: true, snapshot_cursor: { tablet: 'x' } }),
    kind: 'config_error',
    message:
      'The saved state of stream "users" has a snapshot_cursor that is no string. Refresh (or clear) the stream to read it anew.',
  },
  {
    name: 'snapshot cursor that nobody gave',
    state: saved({ ...right, snapshot_has_more: true, snapshot_cursor: 'DROP TABLE' }),
    kind: 'config_error',
    message:
      '127.0.0.1 does not know the saved position (400 InvalidListSnapshotCursor): the state is of another deployment, or the deployment was restored from a backup since. Refresh (or clear) the stream to read it anew.',
  },
  {
    name: 'of another deployment',
    state: saved({ ...right, deployment: 'wise-heron-101' }),
    kind: 'config_error',
    message:
      'The saved state of stream "users" was saved from the deployment wise-heron-101, but this connection reads happy-otter-123. Refresh (or clear) the stream to read it anew from here, or correct the deployment URL and the deploy key.',
  },
  {
    name: 'deployment is a number',
    state: saved({ ...right, deployment: 5 }),
    kind: 'config_error',
    message:
      'The saved state of stream "users" has a deployment that is no string. Refresh (or clear) the stream to read it anew.',
  },
];
