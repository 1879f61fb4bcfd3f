const MAX_IDENTIFIER_LENGTH = 64;
const MAX_FIELD_NAME_LENGTH = 1024;
const FIELD_NAME = /^(?!\$)[\x20-\x7e]*$/;

/** Table names, component names and the parts of index fields (crates/convex/sync_types/src/identifier.rs). */
export function isIdentifier(text: string): boolean {
  return text.length <= MAX_IDENTIFIER_LENGTH && /^[A-Za-z_][A-Za-z0-9_]*$/.test(text) && /[A-Za-z0-9]/.test(text);
}

/** Why a text is no identifier, in the backend's words. */
export function identifierProblem(text: string): string {
  const [first, ...rest] = text;
  if (first === undefined) return 'Identifier cannot be empty';
  if (!/[A-Za-z_]/.test(first)) {
    return `Invalid first character '${first}' in ${text}: Identifiers must start with an alphabetic character or underscore`;
  }
  const bad = rest.find((character) => !/[A-Za-z0-9_]/.test(character));
  if (bad !== undefined) {
    return `Identifier ${text} has invalid character '${bad}': Identifiers can only contain alphanumeric characters or underscores`;
  }
  if (text.length > MAX_IDENTIFIER_LENGTH) {
    return `Identifier is too long (${text.length} > maximum ${MAX_IDENTIFIER_LENGTH})`;
  }
  return `Identifier ${text} cannot have exclusively underscores`;
}

/** Field names of objects: printable ASCII, also empty, with spaces or dots, but never starting with `$`. */
export function isFieldName(text: string): boolean {
  return text.length <= MAX_FIELD_NAME_LENGTH && FIELD_NAME.test(text);
}

export function isSystemName(text: string): boolean {
  return text.startsWith('_');
}

/** '' is the root; else identifiers joined by slashes. */
export function isComponentPath(text: string): boolean {
  return text === '' || text.split('/').every(isIdentifier);
}
