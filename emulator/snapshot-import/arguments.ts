import { Arguments, describe, listOf, stringOf, type Struct } from '../http/arguments.ts';
import { badRequest } from '../http/errors.ts';
import { decodeId } from '../values/ids.ts';
import { identifierProblem } from './errors.ts';
import type { ImportFormat, ImportMode, ImportRow } from './rows.ts';

const FORMATS = ['csv', 'jsonLines', 'jsonArray', 'zip'] as const;
const MODES = ['append', 'replace', 'replaceAll', 'requireEmpty'] as const;

const IMPORT: Struct = {
  name: 'ImportQueryArgs',
  fields: ['tableName', 'componentPath', 'format', 'mode'],
  defaults: 1,
};
const FINISH: Struct = { name: 'ImportFinishUploadArgs', fields: ['import', 'uploadToken', 'partTokens'] };

/** What a client says of a file, as it says it. */
export interface GivenImport {
  tableName: string | undefined;
  componentPath: string | undefined;
  format: (typeof FORMATS)[number];
  mode: (typeof MODES)[number];
}

export interface GivenUpload {
  given: GivenImport;
  uploadToken: string;
}

/** The arguments of an import, only decoded. @throws 400 `BadQueryArgs` or `BadJsonBody` */
export function readImport(args: Arguments): GivenImport {
  return {
    tableName: args.optionalString('tableName'),
    componentPath: args.optionalString('componentPath'),
    format: oneOf(args, 'format', FORMATS),
    mode: args.all.has('mode') ? oneOf(args, 'mode', MODES) : 'requireEmpty',
  };
}

/** The body of finish_upload. The part tokens are decoded and not looked at, as by local storage. */
export function readUpload(args: Arguments): GivenUpload {
  const body = args.as(FINISH);
  const given = readImport(Arguments.fromBody(body.required('import')).as(IMPORT));
  const uploadToken = stringOf(body.required('uploadToken'), 'uploadToken');
  listOf(body.required('partTokens'), 'partTokens', stringOf);
  return { given, uploadToken };
}

/** The query of upload_part; local storage does not look at part numbers, but they must be 16 bits. */
export function readPart(args: Arguments): string {
  const token = stringArgument(args, 'uploadToken');
  args.required('partNumber');
  const number = args.optionalInt64('partNumber') ?? -1n;
  if (number < 0n) throw args.error('partNumber', 'invalid digit found in string');
  if (number > 65_535n) throw args.error('partNumber', 'number too large to fit in target type');
  return token;
}

/** The id of an import, in a body that is a `struct` of the backend's. @throws 400 `InvalidImport` where it is none of any document */
export function readImportId(args: Arguments, struct: string): () => string {
  const id = stringOf(args.as({ name: struct, fields: ['importId'] }).required('importId'), 'importId');
  return () => {
    if (decodeId(id) === undefined) throw badRequest('InvalidImport', `invalid import id ${id}`);
    return id;
  };
}

/** @throws 400 `ImportInvalidName`, `InvalidName`, `InvalidComponentPath` */
export function checkImport(given: GivenImport): Pick<ImportRow, 'format' | 'mode' | 'component'> {
  const format = formatOf(given);
  const component = given.componentPath ?? '';
  for (const name of component === '' ? [] : component.split('/')) {
    const problem = identifierProblem(name);
    if (problem !== undefined) throw badRequest('InvalidComponentPath', problem);
  }
  return { format, component, mode: (given.mode.charAt(0).toUpperCase() + given.mode.slice(1)) as ImportMode };
}

function formatOf({ format, tableName: table }: GivenImport): ImportFormat {
  const problem = table === undefined ? undefined : identifierProblem(table);
  if (problem !== undefined) throw badRequest('ImportInvalidName', `invalid table name ${table ?? ''}: ${problem}`);
  if (format === 'zip') {
    if (table !== undefined) throw badRequest('InvalidName', 'ZIP import cannot have table name');
    return { format: 'zip', table: undefined };
  }
  const [name, stored] = (
    { csv: ['CSV', 'csv'], jsonArray: ['JSON', 'json_array'], jsonLines: ['JSONL', 'jsonl'] } as const
  )[format];
  if (table === undefined) throw badRequest('InvalidName', `${name} import requires table name`);
  return { format: stored, table };
}

function oneOf<T extends string>(args: Arguments, name: string, choices: readonly T[]): T {
  const value = args.required(name);
  const choice = choices.find((candidate) => candidate === value);
  if (choice !== undefined) return choice;
  if (typeof value !== 'string') throw args.error(name, `invalid type: ${describe(value)}, expected a string`);
  const expected = choices.map((candidate) => `\`${candidate}\``).join(', ');
  throw args.error(name, `unknown variant \`${value}\`, expected one of ${expected}`);
}

function stringArgument(args: Arguments, name: string): string {
  args.required(name);
  return args.optionalString(name) ?? '';
}
