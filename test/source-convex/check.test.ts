import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from 'vitest';
import { errorsOf, logsOf, messagesOfType } from '../support/messages.ts';
import type { Finished } from '../support/process.ts';
import { LOG_REMARK, Source } from './setup.ts';

const WHERE =
  'Deploy keys are made in the Convex dashboard under Settings → URL & Deploy Key; the admin key of a self-hosted deployment is made with its generate_admin_key script.';

/** The one status of a check. A check that could be made exits with 0, whatever it found. */
function statusOf({ code, lines, stderr }: Finished): { status: string; message?: string } {
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const [status, ...more] = messagesOfType(lines, 'CONNECTION_STATUS');
  expect(more).toEqual([]);
  return status!.connectionStatus;
}

/** Nothing of a key, however it is written, may be in the output. */
function expectNoKey({ lines, stderr }: Finished, key: string): void {
  const output = lines.join('\n') + stderr;
  const secret = key.slice(key.indexOf('|') + 1);
  for (const form of [secret, encodeURIComponent(secret), Buffer.from(key).toString('base64').slice(0, -4)]) {
    expect(output).not.toContain(form);
  }
}

describe('a check that succeeds', () => {
  test('asks the deployment one question, by the name that Convex knows', async () => {
    await using source = await Source.start();
    const run = await source.check();
    expect(statusOf(run)).toEqual({ status: 'SUCCEEDED' });
    expect(run.lines).toHaveLength(2);
    expect(logsOf(run.lines)).toEqual([FROM_CHANGE_LOG]);
    expect(source.emulator.journal.entries).toMatchObject([
      {
        method: 'GET',
        path: '/api/test_streaming_export_connection',
        status: 200,
        client: 'airbyte-export-0.1.0',
        userAgent: 'airbyte-convex/0.1.0',
      },
    ]);
  });

  test.each([
    ['a trailing slash', (url: string) => `${url}/`],
    ['many trailing slashes', (url: string) => `${url}///`],
    ['blanks around it', (url: string) => `  ${url} \n`],
    ['capitals', (url: string) => url.replace('http', 'HTTP')],
  ])('whose URL has %s', async (_what, write) => {
    await using source = await Source.start();
    const run = await source.check({ deployment_url: write(source.emulator.url) });
    expect(statusOf(run)).toEqual({ status: 'SUCCEEDED' });
  });

  test('with the admin key of a self-hosted deployment, which has no type', async () => {
    await using source = await Source.start({ instanceName: 'convex-self-hosted' });
    const access_key = source.emulator.key.replace(/^prod:/, '');
    expect(access_key).toMatch(/^convex-self-hosted\|/);
    expect(statusOf(await source.check({ access_key }))).toEqual({ status: 'SUCCEEDED' });
  });

  test('with a key that was pasted with its line break', async () => {
    await using source = await Source.start();
    const access_key = `${source.emulator.readOnlyKey}\n`;
    expect(statusOf(await source.check({ access_key }))).toEqual({ status: 'SUCCEEDED' });
  });

  test('whose configuration holds what other versions of the source know', async () => {
    await using source = await Source.start();
    expect(statusOf(await source.check({ instance_name: 'happy-otter-123' }))).toEqual({ status: 'SUCCEEDED' });
  });

  test('after a moment in which the deployment did not answer', async () => {
    await using source = await Source.start();
    source.emulator.faults.add({ kind: 'status', status: 503, code: 'CommitterFullError' });
    const run = await source.check();
    expect(statusOf(run)).toEqual({ status: 'SUCCEEDED' });
    expect(logsOf(run.lines)).toEqual([
      'WARN 127.0.0.1: /api/test_streaming_export_connection answered 503 CommitterFullError. Try 1 of 3; trying again in 0.0 s.',
      FROM_CHANGE_LOG,
    ]);
  });
});

const FROM_CHANGE_LOG = `INFO 127.0.0.1: incremental streams are read from the change log, as configured. ${LOG_REMARK.replace('INFO ', '')}`;

