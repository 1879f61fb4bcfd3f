import type { Mutation } from '../mutation.ts';

/** How files of the formats are read: the export's own encoding, arrays, ZIP files. */

const LINES = 'emulator/snapshot-import/lines.ts';
const PARSE = 'emulator/snapshot-import/parse.ts';
const DECODE = 'emulator/snapshot-import/decode.ts';
const ZIP = 'emulator/snapshot-import/zip.ts';
const ATTEMPT = 'emulator/snapshot-import/attempt.ts';
const FORMATS_TEST = 'test/emulator/snapshot-import/formats.test.ts';
const ZIP64_TEST = 'test/emulator/snapshot-import/zip64.test.ts';

export const IMPORT_FILES_OF_EMULATOR: Mutation[] = [
  {
    name: 'uniform: digits alone are a float64',
    file: DECODE,
    find: 'return uniform ? numberOf(json) : Number(json.text);',
    replace: 'return Number(json.text);',
    test: FORMATS_TEST,
    only: 'reads what export_json writes',
  },
  {
    name: 'uniform: wrapped values are read without it',
    file: DECODE,
    find: 'if (uniform && json.size === 1) {',
    replace: 'if (json.size === 1) {',
    test: FORMATS_TEST,
    only: 'without it every number',
  },
  {
    name: 'uniform: a finite $float is read',
    file: 'emulator/functions/decode.ts',
    find: 'if (Number.isFinite(value) && value !== 0) throw',
    replace: 'if (value === 2) throw',
    test: FORMATS_TEST,
    only: 'a finite',
  },
  {
    name: 'uniform: a _creationTime may be an int64',
    file: 'emulator/values/documents.ts',
    find: "if (name === '_creationTime' && value !== creationTime) {",
    replace: "if (name === '_creationTime' && typeof value !== 'bigint' && value !== creationTime) {",
    test: FORMATS_TEST,
    only: 'an integer _creationTime',
  },
  {
    name: 'uniform: a backend of before March 2026 knows it',
    file: PARSE,
    find: "if (value === 'uniform' && knowsUniform) return;",
    replace: "if (value === 'uniform') return;",
    test: FORMATS_TEST,
    only: 'before March 2026',
  },
  {
    name: 'generated_schema: any text is "uniform"',
    file: PARSE,
    find: "if (value === 'uniform' && knowsUniform) return;",
    replace: "if (typeof value === 'string' && knowsUniform) return;",
    test: FORMATS_TEST,
    only: 'a generated schema',
  },
  {
    name: 'generated_schema: any value is "uniform"',
    file: PARSE,
    find: "if (typeof value !== 'string') {",
    replace: "if (typeof value !== 'string') return;\n  if (value === '') {",
    test: FORMATS_TEST,
    only: 'a generated schema',
  },
  {
    name: 'InvalidComponentName: a component may have any name',
    file: PARSE,
    find: "if (problem !== undefined) throw badRequest('InvalidComponentName'",
    replace: "if (problem === '') throw badRequest('InvalidComponentName'",
    test: FORMATS_TEST,
    only: '_components/1',
  },
  {
    name: 'csv: what is no UTF-8 is read',
    file: 'emulator/snapshot-import/csv.ts',
    find: 'if (!isUtf8(content)) throw',
    replace: 'if (content.length < 0) throw',
    test: FORMATS_TEST,
    only: 'csv',
  },
  {
    name: 'csv: a row may be too short',
    file: 'emulator/snapshot-import/csv.ts',
    find: 'if (cells.length !== names.length) {',
    replace: 'if (cells.length < 0) {',
    test: FORMATS_TEST,
    only: 'csv',
  },
  {
    name: 'jsonArray: what is no UTF-8 is read',
    file: LINES,
    find: 'if (!isUtf8(content)) throw',
    replace: 'if (content.length < 0) throw',
    test: FORMATS_TEST,
    only: 'jsonArray',
  },
  {
    name: 'jsonArray: what is no array is one row',
    file: LINES,
    find: "if (!Array.isArray(value)) throw new ContentError('Not a JSON array');\n  yield* value;",
    replace: 'yield* Array.isArray(value) ? value : [value];',
    test: FORMATS_TEST,
    only: 'jsonArray',
  },
  {
    name: 'jsonArray: a file may be as large as it likes',
    file: LINES,
    find: 'if (size > limit) {',
    replace: 'if (size > 2 * limit) {',
    test: FORMATS_TEST,
    only: 'is bounded',
  },
  {
    name: 'zip: a damaged entry is read',
    file: ZIP,
    find: 'if (content.length !== size || crc32(content) !== checksum) throw invalid();',
    replace: '',
    test: FORMATS_TEST,
    only: 'is damaged',
  },
  {
    name: 'zip: an entry is read wherever it is',
    file: ZIP,
    find: 'if (offset + 30 > file.length || file.readUInt32LE(offset) !== LOCAL) throw invalid();',
    replace: '',
    test: FORMATS_TEST,
    only: 'a file that',
  },
  {
    name: 'zip: other _ folders are tables',
    file: PARSE,
    find: "} else if (!table.startsWith('_') || table === TABLES || table === STORAGE) {",
    replace: '} else {',
    test: FORMATS_TEST,
    only: 'without documents completes',
  },
  {
    name: 'zip: a table that _tables lists is left alone without documents',
    file: ATTEMPT,
    find: 'this.#prepare(table);\n',
    replace:
      '{\n      if (this.#tables.some((imported) => imported.table === table.table)) this.#prepare(table);\n    }\n',
    test: FORMATS_TEST,
    only: 'empties a table',
  },
  {
    name: 'ZIP64: its end record is not read',
    file: ZIP,
    find: 'if (locator >= 0 && file.readUInt32LE(locator) === LOCATOR_64) {',
    replace: 'if (locator < -20) {',
    test: ZIP64_TEST,
  },
  {
    name: 'ZIP64: its fields are not read',
    file: ZIP,
    find: 'if (narrow !== MAX_32) return narrow;',
    replace: 'if (narrow !== -1) return narrow;',
    test: ZIP64_TEST,
  },
  {
    name: 'ZIP64: only a first extra field is read',
    file: ZIP,
    find: 'if (extra.readUInt16LE(at) === 1) wide',
    replace: 'if (at === 0) wide',
    test: ZIP64_TEST,
  },
  {
    name: 'ZIP64: every number is the first one of the extra field',
    file: ZIP,
    find: 'used += 8;',
    replace: 'used = 8;',
    test: ZIP64_TEST,
  },
  {
    name: 'ZIP64: the packed size comes first in the extra field',
    file: ZIP,
    find: '  const size = take(file.readUInt32LE(position + 24));\n  const packed = take(file.readUInt32LE(position + 20));\n',
    replace:
      '  const packed = take(file.readUInt32LE(position + 20));\n  const size = take(file.readUInt32LE(position + 24));\n',
    test: ZIP64_TEST,
  },
];
