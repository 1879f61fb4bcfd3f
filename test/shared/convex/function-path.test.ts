import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FunctionPathError, parseFunctionPath } from '../../../shared/convex/function-path.ts';

/** The pattern of the OpenAPI document, and periods, which the backend takes in the names of folders and files. */
const OPEN_API = /^[a-zA-Z0-9_/.]+:[a-zA-Z0-9_]+$/;

describe('a function is named as the OpenAPI document says', () => {
  test.each([
    ['messages:list', 'messages:list'],
    ['users:createUser', 'users:createUser'],
    ['admin/tools/v2:count_all', 'admin/tools/v2:count_all'],
    [' messages:list\n', 'messages:list'],
    ['messages.js:list', 'messages:list'],
    ['messages.ts:list', 'messages:list'],
    ['messages:default', 'messages:default'],
    ['_model/x:_private', '_model/x:_private'],
    ['reports.v2:all', 'reports.v2.js:all'],
    ['reports.v2.js:all', 'reports.v2.js:all'],
    ['reports.v2.ts:all', 'reports.v2.js:all'],
    ['reports.v2/daily:all', 'reports.v2/daily:all'],
  ])('%j', (text, path) => {
    expect(parseFunctionPath(text)).toBe(path);
  });

  test.each([
    ['messages', 'as in "messages:list" ("messages:default" for a default export)'],
    ['api.messages.list', 'write "messages:list"'],
    ['internal.admin.tools.count', 'write "admin/tools:count"'],
    ['', '"…" is not the path of a function: it should look like "messages:list"'],
    ['messages:', 'it should look like'],
    [':list', 'it should look like'],
    ['messages:list:again', 'it should look like'],
    ['mess ages:list', 'it should look like'],
    ['mess-ages:list', 'it should look like'],
    ['/messages:list', 'has a "/" where no folder or file is named'],
    ['a//b:list', 'has a "/" where no folder or file is named'],
    ['a/:list', 'has a "/" where no folder or file is named'],
    ['a/../b:list', 'without letters and digits'],
    ['a/__/b:list', 'without letters and digits'],
    [`${'m'.repeat(65)}:list`, 'of more than 64 characters'],
    ['messages:1list', 'names begin with a letter'],
    ['messages:__', 'names begin with a letter'],
    [`messages:${'n'.repeat(65)}`, 'have up to 64 characters'],
    ['https://x.convex.cloud/messages:list', 'it should look like'],
  ])('%j is refused', (text, reason) => {
    const refuse = () => parseFunctionPath(text);
    expect(refuse).toThrow(FunctionPathError);
    expect(refuse).toThrow(reason);
  });

  test('a key in the wrong field is not repeated', () => {
    expect(() => parseFunctionPath('prod:happy-otter-123|c2VjcmV0')).toThrow(/^"…" is not/);
  });

  test('whatever is accepted fits the pattern', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'ab1_/:. '), maxLength: 12 }), (text) => {
        let accepted: string | undefined;
        try {
          accepted = parseFunctionPath(text);
        } catch (error) {
          expect(error).toBeInstanceOf(FunctionPathError);
        }
        if (accepted !== undefined) expect(accepted).toMatch(OPEN_API);
      }),
      { numRuns: 5000 },
    );
  });
});
