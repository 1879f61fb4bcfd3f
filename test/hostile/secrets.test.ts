/**
 * Every command, in every failure that came to mind, with the most talkative log: nothing that comes out, on stdout or on stderr, may hold
 * the deploy key or a part of a document. The server repeats what it was sent wherever an answer has room for it.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { text as textOf } from 'node:stream/consumers';
import { afterAll, describe, expect, test } from 'vitest';
import { startEmulator } from '../../emulator/index.ts';
import { catalogOf, record, state, text } from '../destination-convex/setup.ts';
import { Folder } from '../support/folder.ts';
import { startConnector, type Finished } from '../support/process.ts';
import { TestServer } from '../support/server.ts';
import { SECRET } from './lying-server.ts';

const PART = 's3cr+t/Key=="0123456789\\é'.replace('é', '').replace('"', '');
const KEY = `prod:calm-otter-101|${PART}`;
const FORMS = [KEY, PART].flatMap((plain) => [
  plain,
  encodeURIComponent(plain),
  encodeURI(plain),
  JSON.stringify(plain).slice(1, -1),
  ...[plain, `Convex ${plain}`].flatMap((whole) => [
    Buffer.from(whole).toString('base64').replace(/=+$/, ''),
    Buffer.from(whole).toString('base64url'),
  ]),
]);

const ENV = {
  LOG_LEVEL: 'trace',
  CONVEX_CONNECTOR_RETRY_MIN_MS: '1',
  CONVEX_CONNECTOR_RETRY_ATTEMPTS: '2',
  CONVEX_CONNECTOR_RESPONSE_MS: '1500',
  CONVEX_CONNECTOR_IDLE_MS: '500',
};

const folder = new Folder();
afterAll(() => {
  folder.remove();
});
let files = 0;
const file = (content: unknown): string => folder.write(`file-${files++}.json`, content);

/** What stands in a run's output beside the user's own records and states. */
function toldBy({ lines, rest, stderr }: Finished): string {
  const said = lines.filter((line) => !/^\{"type":"(RECORD|STATE)"/.test(line));
  return [...said, rest, stderr].join('\n');
}

function expectSilence(told: string): void {
  for (const form of [...FORMS, SECRET]) expect(told.includes(form), `told: ${form}`).toBe(false);
}

type Verb = 'check' | 'discover' | 'read' | 'write';
const COMMANDS: readonly (readonly ['source-convex' | 'destination-convex', Verb])[] = [
  ['source-convex', 'check'],
  ['source-convex', 'discover'],
  ['source-convex', 'read'],
  ['destination-convex', 'check'],
  ['destination-convex', 'write'],
];

const CATALOG = catalogOf([{ name: 'users', mode: 'append_dedup', key: ['id'] }]);
const INPUT = text([
  record('users', { id: 1, text: SECRET }),
  state('users', 5),
  record('users', { id: 2, text: SECRET }),
]);

function start(
  connector: 'source-convex' | 'destination-convex',
  verb: Verb,
  config: unknown,
  env: Record<string, string> = {},
  input = INPUT,
): Promise<Finished> {
  const catalog = verb === 'read' || verb === 'write' ? ['--catalog', file(CATALOG)] : [];
  const args = [verb, '--config', file(config), ...catalog];
  return startConnector(connector, args, { env: { ...ENV, ...env }, input }).finished;
}

/** Answers with everything that it knows: the header with the key, and the body with its documents. */
type Behaviour = (response: ServerResponse, sent: { key: string; body: string }, request: IncomingMessage) => void;
const json =
  (status: number, code: string): Behaviour =>
  (response, { key, body }) => {
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ code, message: `You sent ${key} and ${body}` }));
  };
const BEHAVIOURS: Record<string, Behaviour> = {
  'refuses, and repeats what it refuses': json(400, 'Sideways'),
  'does not accept the key': json(401, 'BadAdminKey'),
  forbids: json(403, 'OperationNotPermitted'),
  'is beside itself': json(500, 'InternalServerError'),
  'is overloaded': json(503, 'Overloaded'),
  'has a code that repeats it all': (response, { key, body }) =>
    void response.writeHead(400).end(JSON.stringify({ code: `${key} ${body}`.slice(0, 60), message: '' })),
  'shows a web page with it': (response, { key, body }) =>
    void response.writeHead(200).end(`<html>${key} ${body} ${SECRET}</html>`),
  'redirects to it': (response, { key }) =>
    void response
      .writeHead(302, { location: `https://${encodeURIComponent(PART)}.example/?key=${encodeURIComponent(key)}` })
      .end(),
  'repeats it, and breaks off': (response, { key, body }) => {
    response.writeHead(200, { 'content-length': 99_999 });
    response.write(`{"values":[{"_table":"users","key":${JSON.stringify(key + body)},"text":"${SECRET}`);
    setTimeout(() => response.destroy(), 20);
  },
  'is not HTTP': (response, { key, body }, { socket }) => {
    socket.end(`${key} ${body}\r\n\r\n`);
  },
  'says nothing': () => undefined,
};

