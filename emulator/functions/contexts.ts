import { inspect } from 'node:util';
import type { Identity } from '../http/auth.ts';
import type { Value } from '../values/values.ts';
import type { DatabaseReader, DatabaseWriter } from './database.ts';

/** Runs a function by its path, or by a reference of the npm package. */
export type Run = (reference: unknown, args?: object) => Promise<Value>;

interface Common {
  auth: { getUserIdentity: () => Promise<UserIdentity | null> };
  /** What a function prints; a client finds it in `logLines`. */
  console: FunctionConsole;
  runQuery: Run;
}

export interface QueryContext extends Common {
  db: DatabaseReader;
}

export interface MutationContext extends Common {
  db: DatabaseWriter;
  runMutation: Run;
}

export interface ActionContext extends Common {
  runMutation: Run;
  runAction: Run;
}

export interface UserIdentity {
  subject: string;
  issuer: string;
  tokenIdentifier: string;
}

export function authOf(identity: Identity): Common['auth'] {
  return { getUserIdentity: async () => (identity.kind === 'user' ? identity.user : null) };
}

const LEVELS = { debug: 'DEBUG', log: 'LOG', info: 'INFO', warn: 'WARN', error: 'ERROR' } as const;

export type FunctionConsole = Record<keyof typeof LEVELS, (...parts: unknown[]) => void>;

/** Collects lines as a client sees them: `[LOG] 'text' { n: 1 }`. */
export function consoleInto(lines: string[]): FunctionConsole {
  const method = (level: keyof typeof LEVELS) => {
    return (...parts: unknown[]): void => {
      lines.push(`[${LEVELS[level]}] ${parts.map((part) => inspect(part)).join(' ')}`);
    };
  };
  return {
    debug: method('debug'),
    log: method('log'),
    info: method('info'),
    warn: method('warn'),
    error: method('error'),
  };
}