describe('a check says how changes are read', () => {
  test.each([
    ['through Data Sync', {}, 'are read through Data Sync.'],
    ['from the change log', { withoutListActiveSyncs: true }, 'since the backend has no Data Sync. The change log'],
  ])('%s', async (_way, options, said) => {
    await using source = await Source.startWithDataSync(options);
    const run = await source.check();
    expect(statusOf(run)).toEqual({ status: 'SUCCEEDED' });
    expect(logsOf(run.lines).join()).toContain(said);
  });
});

describe('a URL that cannot be right is refused without a request', () => {
  const EXAMPLE = 'It should look like https://happy-otter-123.convex.cloud.';
  const FORM = 'The configuration is not valid: deployment_url must look like https://<deployment name>.convex.cloud.';
  test.each([
    ['', FORM],
    ...['happy-otter-123', 'ftp://happy-otter-123.convex.cloud'].map((text) => [
      text,
      `The deployment URL does not start with https://. ${EXAMPLE}`,
    ]),
    ...['https://', 'https://happy otter.convex.cloud'].map((text) => [
      text,
      `The deployment URL is not a URL. ${EXAMPLE}`,
    ]),
    ['https://happy-otter-123.convex.cloud:port', `The deployment URL is not a URL. ${EXAMPLE}`],
    [
      'https://happy-otter-123.convex.site',
      'happy-otter-123.convex.site serves HTTP actions. Use the deployment URL instead, which ends in .convex.cloud: https://happy-otter-123.convex.cloud.',
    ],
    [
      'http://happy-otter-123.convex.cloud',
      'The deployment URL uses http, which would send the deploy key in the clear. Use https://happy-otter-123.convex.cloud.',
    ],
    [
      'http://happy-otter-123.convex.cloud.',
      'The deployment URL uses http, which would send the deploy key in the clear. Use https://happy-otter-123.convex.cloud.',
    ],
    [
      'https://happy-otter-123.convex.cloud/api/list_snapshot?x=1',
      'The deployment URL has more than a host: leave out everything after https://happy-otter-123.convex.cloud.',
    ],
    [
      'https://dashboard.convex.dev/t/team/project/happy-otter-123/settings',
      'The deployment URL is the address of the Convex dashboard. Use the URL of the deployment, which the dashboard shows under Settings → URL & Deploy Key. It should look like https://happy-otter-123.convex.cloud.',
    ],
    [
      'https://user:secret@happy-otter-123.convex.cloud',
      'The deployment URL contains a user name or a password. The deploy key belongs into the field for the key.',
    ],
  ])('%s', async (deployment_url, message) => {
    await using source = await Source.start();
    const run = await source.check({ deployment_url });
    expect(statusOf(run)).toEqual({ status: 'FAILED', message });
    expect(run.lines).toHaveLength(1);
  });

  test('in Airbyte Cloud, http is refused whatever the host', async () => {
    await using source = await Source.start();
    expect(statusOf(await source.check({}, { DEPLOYMENT_MODE: 'CLOUD' }))).toEqual({
      status: 'FAILED',
      message: `The deployment URL uses http, which would send the deploy key in the clear. Use https://127.0.0.1:${source.emulator.port}.`,
    });
    expect(source.emulator.journal.count()).toBe(0);
  });
});

describe('a configuration that is not one', () => {
  test.each([
    ['an empty object', {}, 'deployment_url is missing'],
    ['a URL that is a number', { deployment_url: 7, access_key: 'x' }, 'deployment_url must be string'],
    [
      'an unknown behaviour',
      { deployment_url: 'https://a.convex.cloud', access_key: 'x', expired_cursor_behavior: 'Shrug' },
      'expired_cursor_behavior must be one of "Fail sync", "Re-sync data"',
    ],
    ['a list', [], 'it must be object'],
  ])('%s', async (_what, config, problem) => {
    await using source = await Source.start();
    const run = await source.run('check', config);
    expect(statusOf(run)).toEqual({ status: 'FAILED', message: `The configuration is not valid: ${problem}.` });
  });

  test('a file that is no JSON, a key in the middle of it', async () => {
    await using source = await Source.start();
    const run = await source.run('check', `{"access_key":"${source.emulator.key}",`);
    expect(statusOf(run)).toEqual({ status: 'FAILED', message: 'The configuration file is not valid JSON.' });
    expectNoKey(run, source.emulator.key);
  });
});

