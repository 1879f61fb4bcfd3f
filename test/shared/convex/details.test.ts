import { describe, expect, test } from 'vitest';
import { detailOf } from '../../../shared/convex/errors.ts';

const SECRET = 'content-that-nobody-may-see';

describe('of an error message nothing is kept that could be part of a document', () => {
  test.each([
    // The forms of the backend's messages, with content where they have it.
    [
      'SchemaEnforcementError',
      `Failed to insert or update a document in table "users" because it does not match the schema: \`"${SECRET}"\` does not match literal validator \`v.literal("x")\`.`,
      'Failed to insert or update a document in table "users" because it does not match the schema',
    ],
    [
      'SchemaEnforcementError',
      `Failed to insert or update a document in table "users" because it does not match the schema: Object is missing the required field \`name\`. Consider wrapping the field validator in \`v.optional(...)\` if this is expected.\n\nObject: {id: "${SECRET}"}\nValidator: v.object({})`,
      'Failed to insert or update a document in table "users" because it does not match the schema: Object is missing the required field `name`',
    ],
    [
      'SchemaEnforcementError',
      `Failed to insert or update a document in table "users" because it does not match the schema: Found ID "${SECRET}" from table \`a\`, which does not match the table name in validator \`v.id("b")\`.`,
      'Failed to insert or update a document in table "users" because it does not match the schema',
    ],
    [
      'SchemaEnforcementError',
      `Failed to insert or update a document in table "users" because it does not match the schema: Value does not match validator.\nPath: .name\nValue: "${SECRET}"`,
      'Failed to insert or update a document in table "users" because it does not match the schema: Value does not match validator',
    ],
    [
      'InvalidDocumentError',
      `{"text": "${SECRET}"} isn't a valid document: Document is too nested (nested 20 levels deep > maximum nesting 16)`,
      'Document is too nested (nested 20 levels deep > maximum nesting 16)',
    ],
    ['InvalidDocumentError', `{"text": "${SECRET}"} isn't a valid document: something else`, undefined],
    ['InvalidIdError', `Provided document ID x doesn't match '_id' field ${SECRET}`, undefined],
    ['InvalidCreationTimeError', `… field in ${SECRET}`, undefined],
  ])('%s', (code, message, expected) => {
    expect(detailOf(code, message)).toBe(expected);
    expect(detailOf(code, message) ?? '').not.toContain(SECRET);
  });

  test.each([
    ['MissingPrimaryKeyValue', 'Missing value for primary key field: "id".'],
    ['ValueTooLargeError', 'Value is too large (1.2 MiB > maximum size 1 MiB)'],
  ])('%s says what it says, in its first line', (code, message) => {
    expect(detailOf(code, `${message}\nand more`)).toBe(message);
  });
});
