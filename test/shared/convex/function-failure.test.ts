import { expect, test } from 'vitest';
import { safeFailure } from '../../../shared/convex/function-failure.ts';

const failure = (errorMessage: string, errorData?: string) => ({
  status: 'error' as const,
  errorMessage,
  errorData,
});
const said = (text: string) => failure(`[Request ID: 0f1e2d3c4b5a6978] Server Error\n${text}`);

test.each([
  [
    "Could not find public function for 'messages:list'.\n",
    'not-found',
    "Could not find public function for 'messages:list'",
  ],
  [
    "Could not find function for 'a/b:c'. Did you forget to run `npx convex dev`?\n",
    'not-found',
    "Could not find function for 'a/b:c'",
  ],
  [
    'Trying to execute messages.js:list as Mutation, but it is defined as Query.\n',
    'wrong-type',
    'Trying to execute messages.js:list as Mutation, but it is defined as Query',
  ],
  [
    'ArgumentValidationError: Object is missing the required field `since`. Consider wrapping the field validator in `v.optional(...)` if this is expected.\n\nObject: {who: "Ada Lovelace"}\nValidator: v.object({since: v.float64()})\n',
    'arguments',
    'ArgumentValidationError: Object is missing the required field `since`',
  ],
  [
    'ArgumentValidationError: Value does not match validator.\nPath: .paginationOpts.cursor\nValue: "Ada Lovelace"\nValidator: v.null()\n',
    'arguments',
    'ArgumentValidationError: Value does not match validator (at .paginationOpts.cursor)',
  ],
  [
    'Arguments for messages.js:list are too large (actual: 20.00 MiB, limit: 16 MiB)\n',
    'arguments',
    'Arguments for messages.js:list are too large (actual: 20.00 MiB, limit: 16 MiB)',
  ],
  [
    'Function messages.js:list return value is too large (actual: 17.20 MiB, limit: 16 MiB)\n',
    'too-much',
    'Function messages.js:list return value is too large (actual: 17.20 MiB, limit: 16 MiB)',
  ],
  [
    'Uncaught Error: Too many bytes read in a single function execution (limit: 16777216 bytes). Consider\n    at handler\n',
    'too-much',
    'Too many bytes read in a single function execution (limit: 16777216 bytes)',
  ],
  [
    'Cannot run functions while this deployment is paused. Resume the deployment\n',
    'stopped',
    'Cannot run functions while this deployment is paused',
  ],
  [
    'Uncaught TypeError: Cannot read ssn 078-05-1120 of Ada Lovelace\n    at handler (../convex/messages.ts:1:2)\n',
    'own',
    'an error of its own (TypeError); the log of the deployment shows it under the request id 0f1e2d3c4b5a6978',
  ],
  [
    'Ada Lovelace is not allowed\n',
    'own',
    'an error; the log of the deployment shows it under the request id 0f1e2d3c4b5a6978',
  ],
  ['', 'own', 'an error; the log of the deployment shows it under the request id 0f1e2d3c4b5a6978'],
])('%j', (text, kind, expected) => {
  const safe = safeFailure(said(text));
  expect(safe).toEqual({ kind, text: expected });
  expect(safe.text).not.toContain('Ada');
});

test('a cursor that is refused is known by the data, also where the message is kept back', () => {
  const data = '{"isConvexSystemError":true,"paginationError":"InvalidCursor"}';
  expect(safeFailure(failure('[Request ID: x] Server Error', data)).kind).toBe('bad-cursor');
  expect(safeFailure(failure('[Request ID: x] Server Error', '{"paginationError":"InvalidCursor"}')).kind).toBe('own');
  expect(safeFailure(failure('[Request ID: x] Server Error', '"InvalidCursor"')).kind).toBe('own');
  expect(safeFailure(failure('[Request ID: x] Server Error', '{broken')).kind).toBe('own');
});

test('a message of another form is not repeated either', () => {
  expect(safeFailure(failure('Ada Lovelace')).text).toBe('an error');
});