describe('S13: a deployment that does not run, or is not there', () => {
  test.each([
    [
      400,
      'BackendIsNotRunning',
      '127.0.0.1 is paused, disabled or suspended (400 BackendIsNotRunning). Resume it in the Convex dashboard, where Settings and Usage say why it was stopped.',
    ],
    ...['DeploymentNotFound', 'InstanceNotFound'].map((code): [number, string, string] => [
      404,
      code,
      `There is no deployment at 127.0.0.1 (404 ${code}): it was deleted, or the deployment URL is mistyped. Use the URL that the Convex dashboard shows under Settings → URL & Deploy Key.`,
    ]),
  ])('%s %s', async (status, code, message) => {
    await using source = await Source.start();
    source.emulator.faults.add({ kind: 'status', status, code });
    expect(statusOf(await source.check())).toEqual({ status: 'FAILED', message });
    source.emulator.faults.add({ kind: 'status', status, code, times: Infinity });
    const { lines } = await source.read({ streams: ['a'] });
    expect(errorsOf(lines)).toMatchObject([{ failure_type: 'config_error', message }]);
  });
});

describe('S13: a host of the cloud without https://', () => {
  test('is understood', async () => {
    await using source = await Source.start();
    const run = await source.check(
      { deployment_url: 'happy-otter-123.convex.cloud' },
      { HTTPS_PROXY: 'http://127.0.0.1:1', CONVEX_CONNECTOR_RETRY_ATTEMPTS: '1' },
    );
    expect(statusOf(run).message).toMatch(/^happy-otter-123\.convex\.cloud could not be reached \(ECONNREFUSED\)/);
  });
});

describe('what answers is no deployment', () => {
  const RIGHT =
    'Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that no proxy stands in between.';

  test('a web page', async () => {
    await using source = await Source.start();
    source.emulator.faults.add({ kind: 'html', status: 200 });
    expect(statusOf(await source.check())).toEqual({
      status: 'FAILED',
      message: `127.0.0.1 answered, but not as a Convex deployment does: /api/test_streaming_export_connection answered with something else than a Convex deployment does. ${RIGHT}`,
    });
  });

  test('a web page that says that there is nothing', async () => {
    await using source = await Source.start();
    source.emulator.faults.add({ kind: 'html', status: 404, times: Infinity });
    expect(statusOf(await source.check())).toEqual({
      status: 'FAILED',
      message: `127.0.0.1 answered, but not as a Convex deployment does, although it was tried 3 times over 1 s: /api/test_streaming_export_connection answered 404. ${RIGHT}`,
    });
  });

  test('a redirect, which is not followed with the key in hand', async () => {
    await using source = await Source.start();
    source.emulator.faults.add({ kind: 'html', status: 302, headers: { location: 'https://example.com/login?x=1' } });
    expect(statusOf(await source.check())).toEqual({
      status: 'FAILED',
      message: `127.0.0.1 answered, but not as a Convex deployment does: /api/test_streaming_export_connection was redirected to example.com. ${RIGHT}`,
    });
    expect(source.emulator.journal.count()).toBe(1);
  });
});

