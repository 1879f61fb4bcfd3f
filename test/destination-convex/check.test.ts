import { describe, expect, test } from 'vitest';
import { errorsOf, messagesOfType } from '../support/messages.ts';
import { Destination } from './setup.ts';

async function outcome(destination: Destination, config: object = {}, env: Record<string, string> = {}) {
  const finished = await destination.check(config, env);
  const statuses = messagesOfType(finished.lines, 'CONNECTION_STATUS').map(({ connectionStatus }) => connectionStatus);
  expect(finished.code, finished.stderr).toBe(0);
  expect(statuses).toHaveLength(1);
  expect(errorsOf(finished.lines)).toEqual([]);
  return { ...statuses[0]!, output: finished.lines.join('\n') + finished.stderr };
}

describe('check', () => {
  test('proves URL, key and permission, and changes nothing', async () => {
    await using destination = await Destination.start();
    const before = destination.emulator.deployment.log.rows.length;
    expect(await outcome(destination)).toMatchObject({ status: 'SUCCEEDED' });
    expect(destination.requests()).toEqual(['GET primary_key_indexes_ready 200']);
    expect(destination.emulator.journal.entries[0]).toMatchObject({ body: '{"tables":[]}' });
    expect(destination.emulator.journal.entries[0]!.client).toMatch(/^streaming-import-\d+\.\d+\.\d+$/);
    expect(destination.emulator.deployment.log.rows.length).toBe(before);
    expect(destination.tables()).toEqual([]);
  });

  test('a key that may only read: the message names the missing permission', async () => {
    await using destination = await Destination.start();
    const { status, message } = await outcome(destination, { access_key: destination.emulator.readOnlyKey });
    expect(status).toBe('FAILED');
    expect(message).toContain('lacks the permission deployment:backups:import');
    expect(message).toContain('Make a key');
  });

  test('a wrong key is refused, and is in no message', async () => {
    await using destination = await Destination.start();
    const key = 'prod:happy-otter-123|c0ffee5ecret';
    const { status, message, output } = await outcome(destination, { access_key: key });
    expect(status).toBe('FAILED');
    expect(message).toContain('does not accept the deploy key');
    expect(output).not.toContain('c0ffee5ecret');
  });

  test('a host that does not answer', async () => {
    await using destination = await Destination.start();
    const { url } = destination.emulator;
    await destination.emulator.close();
    const { status, message } = await outcome(destination, { deployment_url: url });
    expect(status).toBe('FAILED');
    expect(message).toContain('could not be reached');
    expect(message).toContain('deployment URL');
  });

  test('a host that is not a Convex deployment', async () => {
    await using destination = await Destination.start();
    destination.emulator.faults.add({ kind: 'html', status: 200, times: 9 });
    const { status, message } = await outcome(destination);
    expect(status).toBe('FAILED');
    expect(message).toContain('not as a Convex deployment does');
  });

  test('retries while the deployment is overloaded', async () => {
    await using destination = await Destination.start();
    destination.emulator.faults.add({ kind: 'status', status: 503 });
    expect(await outcome(destination)).toMatchObject({ status: 'SUCCEEDED' });
    expect(destination.emulator.journal.entries).toHaveLength(2);
  });

  test.each([
    ['a URL of HTTP actions', { deployment_url: 'https://happy-otter-123.convex.site' }, '.convex.cloud'],
    ['an empty key', { access_key: ' ' }, 'deploy key is empty'],
    ['no key', { access_key: undefined }, 'access_key is missing'],
    ['an unknown choice', { on_rejected_record: 'Ignore' }, 'on_rejected_record must be one of'],
  ])('%s is refused before anything is sent', async (_, config, text) => {
    await using destination = await Destination.start();
    const { status, message } = await outcome(destination, config);
    expect(status).toBe('FAILED');
    expect(message).toContain(text);
    expect(destination.emulator.journal.entries).toEqual([]);
  });
});
