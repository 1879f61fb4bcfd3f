import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { sourceFiles, type SourceFile } from './layers.ts';

/** Columns of a comment. Code has 120 (see .prettierrc.json); running text is read more easily in shorter lines. */
const MAX_COLUMNS = 110;

const PRODUCT = /^(?:source-convex|destination-convex|shared)\//;
const COMMENT = /^\s*(?:\/\/|\/\*|\* |\*$)|\s\/\/ |\s\/\*\* /;

/** `path:line` of each comment that is too wide, in the product's files. Generated files are left out. */
function wideComments(files: readonly SourceFile[]): string[] {
  return files
    .filter(({ path }) => PRODUCT.test(path) && !path.endsWith('.generated.ts'))
    .flatMap(({ path, code }) =>
      code
        .split('\n')
        .flatMap((line, i) => (line.length > MAX_COLUMNS && COMMENT.test(line) ? [`${path}:${i + 1}`] : [])),
    );
}

test(`comments of the product have at most ${MAX_COLUMNS} columns`, () => {
  const files = sourceFiles(join(import.meta.dirname, '..'));
  expect(wideComments(files)).toEqual([]);
});

describe('the check itself', () => {
  const words = 'word '.repeat(25).trim();

  test.each<[string, string, string, string[]]>([
    ['a line comment', 'shared/json/a.ts', `// ${words}`, ['shared/json/a.ts:1']],
    ['a block comment', 'shared/json/a.ts', `const a = 1;\n/**\n * ${words}\n */`, ['shared/json/a.ts:3']],
    ['a comment after code', 'source-convex/a.ts', `const a = 1; // ${words}`, ['source-convex/a.ts:1']],
    ['a short comment', 'source-convex/a.ts', '// word', []],
    ['a wide message', 'source-convex/a.ts', `throw new Error('see https://example.com ${words}');`, []],
    ['a generated file', 'source-convex/config.generated.ts', `// ${words}`, []],
    ['a file that is not of the product', 'emulator/a.ts', `// ${words}`, []],
  ])('%s', (_what, path, code, expected) => {
    expect(wideComments([{ path, code }])).toEqual(expected);
  });
});