describe.each(Object.entries(BEHAVIOURS))('a server that %s', (_name, behave) => {
  test('', async () => {
    await using server = await TestServer.start((request, response) => {
      const key = request.headers.authorization ?? '';
      response.on('error', () => undefined);
      void textOf(request)
        .catch(() => '')
        .then((body) => {
          behave(response, { key, body }, request);
        });
    });
    const config = { deployment_url: server.url, access_key: KEY };
    const runs = await Promise.all(COMMANDS.map(([connector, verb]) => start(connector, verb, config)));
    for (const run of runs) {
      // That something was told at all.
      expect(run.lines.length).toBeGreaterThan(0);
      expectSilence(toldBy(run));
    }
  });
});

describe('without any server', () => {
  test.each<[string, object, Record<string, string>?]>([
    ['nobody there', { deployment_url: 'http://127.0.0.1:1', access_key: KEY }],
    ['no TLS there', { deployment_url: 'https://127.0.0.1:1', access_key: KEY }],
    [
      'a proxy with a password',
      { deployment_url: 'http://10.0.0.1', access_key: KEY },
      { HTTP_PROXY: `http://me:${encodeURIComponent(PART)}@127.0.0.1:1` },
    ],
    ['the key in the place of the URL', { deployment_url: KEY, access_key: KEY }],
    ['the key in the URL', { deployment_url: `https://${encodeURIComponent(KEY)}@a.convex.cloud`, access_key: KEY }],
    [
      'the key behind the URL',
      { deployment_url: `https://a.convex.cloud/?key=${encodeURIComponent(KEY)}`, access_key: KEY },
    ],
    [
      'the key in every place',
      {
        deployment_url: KEY,
        access_key: KEY,
        expired_cursor_behavior: KEY,
        on_rejected_record: KEY,
        value_format: KEY,
      },
    ],
    ['a key with blanks in it', { deployment_url: 'http://127.0.0.1:1', access_key: `${KEY} x` }],
    ['a list of keys', { deployment_url: 'http://127.0.0.1:1', access_key: [KEY] }],
    ['the key as a name', { deployment_url: 'http://127.0.0.1:1', [KEY]: KEY }],
  ])('%s', async (_what, config, env) => {
    const runs = await Promise.all(COMMANDS.map(([connector, verb]) => start(connector, verb, config, env)));
    for (const run of runs) {
      expect(run.lines.length).toBeGreaterThan(0);
      expectSilence(toldBy(run));
    }
  });

  test.each([
    ['as a command', [KEY]],
    ['behind the command', ['check', '--config', 'x.json', KEY]],
    ['as an option', ['check', `--${KEY}`]],
    ['as an option that is not known', ['check', `--access-key=${KEY}`]],
    ['as the file', ['check', '--config', JSON.stringify({ access_key: KEY })]],
  ])('the key on the command line: %s', async (_where, args) => {
    for (const connector of ['source-convex', 'destination-convex'] as const) {
      const run = await startConnector(connector, args, { env: ENV, input: '' }).finished;
      expect(run.lines.length + run.stderr.length).toBeGreaterThan(0);
      expectSilence(toldBy(run));
    }
  });

  test('files that break off in the key', async () => {
    for (const content of [`{"access_key":"${KEY}`, KEY, `{"access_key":"${KEY}",}`]) {
      const run = await start('source-convex', 'check', content);
      expect(run.lines.length).toBeGreaterThan(0);
      expectSilence(toldBy(run));
    }
  });
});

describe('records that Convex refuses', () => {
  test.each(['Fail sync', 'Skip and report'])('%s', async (on_rejected_record) => {
    const emulator = await startEmulator({
      schema: {
        schemaValidation: true,
        tables: [
          {
            tableName: 'users',
            documentType: { type: 'object', value: { source_id: { fieldType: { type: 'string' }, optional: false } } },
          },
        ],
      } as never,
    });
    const config = { deployment_url: emulator.url, access_key: emulator.importOnlyKey, on_rejected_record };
    const lines = [
      record('users', { id: 1, text: SECRET }),
      record('users', { id: 2, [SECRET]: 'as a name' }),
      record('users', { text: SECRET }),
      record('users', `{"id":3,"text":"${SECRET}","x":tru}`),
      record('users', `{"id":4,"text":"${SECRET}","x":${'['.repeat(30)}${']'.repeat(30)}}`),
      record('users', { id: 5, text: SECRET.repeat(60_000) }),
      record('users', { id: 6, text: SECRET, a: { [`$${SECRET}`]: 1, [`_${SECRET}`]: SECRET } }),
      state('users', 5),
    ];
    for (const input of lines.map((line) => text([line])).concat(text(lines))) {
      const run = await start('destination-convex', 'write', config, {}, input);
      const told = toldBy(run);
      expectSilence(told);
      for (const secret of [emulator.importOnlyKey, emulator.importOnlyKey.split('|')[1]!])
        expect(told.includes(secret)).toBe(false);
    }
    await emulator.close();
  });

  test('lines that break off in a document', async () => {
    const emulator = await startEmulator();
    const config = { deployment_url: emulator.url, access_key: emulator.importOnlyKey };
    const whole = record('users', { id: 1, text: SECRET });
    for (const input of [
      whole.slice(0, -20),
      `${whole.slice(0, -20)}\n`,
      `${SECRET}\n{"${SECRET}`,
      `{"type":"STATE","state":{"${SECRET}":[}}\n`,
    ]) {
      const run = await start('destination-convex', 'write', config, {}, input);
      expectSilence(toldBy(run));
    }
    await emulator.close();
  });
});
