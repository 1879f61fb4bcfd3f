/** What a source may write to a destination although it should not; and what the user is told of each. */

export interface StdinCase {
  name: string;
  /** Lines, each ended by a newline; or the bytes as they are. Three good records of `logs` stand before them. */
  input: readonly string[] | Buffer;
  kind: string;
  message: string;
  /** Records of `logs` (appended) and `users` (deduplicated by `_id`) that are stored at the end. */
  stored: readonly [logs: number, users: number];
  /** States that come back. Default: none. */
  states?: number;
  /** A line of the log that tells of it. */
  log?: string;
}

const record = (data: string, stream = '"users"'): string =>
  `{"type":"RECORD","record":{"stream":${stream},"data":${data},"emitted_at":1786000000123}}`;
const state = (text: string): string => `{"type":"STATE","state":${text}}`;
/** A record with other bytes in the place of its `#`. */
const split = (data: string, instead: number[]): [string, number[], string] => {
  const [before = '', after = ''] = record(data).split('#');
  return [before, instead, after];
};
const good = record('{"_id":"good"}');
const bytes = (...parts: (string | number[])[]): Buffer =>
  Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : Buffer.from(part))));

export const LINES: StdinCase[] = [
  { name: 'nothing', input: [], kind: 'ok', message: '', stored: [3, 0] },
  { name: 'blank lines', input: ['', '   ', '\t', '\r', good], kind: 'ok', message: '', stored: [3, 1] },
  {
    name: 'text',
    input: ['Traceback (most recent call last):', '  File "x.py"', good],
    kind: 'ok',
    message: '',
    stored: [3, 1],
    log: 'WARN 2 lines that are not messages were skipped.',
  },
  {
    name: 'JSON that is no message',
    input: ['null', '5', '[]', '"RECORD"', '{}', '{"type":5}', good],
    kind: 'ok',
    message: '',
    stored: [3, 1],
    log: 'WARN 4 lines that are not messages were skipped.',
  },
  {
    name: 'messages of types to come',
    input: ['{"type":"DANCE","dance":{}}', good],
    kind: 'ok',
    message: '',
    stored: [3, 1],
  },
  {
    name: 'CRLF',
    input: [
      `${good}\r`,
      `${state('{"type":"STREAM","stream":{"stream_descriptor":{"name":"users"},"stream_state":{}}}')}\r`,
    ],
    kind: 'ok',
    message: '',
    stored: [3, 1],
    states: 1,
  },
  {
    name: 'a byte order mark',
    input: bytes([0xef, 0xbb, 0xbf], good, '\n'),
    kind: 'system_error',
    message: 'The source sent a RECORD message that is not valid JSON. Skipping it would lose data.',
    stored: [3, 0],
  },
  {
    name: 'half a line at the end',
    input: bytes(good, '\n', good.slice(0, 60)),
    kind: 'system_error',
    message: 'The source sent a RECORD message that breaks off. Skipping it would lose data.',
    stored: [3, 1],
  },
  {
    name: 'the first byte of a line at the end',
    input: bytes(good, '\n{'),
    kind: 'system_error',
    message: 'The source sent a last message that breaks off. Skipping it would lose data.',
    stored: [3, 1],
  },
  { name: 'a whole line without its newline', input: bytes(good), kind: 'ok', message: '', stored: [3, 1] },
  {
    name: 'half a line in the middle',
    input: [good.slice(0, 60), good],
    kind: 'system_error',
    message: 'The source sent a RECORD message that is not valid JSON. Skipping it would lose data.',
    stored: [3, 0],
  },
  {
    name: 'half a line and the next one glued to it',
    input: [`${good.slice(0, 60)}${good}`],
    kind: 'system_error',
    message: 'The source sent a RECORD message that is not valid JSON. Skipping it would lose data.',
    stored: [3, 0],
  },
  {
    name: 'two messages on a line',
    input: [`${good}${good}`],
    kind: 'system_error',
    message: 'The source sent a RECORD message that is not valid JSON. Skipping it would lose data.',
    stored: [3, 0],
  },
  {
    name: 'a log line inside a message',
    input: [`${good.slice(0, 40)}INFO working${good.slice(40)}`],
    kind: 'system_error',
    message: 'The source sent a record for the stream "useINFO workingrs", which is not in the catalog.',
    stored: [3, 0],
  },
  {
    name: 'a line of 65 MiB',
    input: bytes(good, '\n', 'x'.repeat(65 * 1024 * 1024), '\n'),
    kind: 'system_error',
    message:
      "The source sent a line of more than 67108864 bytes. Airbyte's messages have up to 20 MB; Convex stores documents of up to 1 MiB.",
    stored: [3, 1],
  },
];