describe('nothing answers', () => {
  const RIGHT =
    'Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that this machine may connect to it (firewall, allow list).';

  test('a closed port', async () => {
    await using source = await Source.start();
    const deployment_url = source.emulator.url;
    await source.emulator.close();
    const run = await source.check({ deployment_url });
    expect(statusOf(run)).toEqual({
      status: 'FAILED',
      message: `127.0.0.1 could not be reached (ECONNREFUSED), although it was tried 3 times over 1 s. ${RIGHT}`,
    });
    expectNoKey(run, source.emulator.readOnlyKey);
  });

  test('a host that does not exist', async () => {
    await using source = await Source.start();
    const { status, message } = statusOf(await source.check({ deployment_url: 'http://deployment.invalid' }));
    expect(status).toBe('FAILED');
    expect(message).toMatch(
      /^deployment\.invalid could not be reached \((ENOTFOUND|EAI_AGAIN)\), although it was tried 3 times/,
    );
  });

  test('a server that speaks no HTTP', async () => {
    await using source = await Source.start();
    const server = createServer((socket) => socket.end('220 mail.example.com ESMTP\r\n'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const run = await source.check({ deployment_url: `http://127.0.0.1:${port}` });
    server.close();
    expect(statusOf(run)).toEqual({
      status: 'FAILED',
      message:
        '127.0.0.1 answered, but not as a Convex deployment does, although it was tried 3 times over 1 s: /api/test_streaming_export_connection broke off (HPE_INVALID_CONSTANT). Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that no proxy stands in between.',
    });
  });

  test('a server that accepts and says nothing', async () => {
    await using source = await Source.start();
    source.emulator.faults.add({ kind: 'hang', times: Infinity });
    const run = await source.check({}, { CONVEX_CONNECTOR_RESPONSE_MS: '200' });
    expect(statusOf(run)).toEqual({
      status: 'FAILED',
      message:
        '127.0.0.1 does not answer as it should at the moment, although it was tried 3 times over 1 s: /api/test_streaming_export_connection broke off (ETIMEDOUT). Try again in a few minutes.',
    });
  });
});

describe('a key that does not open the door', () => {
  const bad = (said: string) =>
    `127.0.0.1 does not accept the deploy key (${said}). It may be mistyped, revoked, or belong to another deployment. Use a key of this deployment with the permission deployment:data:view. ${WHERE}`;

  test('a wrong one', async () => {
    await using source = await Source.start();
    const access_key = 'prod:happy-otter-123|eyJ2MiI6Indyb25nIn0=';
    const run = await source.check({ access_key });
    expect(statusOf(run)).toEqual({ status: 'FAILED', message: bad('401 BadAdminKey') });
    expectNoKey(run, access_key);
    expect(source.emulator.journal.count()).toBe(1);
  });

  test('one of another deployment', async () => {
    await using source = await Source.start();
    await using other = await Source.start({ instanceName: 'wise-heron-101', seed: 9 });
    const run = await source.check({ access_key: other.emulator.key });
    expect(statusOf(run)).toEqual({ status: 'FAILED', message: bad('401 BadAdminKey') });
    expectNoKey(run, other.emulator.key);
  });

  test('one that was pasted without its secret', async () => {
    await using source = await Source.start();
    expect(statusOf(await source.check({ access_key: 'prod:happy-otter-123' }))).toEqual({
      status: 'FAILED',
      message: bad('400 HeaderParseFailure'),
    });
  });

  test('an empty one', async () => {
    await using source = await Source.start();
    expect(statusOf(await source.check({ access_key: ' ' }))).toEqual({
      status: 'FAILED',
      message: 'The deploy key is empty.',
    });
    expect(source.emulator.journal.count()).toBe(0);
  });

  test('one that was copied together with its surroundings', async () => {
    await using source = await Source.start();
    const access_key = `Deploy key: ${source.emulator.key}`;
    const run = await source.check({ access_key });
    expect(statusOf(run)).toEqual({
      status: 'FAILED',
      message:
        'The deploy key contains blanks, line breaks or other characters that no deploy key has. Copy it once more, whole.',
    });
    expectNoKey(run, source.emulator.key);
  });

  test('one without the permission to view data', async () => {
    await using source = await Source.start();
    const access_key = source.emulator.importOnlyKey;
    const run = await source.check({ access_key });
    expect(statusOf(run)).toEqual({
      status: 'FAILED',
      message: `The deploy key is valid for 127.0.0.1 but lacks the permission deployment:data:view (403 OperationNotPermitted). Make a key that has it. ${WHERE}`,
    });
    expectNoKey(run, access_key);
  });

  test('a plan without streaming export', async () => {
    await using source = await Source.start({ streamingExport: false });
    expect(statusOf(await source.check())).toEqual({
      status: 'FAILED',
      message:
        "The plan of 127.0.0.1 does not include streaming export (403 StreamingExportNotEnabled). It is part of Convex's Professional plan (https://www.convex.dev/plans), and always available on self-hosted deployments.",
    });
  });
});

test('a refusal that nobody foresaw is told with what the deployment said', async () => {
  await using source = await Source.start();
  source.emulator.faults.add({ kind: 'status', status: 400, code: 'Unheard', message: 'No such thing.\nsecond line' });
  expect(statusOf(await source.check())).toEqual({
    status: 'FAILED',
    message: '127.0.0.1 refused a request: /api/test_streaming_export_connection answered 400 Unheard: No such thing.',
  });
});
