import { badRequest } from '../http/errors.ts';
import { isIdentifier } from '../values/identifiers.ts';
import type { ValidatorJson } from '../store/schema.ts';
import type { ActionContext, MutationContext, QueryContext } from './contexts.ts';

export type FunctionType = 'query' | 'mutation' | 'action';
export type Visibility = 'public' | 'internal';

interface Common {
  /** Default: public. Internal functions are called by other functions, and by holders of a deploy key. */
  visibility?: Visibility;
  /** What arguments are checked against; anything goes where it is not given. */
  args?: ValidatorJson;
}

/** A function of a deployment. Arguments arrive as Convex values, and what is returned has to be one. */
export type FunctionDefinition =
  | (Common & { type: 'query'; handler: (ctx: QueryContext, args: never) => unknown })
  | (Common & { type: 'mutation'; handler: (ctx: MutationContext, args: never) => unknown })
  | (Common & { type: 'action'; handler: (ctx: ActionContext, args: never) => unknown });

/**
 * What `query`, `internalMutation` and the like of the npm package `convex` make: the functions of an app, as they are. The member is one
 * of the type only; at run time they are functions, and definitions are objects.
 */
export interface RegisteredFunction {
  isConvexFunction: true;
}

/** By path: `messages:list`, `folder/module:name`. */
export type Functions = Record<string, FunctionDefinition | RegisteredFunction>;

/** The members that the npm package gives its functions. */
interface Registered {
  isQuery?: boolean;
  isMutation?: boolean;
  isInternal?: boolean;
  exportArgs: () => string;
  _handler: (ctx: unknown, args: unknown) => unknown;
}

export function definitionOf(given: FunctionDefinition | RegisteredFunction): FunctionDefinition {
  if (isDefinition(given)) return given;
  const { isQuery, isMutation, isInternal, exportArgs, _handler } = given as unknown as Registered;
  return {
    type: isQuery === true ? 'query' : isMutation === true ? 'mutation' : 'action',
    visibility: isInternal === true ? 'internal' : 'public',
    args: JSON.parse(exportArgs()) as ValidatorJson,
    handler: _handler,
  };
}

function isDefinition(given: FunctionDefinition | RegisteredFunction): given is FunctionDefinition {
  return typeof given !== 'function';
}

/** The functions of modules, as an app's folder holds them: `{ messages: await import('./messages.ts') }`. */
export function functionsOf(modules: Record<string, object>): Functions {
  const found: Functions = {};
  for (const [module, members] of Object.entries(modules)) {
    for (const [name, member] of Object.entries(members) as [string, unknown][]) {
      if (typeof member !== 'function' || !('exportArgs' in member)) continue;
      found[`${module}:${name}`] = member as unknown as RegisteredFunction;
    }
  }
  return found;
}

/** A function's path in the one form that its definition goes by, and in the two in which messages show it. */
export interface FunctionPath {
  /** `messages:list` */
  key: string;
  /** `messages.js:list` */
  full: string;
  /** `messages:list`, or `messages` for a default export. */
  short: string;
}

/** @throws 400 `BadConvexFunctionIdentifier` (crates/convex/sync_types/src/{udf_path,module_path,path}.rs) */
export function parseFunctionPath(text: string): FunctionPath {
  const colon = text.lastIndexOf(':');
  const given = colon < 0 ? text : text.slice(0, colon);
  const module = given.replace(/\.js$/, '');
  const name = colon < 0 ? 'default' : text.slice(colon + 1);
  const extension = /[^/](\.[^./]*)$/.exec(given)?.[1] ?? '.js';
  const problem =
    extension === '.js' ? problemOf(module, name) : `Module path (${given}) has an extension that isn't 'js'.`;
  if (problem !== undefined) {
    throw badRequest('BadConvexFunctionIdentifier', `${text} is not a valid path to a Convex function. ${problem}`);
  }
  const key = `${module}:${name}`;
  return { key, full: `${module}.js:${name}`, short: name === 'default' ? module : key };
}

function problemOf(module: string, name: string): string | undefined {
  if (module === '') return `Module path ${module} doesn't have a filename.`;
  if (module.startsWith('/')) return `Module paths must be relative (${module} is absolute).`;
  for (const part of module.split('/')) {
    if (part.length > 64) return `Path component is too long (${part.length} > maximum 64): ${part.slice(0, 64)}...`;
    if (!/^[A-Za-z0-9_.]*$/.test(part))
      return `Path component ${part} can only contain alphanumeric characters, underscores, or periods.`;
    if (!/[A-Za-z0-9]/.test(part)) return `Path component ${part} must have at least one alphanumeric character.`;
  }
  return isIdentifier(name)
    ? undefined
    : 'Identifiers must start with a letter and can only contain letters, digits, and underscores.';
}

/** The path in a reference of the npm package (`api.messages.list`), or in a text. */
export function pathOf(reference: unknown): string {
  if (typeof reference === 'string') return reference;
  const name = (reference as Record<symbol, unknown> | null)?.[Symbol.for('functionName')];
  if (typeof name !== 'string') throw new TypeError('this is no reference to a function');
  return name;
}
