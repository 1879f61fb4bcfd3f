/** Paths of functions: `messages:list` is `list` of convex/messages.ts (C192). Checked before sending. */
import { isIdentifier } from './identifiers.ts';

const FORM = /^[a-zA-Z0-9_/.]+:[a-zA-Z0-9_]+$/;
const MAX_PART = 64;

/** The text is not a function path. The message says what would be. */
export class FunctionPathError extends Error {
  override readonly name = 'FunctionPathError';
}

/**
 * The path as the API takes it, such as `admin/tools:count`: without blanks around it and the `.js` of its
 * module, which it keeps only if the file's own name has a period: `reports.v2.js:all` (C200). Throws
 * `FunctionPathError`.
 */
export function parseFunctionPath(given: string): string {
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
  // The backend takes the part after the last period for an extension, and accepts only js (C200).
  return `${module}${/\.[^/]*$/.test(module) ? '.js' : ''}:${name}`;
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

/** Repeats only what could be a path: a value in the wrong field may be a key. */
function shown(text: string): string {
  return /^[\w./:-]{1,100}$/.test(text.trim()) ? text.trim() : '…';
}
