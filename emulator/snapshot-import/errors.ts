import { HttpError } from '../http/errors.ts';
import { isIdentifier } from '../values/identifiers.ts';

const MAX_IDENTIFIER_LENGTH = 64;
const MAX_FIELD_NAME_LENGTH = 1024;

/** A fault of the imported file, as the backend words it. The text may hold a whole row. */
export class ContentError extends Error {}

/** A failure that the backend takes for its own fault, although the file may be the reason: it tries again. */
export class InternalFailure extends Error {}

/** The server was killed while it worked on an import: the attempt ends without a trace. */
export class ServerKilled extends Error {}

/**
 * What the row says of a failure, or undefined where the backend takes it for its own fault and tries again
 * (crates/application/src/snapshot_import/import_error.rs).
 */
export function userMessage(error: unknown): string | undefined {
  if (error instanceof ContentError) return error.message;
  if (error instanceof HttpError && error.status === 400) return `Hit an error while importing:\n${error.message}`;
  return undefined;
}

/** Why a text is no name of a table or component; undefined where it is one. */
export function identifierProblem(text: string): string | undefined {
  if (isIdentifier(text)) return undefined;
  const [first, ...rest] = text;
  if (first === undefined) return 'Identifier cannot be empty';
  if (!/[A-Za-z_]/.test(first)) {
    return (
      `Invalid first character '${first}' in ${text}: Identifiers must start with an alphabetic character or ` +
      'underscore'
    );
  }
  const bad = rest.find((character) => !/[A-Za-z0-9_]/.test(character));
  if (bad !== undefined) {
    return (
      `Identifier ${text} has invalid character '${bad}': Identifiers can only contain alphanumeric characters or ` +
      'underscores'
    );
  }
  if (text.length > MAX_IDENTIFIER_LENGTH) {
    return `Identifier is too long (${text.length} > maximum ${MAX_IDENTIFIER_LENGTH})`;
  }
  return `Identifier ${text} cannot have exclusively underscores`;
}

/** Why a text is no name of a field; undefined where it is one. */
export function fieldNameProblem(text: string): string | undefined {
  if (text.startsWith('$')) return `Field name ${text} starts with '$', which is reserved.`;
  const bad = [...text].find((character) => !/[\x20-\x7e]/.test(character));
  if (bad !== undefined) {
    return (
      `Field name ${text} has invalid character ${JSON.stringify(bad)}: Field names can only contain non-control ` +
      'ASCII characters'
    );
  }
  if (text.length > MAX_FIELD_NAME_LENGTH) {
    return `Field name is too long (${text.length} > maximum ${MAX_FIELD_NAME_LENGTH})`;
  }
  return undefined;
}