export const RECORDS: StdinCase[] = [
  {
    name: 'no record',
    input: [good, '{"type":"RECORD"}'],
    kind: 'system_error',
    message: 'The source sent a RECORD message without a record. Skipping it would lose data.',
    stored: [3, 1],
  },
  {
    name: 'record is null',
    input: ['{"type":"RECORD","record":null}'],
    kind: 'system_error',
    message: 'The source sent a RECORD message without a record. Skipping it would lose data.',
    stored: [3, 0],
  },
  {
    name: 'record is a list',
    input: ['{"type":"RECORD","record":[]}'],
    kind: 'system_error',
    message: 'The source sent a RECORD message without a record. Skipping it would lose data.',
    stored: [3, 0],
  },
  {
    name: 'type in small letters',
    input: [good.replace('RECORD', 'record')],
    kind: 'system_error',
    message: 'The source sent a record in a message that is not of the type RECORD. Skipping it would lose data.',
    stored: [3, 0],
  },
  {
    name: 'type twice',
    input: [`${good.slice(0, -1)},"type":"LOG"}`],
    kind: 'system_error',
    message: 'The source sent a record in a message that is not of the type RECORD. Skipping it would lose data.',
    stored: [3, 0],
  },
  {
    name: 'no stream',
    input: ['{"type":"RECORD","record":{"data":{}}}'],
    kind: 'system_error',
    message: 'The source sent a RECORD message that names no stream. Skipping it would lose data.',
    stored: [3, 0],
  },
  {
    name: 'stream is a number',
    input: [record('{"_id":"a"}', '7')],
    kind: 'system_error',
    message: 'The source sent a RECORD message that names no stream. Skipping it would lose data.',
    stored: [3, 0],
  },
  {
    name: 'stream that was not asked for',
    input: [good, record('{"_id":"a"}', '"others"')],
    kind: 'system_error',
    message: 'The source sent a record for the stream "others", which is not in the catalog.',
    stored: [3, 1],
  },
  {
    name: 'stream with a name of the language',
    input: [record('{"_id":"a"}', '"__proto__"')],
    kind: 'system_error',
    message: 'The source sent a record for the stream "__proto__", which is not in the catalog.',
    stored: [3, 0],
  },
  {
    name: 'no data',
    input: ['{"type":"RECORD","record":{"stream":"users"}}'],
    kind: 'system_error',
    message: 'The source sent a RECORD message whose data is no object. Skipping it would lose data.',
    stored: [3, 0],
  },
  {
    name: 'data is null',
    input: [record('null')],
    kind: 'system_error',
    message: 'The source sent a RECORD message whose data is no object. Skipping it would lose data.',
    stored: [3, 0],
  },
  {
    name: 'data is a list',
    input: [record('[]')],
    kind: 'system_error',
    message: 'The source sent a RECORD message whose data is no object. Skipping it would lose data.',
    stored: [3, 0],
  },
  {
    name: 'data is a text',
    input: [record('"{}"')],
    kind: 'system_error',
    message: 'The source sent a RECORD message whose data is no object. Skipping it would lose data.',
    stored: [3, 0],
  },
  {
    name: 'data without the key',
    input: [record('{"name":"x"}'), good],
    kind: 'config_error',
    message:
      'Convex refused a record. A record of stream "users" with _id = (missing) was refused: it has no value for the primary key field "_id". The records around them were written. Fix or deselect what is refused, or set "When Convex refuses a record" to "Skip and report" to go on without such records.',
    stored: [3, 0],
  },
  { name: 'key that is null', input: [record('{"_id":null}')], kind: 'ok', message: '', stored: [3, 1] },
  { name: 'key that is a list', input: [record('{"_id":[1,{"a":2}]}')], kind: 'ok', message: '', stored: [3, 1] },
  { name: 'key twice', input: [record('{"_id":"a","_id":"b"}')], kind: 'ok', message: '', stored: [3, 1] },
  {
    name: 'key that another field would displace',
    input: [record('{"_id":"a","$id":"b"}'), good],
    kind: 'config_error',
    message:
      'Convex refused a record. A record of stream "users" with _id = "a" was refused: its primary key field "_id" would not be stored under the name that it has in other records: Convex renames fields that begin with an underscore or have special characters, and here another field has, or is given, that name. Rename one of the fields in the source. The records around them were written. Fix or deselect what is refused, or set "When Convex refuses a record" to "Skip and report" to go on without such records.',
    stored: [3, 0],
  },
  {
    name: '__proto__ as a field',
    input: [record('{"_id":"a","__proto__":{"polluted":true}}')],
    kind: 'ok',
    message: '',
    stored: [3, 1],
  },
  {
    name: 'a word that is none',
    input: [record('{"_id":"a","x":tru}'), good],
    kind: 'config_error',
    message:
      'Convex refused a record. A record of stream "users" with _id = "a" was refused: its field "x" is not valid JSON (BadJsonBody). The records around them were written. Fix or deselect what is refused, or set "When Convex refuses a record" to "Skip and report" to go on without such records.',
    stored: [3, 1],
  },
  {
    name: 'a number that is none',
    input: [record('{"_id":"a","x":1.2.3}'), good],
    kind: 'config_error',
    message:
      'Convex refused a record. A record of stream "users" with _id = "a" was refused: its field "x" is not valid JSON (BadJsonBody). The records around them were written. Fix or deselect what is refused, or set "When Convex refuses a record" to "Skip and report" to go on without such records.',
    stored: [3, 1],
  },
  {
    name: 'a comma too many',
    input: [record('{"_id":"a","x":[1,]}'), good],
    kind: 'config_error',
    message:
      'Convex refused a record. A record of stream "users" with _id = "a" was refused: its field "x" is not valid JSON (BadJsonBody). The records around them were written. Fix or deselect what is refused, or set "When Convex refuses a record" to "Skip and report" to go on without such records.',
    stored: [3, 1],
  },
  {
    name: 'an unknown escape',
    input: [record('{"_id":"a","x":"\\q"}'), good],
    kind: 'config_error',
    message:
      'Convex refused a record. A record of stream "users" with _id = "a" was refused: its field "x" is not valid JSON (BadJsonBody). The records around them were written. Fix or deselect what is refused, or set "When Convex refuses a record" to "Skip and report" to go on without such records.',
    stored: [3, 1],
  },
  {
    name: 'half a surrogate pair',
    input: [record('{"_id":"a","x":"\\ud800"}'), good],
    kind: 'config_error',
    message:
      'Convex refused a record. A record of stream "users" with _id = "a" was refused: its field "x" holds half of a surrogate pair, which is not Unicode (BadJsonBody). The records around them were written. Fix or deselect what is refused, or set "When Convex refuses a record" to "Skip and report" to go on without such records.',
    stored: [3, 1],
  },
  {
    name: 'a raw control character',
    input: [record('{"_id":"a","x":"\u0001"}'), good],
    kind: 'config_error',
    message:
      'Convex refused a record. A record of stream "users" with _id = "a" was refused: its field "x" is not valid JSON (BadJsonBody). The records around them were written. Fix or deselect what is refused, or set "When Convex refuses a record" to "Skip and report" to go on without such records.',
    stored: [3, 1],
  },
  {
    name: 'invalid UTF-8',
    input: bytes(...split('{"_id":"a","x":"#"}', [0xc3, 0x28]), '\n', good, '\n'),
    kind: 'config_error',
    message:
      'Convex refused a record. A record of stream "users" with _id = "a" was refused: its field "x" holds bytes that are not UTF-8 (BadJsonBody). The records around them were written. Fix or deselect what is refused, or set "When Convex refuses a record" to "Skip and report" to go on without such records.',
    stored: [3, 1],
  },
  {
    name: 'nested a hundred times',
    input: [record(`{"_id":"a","x":${'['.repeat(100)}${']'.repeat(100)}}`), good],
    kind: 'config_error',
    message:
      'Convex refused a record. A record of stream "users" with _id = "a" was refused: its field "x" is nested too deeply: the record has 101 levels, and Convex takes 16 (TooNestedError). The records around them were written. Fix or deselect what is refused, or set "When Convex refuses a record" to "Skip and report" to go on without such records.',
    stored: [3, 1],
  },
  {
    name: 'nested a million times',
    input: [record(`{"_id":"a","x":${'['.repeat(1e6)}${']'.repeat(1e6)}}`), good],
    kind: 'config_error',
    message:
      'Convex refused a record. A record of stream "users" with _id = "a" was refused: its field "x" is nested too deeply: the record has 1000001 levels, and Convex takes 16 (BadJsonBody). The records around them were written. Fix or deselect what is refused, or set "When Convex refuses a record" to "Skip and report" to go on without such records.',
    stored: [3, 1],
  },
  {
    name: 'nested a million times, and never closed',
    input: [record(`{"_id":"a","x":${'['.repeat(1e6)}}`), good],
    kind: 'system_error',
    message: 'The source sent a RECORD message that is not valid JSON. Skipping it would lose data.',
    stored: [3, 0],
  },
  {
    name: 'a document of 2 MiB',
    input: [record(`{"_id":"a","x":"${'y'.repeat(2 << 20)}"}`), good],
    kind: 'config_error',
    message:
      'Convex refused a record. A record of stream "users" with _id = "a" was refused: it has 2.00 MiB as Convex counts, of which 2.00 MiB are in its field "x", and a document may have 1 MiB (ValueTooLargeError). The records around them were written. Fix or deselect what is refused, or set "When Convex refuses a record" to "Skip and report" to go on without such records.',
    stored: [3, 1],
  },
  {
    name: 'a document of 21 MiB',
    input: [good, record(`{"_id":"a","x":"${'y'.repeat(21 << 20)}"}`)],
    kind: 'config_error',
    message:
      'Convex refused a record. A record of stream "users" with _id = "a" was refused: it has 22020114 bytes of JSON, more than Convex takes in one request (20971520); documents may have 1 MiB. The records around them were written. Fix or deselect what is refused, or set "When Convex refuses a record" to "Skip and report" to go on without such records.',
    stored: [3, 1],
  },
  {
    name: 'a document of two thousand fields',
    input: [record(`{"_id":"a",${Array.from({ length: 2000 }, (_, i) => `"f${i}":1`).join()}}`), good],
    kind: 'config_error',
    message:
      'Convex refused a record. A record of stream "users" with _id = "a" was refused: it has 2001 fields, and Convex takes 1022 (TooManyFieldsError). The records around them were written. Fix or deselect what is refused, or set "When Convex refuses a record" to "Skip and report" to go on without such records.',
    stored: [3, 1],
  },
];

