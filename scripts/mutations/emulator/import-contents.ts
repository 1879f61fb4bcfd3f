import type { Mutation } from '../mutation.ts';

/** Every code that the row of a failed import tells: names, ids, numbers, modes, the schema. */

const PARSE = 'emulator/snapshot-import/parse.ts';
const ERRORS = 'emulator/snapshot-import/errors.ts';
const NUMBERS = 'emulator/snapshot-import/table-numbers.ts';
const ATTEMPT = 'emulator/snapshot-import/attempt.ts';
const INSERT = 'emulator/snapshot-import/insert.ts';
const FINALIZE = 'emulator/snapshot-import/finalize.ts';
const LINES_TEST = 'test/emulator/snapshot-import/lines.test.ts';
const FORMATS_TEST = 'test/emulator/snapshot-import/formats.test.ts';
const MODES_TEST = 'test/emulator/snapshot-import/modes.test.ts';
const NUMBERS_TEST = 'test/emulator/snapshot-import/table-numbers.test.ts';

export const IMPORT_CONTENTS_OF_EMULATOR: Mutation[] = [
  {
    name: 'the message of a refusal has no beginning of its own',
    file: ERRORS,
    find: 'return `Hit an error while importing:\\n${error.message}`;',
    replace: 'return error.message;',
    test: NUMBERS_TEST,
    only: 'ImportForeignKey',
  },
  {
    name: 'InvalidId: two tables may have one number',
    file: NUMBERS,
    find: 'if (owner !== undefined) {',
    replace: "if (owner === '') {",
    test: NUMBERS_TEST,
    only: 'InvalidId',
  },
  {
    name: 'InvalidId: any text is an _id',
    file: INSERT,
    find: "if (number === undefined) throw badRequest('InvalidId'",
    replace: "if (id === '') throw badRequest('InvalidId'",
    test: LINES_TEST,
    only: 'an _id that is none',
  },
  {
    name: 'ImportConflict: an _id may be of another table',
    file: INSERT,
    find: 'if (number !== tablet.number) {',
    replace: 'if (number === 0) {',
    test: MODES_TEST,
    only: 'ImportConflict',
  },
  {
    name: 'DuplicateTableName: the last row of _tables wins',
    file: NUMBERS,
    find: 'if (assigned.has(`${component}:${name}`)) {',
    replace: "if (name === '') {",
    test: NUMBERS_TEST,
    only: 'is refused',
  },
  {
    name: 'TableNumberConflict: append changes the number of a table',
    file: ATTEMPT,
    find: 'if (number !== undefined && number !== tablet.number) {',
    replace: 'if (number === 0) {',
    test: MODES_TEST,
    only: 'cannot change the number',
  },
  {
    name: 'TableNumberConflict: a fresh number may be a fixed one',
    file: ATTEMPT,
    find: 'if (owner !== undefined) {',
    replace: "if (owner === '') {",
    test: NUMBERS_TEST,
    only: 'TableNumberConflict',
  },
  {
    name: 'TableConflict: found only when hidden tables are there',
    file: NUMBERS,
    find: 'if (owner !== undefined && !assigned.has(`${component}:${name}`)) throw tableConflict(component, owner, name);',
    replace: 'void name;',
    test: MODES_TEST,
    only: 'of a table that stays',
  },
  {
    name: 'TableConflict: a table may get the number of one that came meanwhile',
    file: FINALIZE,
    find: 'if (conflict !== undefined) throw',
    replace: "if (conflict?.name === '') throw",
    test: NUMBERS_TEST,
    only: 'came meanwhile',
  },
  {
    name: 'TableConflict: ids may be of a system table',
    file: NUMBERS,
    find: "if (isSystem && !table.startsWith('_')) throw",
    replace: "if (isSystem && table === '') throw",
    test: MODES_TEST,
    only: 'of a system table',
  },
  {
    name: 'DuplicateId: an _id twice in a batch is one that is there',
    file: INSERT,
    find: 'if (new Set(ids).size < ids.length) {',
    replace: 'if (ids.length < 0) {',
    test: MODES_TEST,
    only: 'twice in a batch',
  },
  {
    name: 'InvalidTableName: a table may be called _t',
    file: 'emulator/store/tables.ts',
    find: 'if (isSystemName(table)) {',
    replace: "if (table === '') {",
    test: LINES_TEST,
    only: '_t is accepted',
  },
  {
    name: 'InvalidTableName: a folder of a ZIP file may have any name',
    file: PARSE,
    find: "if (problem !== undefined) throw badRequest('InvalidTableName'",
    replace: "if (problem === '') throw badRequest('InvalidTableName'",
    test: FORMATS_TEST,
    only: 'a b/documents',
  },
  {
    name: 'ImportForeignKey: a number may change under a reference',
    file: FINALIZE,
    find: 'if (changed === undefined || existing === undefined || existing.number === changed.number) continue;',
    replace: 'if (existing?.number !== 0) continue;',
    test: NUMBERS_TEST,
    only: 'ImportForeignKey',
  },
  {
    name: 'ImportSchemaChanged: the schema may change meanwhile',
    file: FINALIZE,
    find: 'if (JSON.stringify([...deployment.schemas()]) !== JSON.stringify([...before])) {',
    replace: 'if (before.size < 0) {',
    test: LINES_TEST,
    only: 'must not change',
  },
  {
    name: 'SchemaEnforcementError: imports are not checked against the schema',
    file: 'emulator/store/schema-check.ts',
    find: 'if (schema?.schemaValidation !== true) return;',
    replace: 'return;',
    test: LINES_TEST,
    only: 'is enforced',
  },
  {
    name: 'InvalidImport: a table whose index is being built can be replaced',
    file: 'emulator/store/table-swaps.ts',
    find: "if (deployment.catalog.get(table, component)?.index?.state !== 'backfilling') return;",
    replace: 'return;',
    test: LINES_TEST,
    only: 'while it is being built',
  },
  {
    name: 'requireEmpty: rows are only looked at when it is confirmed',
    file: 'emulator/snapshot-import/summary.ts',
    find: "if (mode === 'RequireEmpty' && existingRows > 0) throw tableExists(table);",
    replace: '',
    test: MODES_TEST,
    only: 'before it is confirmed',
  },
  {
    name: 'requireEmpty: rows that came since are replaced',
    file: ATTEMPT,
    find: "if (earlier === undefined && this.#mode === 'RequireEmpty' && (existing?.size ?? 0) > 0) throw tableExists(table);",
    replace: '',
    test: MODES_TEST,
    only: 'got rows since',
  },
  {
    name: 'requireEmpty: the default is to replace',
    file: 'emulator/snapshot-import/arguments.ts',
    find: ": 'requireEmpty'",
    replace: ": 'replace'",
    test: MODES_TEST,
    only: 'requireEmpty',
  },
  {
    name: 'DocumentExists: append replaces a row whose _id is there',
    file: 'emulator/store/transaction.ts',
    find: 'if (known !== undefined) throw idInUse(',
    replace: 'if (known !== undefined && known.current === null) throw idInUse(',
    test: MODES_TEST,
    only: 'cannot take an _id that is there',
  },
  {
    name: 'DocumentDeleted: append takes an _id again that was deleted',
    file: 'emulator/store/transaction.ts',
    find: 'if (known !== undefined) throw idInUse(',
    replace: 'if (known !== undefined && known.current !== null) throw idInUse(',
    test: MODES_TEST,
    only: 'cannot take an _id that was deleted',
  },
  {
    name: 'replaceAll: other tables stay',
    file: FINALIZE,
    find: "const dropped = mode === 'ReplaceAll' ? others : [];",
    replace: "const dropped = mode === 'Append' ? others : [];",
    test: MODES_TEST,
    only: 'drops all other tables',
  },
];
