/**
 * Which function is meant. `messages:list` is the function `list` of the file convex/messages.ts,
 * `admin/tools:count` one of convex/admin/tools.ts. What the backend refuses is refused here as well, before
 * anything is sent (sync_types/src/{udf_path,module_path,path,identifier}.rs). The form is that of the
 * OpenAPI document and periods, which it leaves out.
 */
import { isIdentifier } from './identifiers.ts';

const FORM = /^[a-zA-Z0-9_/.]+:[a-zA-Z0-9_]+$/;
const MAX_PART = 64;

/** The text names no function. Its message repeats the text and says what would be right. */
export class FunctionPathError extends Error {
  override readonly name = 'FunctionPathError';
}

export interface FunctionPath {
  /** `admin/tools`. Only a file whose own name has a period ends in `.js`: `reports.v2.js` */
  module: string;
  /** `count` */
  name: string;
  /** `admin/tools:count` */
  text: string;
}

/** Blanks around it, and the `.js` of a module, are taken off. Throws `FunctionPathError`. */
export function parseFunctionPath(given: string): FunctionPath {
  const text = given.trim().replace(/\.[jt]s:/, ':');
  if (!FORM.test(text)) throw new FunctionPathError(`"${shown(given)}" is not the path of a function: ${advice(text)}`);
  const [module = '', name = ''] = text.split(':');
  for (const part of module.split('/')) {
    if (part === '') throw new FunctionPathError(`"${shown(given)}" has a "/" where no folder or file is named.`);
    if (part.length > MAX_PART)
      throw new FunctionPathError(`"${shown(given)}" has a folder or file of more than ${MAX_PART} characters.`);
    if (!/[A-Za-z0-9]/.test(part))
      throw new FunctionPathError(`"${shown(given)}" has a folder or file without letters and digits.`);
  }
  if (!isIdentifier(name)) {
    throw new FunctionPathError(
      `"${shown(given)}" does not end in the name of a function: names begin with a letter and have up to ${MAX_PART} characters.`,
    );
  }
  // The backend takes what follows the last period of a file for its extension, and knows no other than js
  // (C200).
  const canonical = /\.[^/]*$/.test(module) ? `${module}.js` : module;
  return { module: canonical, name, text: `${canonical}:${name}` };
}

/** Where the function is called at by its path in the URL: `/api/run/admin/tools/count`. */
export function runPath({ module, name }: FunctionPath): string {
  return `/api/run/${module}/${name}`;
}

function advice(text: string): string {
  if (/^(api|internal)\.[\w.]+$/.test(text)) {
    const [, ...parts] = text.split('.');
    return `write "${parts.slice(0, -1).join('/')}:${parts.at(-1) ?? ''}".`;
  }
  if (/^[\w/]+$/.test(text))
    return 'after the file belongs a colon and the name of the function, as in "messages:list" ("messages:default" for a default export).';
  return 'it should look like "messages:list", for the function "list" of the file convex/messages.ts.';
}

/** A value in the wrong field could be a key: no more of it is repeated than a path would have. */
function shown(text: string): string {
  return /^[\w./:-]{1,100}$/.test(text.trim()) ? text.trim() : '…';
}
