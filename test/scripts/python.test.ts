/** Scripts that need Python, on a machine without it. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const SCRIPTS = join(import.meta.dirname, '../../scripts');

test.each(['fast', 'pyairbyte'])(
  '%s: without a suitable Python nothing is tested, which is said and is exit code 3',
  (name) => {
    const { status, stderr, stdout } = spawnSync(process.execPath, [join(SCRIPTS, name, 'main.ts')], {
      env: { ...process.env, PYTHON: 'no-such-python' },
      encoding: 'utf8',
    });
    expect(stderr).toMatch(
      /^There is no Python 3\.10.* on this machine, so the connectors were NOT tested .*PYTHON\.\n$/,
    );
    expect(stdout).toBe('');
    expect(status).toBe(3);
  },
);

test.each(['fast', 'pyairbyte'])('%s: a Python of an unsuitable version is none', (name) => {
  const { status } = spawnSync(process.execPath, [join(SCRIPTS, name, 'main.ts')], {
    env: { ...process.env, PYTHON: join(import.meta.dirname, 'python2') },
    encoding: 'utf8',
  });
  expect(status).toBe(3);
});