export const STATES: StdinCase[] = [
  {
    name: 'no state',
    input: [good, '{"type":"STATE"}'],
    kind: 'system_error',
    message: 'The source sent a STATE message without a state. Skipping it would lose data.',
    stored: [3, 1],
  },
  {
    name: 'state is null',
    input: [state('null')],
    kind: 'system_error',
    message: 'The source sent a STATE message without a state. Skipping it would lose data.',
    stored: [3, 0],
  },
  {
    name: 'state is a list',
    input: [state('[]')],
    kind: 'system_error',
    message: 'The source sent a STATE message without a state. Skipping it would lose data.',
    stored: [3, 0],
  },
  {
    name: 'state that breaks off',
    input: [state('{"type":"STREAM","stream":{"stream_desc').slice(0, -1)],
    kind: 'system_error',
    message: 'The source sent a STATE message that is not valid JSON. Skipping it would lose data.',
    stored: [3, 0],
  },
  {
    name: 'stream is a list',
    input: [state('{"type":"STREAM","stream":[]}')],
    kind: 'ok',
    message: '',
    stored: [3, 0],
    states: 1,
  },
  {
    name: 'no descriptor',
    input: [good, state('{"type":"STREAM","stream":{"stream_state":{}}}')],
    kind: 'ok',
    message: '',
    stored: [3, 1],
    states: 1,
  },
  {
    name: 'descriptor is a list',
    input: [good, state('{"type":"STREAM","stream":{"stream_descriptor":[],"stream_state":{}}}')],
    kind: 'system_error',
    message: 'The source sent a STATE message whose state is not valid. Skipping it would lose data.',
    stored: [3, 1],
  },
  {
    name: 'of a stream that was not asked for',
    input: [good, state('{"type":"STREAM","stream":{"stream_descriptor":{"name":"x"},"stream_state":{}}}')],
    kind: 'ok',
    message: '',
    stored: [3, 1],
    states: 1,
  },
  {
    name: 'GLOBAL that is a list',
    input: [good, state('{"type":"GLOBAL","global":[]}')],
    kind: 'ok',
    message: '',
    stored: [3, 1],
    states: 1,
  },
  {
    name: 'GLOBAL with numbers for streams',
    input: [good, state('{"type":"GLOBAL","global":{"stream_states":[1,2]}}')],
    kind: 'system_error',
    message: 'The source sent a STATE message whose state is not valid. Skipping it would lose data.',
    stored: [3, 1],
  },
  {
    name: 'GLOBAL with a list that is none',
    input: [good, state('{"type":"GLOBAL","global":{"stream_states":[{}{}]}}')],
    kind: 'system_error',
    message: 'The source sent a STATE message whose state is not valid. Skipping it would lose data.',
    stored: [3, 1],
  },
  {
    name: 'LEGACY',
    input: [good, state('{"data":{"cursor":1786000000123456789}}')],
    kind: 'ok',
    message: '',
    stored: [3, 1],
    states: 1,
  },
  {
    name: 'nested a hundred thousand times',
    input: [
      good,
      state(
        `{"type":"STREAM","stream":{"stream_descriptor":{"name":"users"},"stream_state":${'['.repeat(1e5)}${']'.repeat(1e5)}}}`,
      ),
    ],
    kind: 'ok',
    message: '',
    stored: [3, 1],
    states: 1,
  },
  {
    name: 'with statistics of its own',
    input: [
      good,
      state(
        '{"type":"STREAM","destinationStats":"x","stream":{"stream_descriptor":{"name":"users"},"stream_state":{}}}',
      ),
    ],
    kind: 'ok',
    message: '',
    stored: [3, 1],
    states: 1,
  },
  {
    name: 'a status of nobody',
    input: [
      '{"type":"TRACE","trace":{"type":"STREAM_STATUS","stream_status":{"status":"COMPLETE"}}}',
      '{"type":"TRACE","trace":null}',
      '{"type":"TRACE"}',
      good,
    ],
    kind: 'ok',
    message: '',
    stored: [3, 1],
  },
  {
    name: 'a status that is not known',
    input: [
      '{"type":"TRACE","trace":{"type":"STREAM_STATUS","stream_status":{"stream_descriptor":{"name":"users"},"status":"MAYBE"}}}',
      good,
    ],
    kind: 'ok',
    message: '',
    stored: [3, 1],
  },
];
